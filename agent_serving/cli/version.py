"""agent-serving version"""

from __future__ import annotations

import platform

import typer

from agent_serving import __version__


def version() -> None:
    """Print the versions of agent-serving and Python.

    Example: agent-serving version
    """
    typer.echo(f"agent-serving {__version__} (Python {platform.python_version()})")
