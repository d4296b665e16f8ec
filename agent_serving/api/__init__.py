"""The HTTP face of the service: REST under /v1, server-sent events, OpenAPI at /openapi.json."""

from __future__ import annotations

from agent_serving.api.app import create_app
from agent_serving.api.context import ApiSettings

__all__ = ["ApiSettings", "create_app"]
