"""What a user's test of an agent costs: two tools, three model steps, the whole service in the
test's process; once with tools of the service, once with functions of the test, which the client
runs. Beside them, tests that ask the same service for its health as often as the latter speak to
it.

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

TOOLS = '''
from agent_serving import tool


@tool
def price(item: str) -> str:
    """Price of an item.

    Args:
        item: Its name.
    """
    return f"{item} costs 3 euros"


@tool
def order(item: str, count: int) -> str:
    """Order an item.

    Args:
        item: Its name.
        count: How many.
    """
    return f"{count} {item} ordered"
'''

TESTS = """
from pathlib import Path

import httpx
import pytest
from agent_serving.testing import call
from shop.tools import order, price


@pytest.fixture(scope="session")
def agent_service_settings():
    return {{"tools": (Path(__file__).with_name("shop"),)}}


@pytest.fixture(scope="session")
def http(running_agent_service):
    with httpx.Client(base_url=running_agent_service.url, trust_env=False) as client:
        yield client


def two_teas(agent_service, session):
    agent_service.says(call("price", item="tea"), call("order", item="tea", count=2), "Done.")
    assert session.run("Two teas, please.").text == "Done."


@pytest.mark.parametrize("number", range({tests}))
def test_tools_of_the_service(agent_service, agent_client, number):
    two_teas(agent_service, agent_client.sessions.create({{"tools": ["price", "order"]}}))


@pytest.mark.parametrize("number", range({tests}))
def test_functions_of_the_test(agent_service, agent_client, number):
    two_teas(agent_service, agent_client.sessions.create(tools=[price, order]))


@pytest.mark.parametrize("number", range({tests}))
def test_baseline(agent_service, http, number):
    for _ in range(4):
        assert http.get("/healthz").status_code == 200
"""


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
        shop = Path(folder, "shop")
        shop.mkdir()
        (shop / "tools.py").write_text(TOOLS)
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
        baseline = median(durations(report, "baseline"))
        print(f"as many requests for its health: {baseline:.1f} ms")
        for name in ("tools_of_the_service", "functions_of_the_test"):
            took = durations(report, name)
            print(
                f"{name.replace('_', ' ')}: median {median(took):.1f} ms a test, {max(took):.1f} "
                f"the slowest of {len(took)}; ratio {median(took) / baseline:.1f}"
            )


if __name__ == "__main__":
    main()
