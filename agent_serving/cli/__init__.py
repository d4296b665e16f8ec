"""The command line: one file for each group of commands.

It needs the packages of the server; whoever has installed the client alone is told so.
"""

from __future__ import annotations

import sys

__all__ = ["main"]

try:
    from agent_serving.cli.main import main
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] == "agent_serving":
        raise
    _MISSING = error.name

    def main() -> None:
        sys.exit(
            f"agent-serving: the commands need the server's packages, and {_MISSING} is missing. "
            "Install them: pip install 'agent-serving[server]'"
        )
