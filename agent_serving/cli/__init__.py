"""The command line: one file for each group of commands."""

from __future__ import annotations

from agent_serving.cli.main import main

__all__ = ["main"]
