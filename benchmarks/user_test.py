"""What a user's test of an agent costs: two tools, three model steps, the whole service in the
test's process. Beside it, tests that ask the same service for its health as often as the other
tests speak to it.

    python benchmarks/user_test.py --tests 60
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from xml.etree import ElementTree

TESTS = '''
import httpx
import pytest
from agent_serving import tool
from agent_serving.testing import call


@tool
def price(item: str) -> str:
    """Price of an item.

    Args:
        item: Its name.
    """
    return f"{{item}} costs 3 euros"


@tool
def order(item: str, count: int) -> str:
    """Order an item.

    Args:
        item: Its name.
        count: How many.
    """
    return f"{{count}} {{item}} ordered"


@pytest.fixture(scope="session")
def http(running_agent_service):
    with httpx.Client(base_url=running_agent_service.url, trust_env=False) as client:
        yield client


@pytest.mark.parametrize("number", range({tests}))
def test_agent(agent_service, agent_client, number):
    agent_service.says(call("price", item="tea"), call("order", item="tea", count=2), "Done.")
    session = agent_client.sessions.create(tools=[price, order])
    assert session.run("Two teas, please.").text == "Done."


@pytest.mark.parametrize("number", range({tests}))
def test_baseline(agent_service, http, number):
    for _ in range(4):
        assert http.get("/healthz").status_code == 200
'''


def durations(report: Path, name: str) -> list[float]:
    """Milliseconds of each test's own time; the first has started the service."""
    cases = [c for c in ElementTree.parse(report).iter("testcase") if name in c.attrib["name"]]
    return [1000 * float(case.attrib["time"]) for case in cases[1:]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tests", type=int, default=60)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file, report = Path(folder, "test_agent.py"), Path(folder, "report.xml")
        file.write_text(TESTS.format(tests=arguments.tests))
        subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)),
                *(f"--junitxml={report}", "-o", "junit_duration_report=call"),
            ],
            check=True,
            cwd=folder,
            env=os.environ,
        )
        agent, baseline = durations(report, "agent"), durations(report, "baseline")
    print(
        f"median {median(agent):.1f} ms a test, {max(agent):.1f} ms the slowest of {len(agent)}; "
        f"as many requests for its health {median(baseline):.1f} ms; "
        f"ratio {median(agent) / median(baseline):.1f}"
    )


if __name__ == "__main__":
    main()
