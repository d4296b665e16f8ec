"""/mcp: streamable HTTP by the official SDK, without state between requests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import mcp_types as types
from fastapi import FastAPI
from mcp import MCPError
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.types import Receive, Scope, Send

import agent_serving
from agent_serving.api.context import Api
from agent_serving.api.disclosure import told
from agent_serving.api.mcp.runs import run_agent
from agent_serving.api.mcp.tools import agent_page, input_schema
from agent_serving.api.scopes import require
from agent_serving.domain.access import EVERYTHING, Identity
from agent_serving.domain.access import Scope as KeyScope
from agent_serving.domain.errors import AccessError, AgentServingError

PATH = "/mcp"
SERVER_ERROR = -32000

Request = ServerRequestContext[Any, Any]


class _Endpoint:
    """Each request has a session manager of its own: nothing outlives the request, any replica
    answers the next one, and there is nothing to start or stop."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._server: Server[Any] = Server(
            "agent-serving",
            version=agent_serving.__version__,
            instructions="Each tool runs an agent. Give `session_id` to go on with a conversation.",
            get_tool_input_schema=input_schema,
            on_list_tools=self._list,
            on_call_tool=self._call,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises Unauthenticated, Forbidden: handshakes and pings take `read`, too."""
        if self._api.access is not None:
            require(scope["state"].get("identity"), "read")
        manager = StreamableHTTPSessionManager(
            self._server,
            stateless=True,
            max_request_body_size=self._api.settings.max_body_bytes,
        )
        async with manager.run():
            await manager.handle_request(scope, receive, send)

    async def _list(
        self, context: Request, params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        try:
            api = self._of(context, "read")
            return await agent_page(api, params.cursor if params is not None else None)
        except AgentServingError as error:
            raise _refusal(error, context) from None

    async def _call(
        self, context: Request, params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        """What goes wrong is a result, so that the caller's model can read it."""
        try:
            return await run_agent(self._of(context, "run"), context, params)
        except AccessError as error:
            raise _refusal(error, context) from None
        except AgentServingError as error:
            message = _told(error, context)
            structured = {"error": {"code": error.code, "message": message}}
            text = types.TextContent(text=f"{error.code}: {message}")
            return types.CallToolResult(
                content=[text], structured_content=structured, is_error=True
            )

    def _of(self, context: Request, scope: KeyScope) -> Api:
        """The API as the caller may use it. Raises Unauthenticated, Forbidden."""
        api = self._api
        if api.access is None:
            everybody = Identity(tenant=api.settings.tenant, actor="", scopes=EVERYTHING)
            return replace(api, identity=everybody)
        assert context.request is not None
        identity = context.request.scope["state"].get("identity")
        require(identity, scope)
        return replace(api, identity=identity)


def _refusal(error: AgentServingError, context: Request) -> MCPError:
    return MCPError(SERVER_ERROR, _told(error, context), {"code": error.code})


def _told(error: AgentServingError, context: Request) -> str:
    assert context.request is not None
    return told(error, context.request.scope)


def install(app: FastAPI, api: Api) -> None:
    # Only POST: without state between requests nothing could be said on a stream opened by GET,
    # and there is no session to DELETE.
    endpoint: Any = _Endpoint(api)
    app.add_route(PATH, endpoint, methods=["POST"], include_in_schema=False)
