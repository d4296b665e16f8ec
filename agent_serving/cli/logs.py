"""Logs: for people on a terminal, for programs everywhere else."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from agent_serving.config import Settings

QUIET = ("httpx", "httpx2", "httpcore", "asyncio", "mcp", "client")
"""Libraries that tell of each request; only their warnings are news. `client` is the MCP SDK's."""


class JsonLines(logging.Formatter):
    """One object a line: time (RFC 3339, UTC), level, logger, message, exception."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")
        line = {
            "time": at.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        elif record.exc_text:
            line["exception"] = record.exc_text
        return json.dumps(line, ensure_ascii=False)


def start_logging(settings: Settings) -> None:
    """Logs go to stderr; what was configured before is replaced."""
    text = settings.log_format == "text" or (settings.log_format == "auto" and sys.stderr.isatty())
    handler = logging.StreamHandler()
    handler.setFormatter(
        logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")
        if text
        else JsonLines()
    )
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
