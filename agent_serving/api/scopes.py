"""What each operation takes: the one table of scopes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request

from agent_serving.domain.access import Identity, Scope
from agent_serving.domain.errors import Forbidden, Unauthenticated

SCOPES: Mapping[str, Scope] = {
    # What is there, and what became of it.
    "list_agents": "read",
    "get_agent": "read",
    "list_agent_versions": "read",
    "list_sessions": "read",
    "get_session": "read",
    "list_turns": "read",
    "list_batches": "read",
    "get_batch": "read",
    "list_batch_results": "read",
    "get_turn": "read",
    "list_steps": "read",
    "get_step": "read",
    "get_trace": "read",
    "list_items": "read",
    "list_events": "read",
    "get_usage": "read",
    "get_report": "read",
    "list_tools": "read",
    "list_grammars": "read",
    "list_models": "read",
    "get_model": "read",
    "get_capabilities": "read",
    # What an application does with sessions, which are its own data: it may delete them, too.
    "open_session": "run",
    "change_session": "run",
    "delete_session": "run",
    "fork_session": "run",
    "start_turn": "run",
    "change_turn": "run",
    "cancel_turn": "run",
    "give_inputs": "run",
    "create_batch": "run",
    "cancel_batch": "run",
    "delete_batch": "run",
    # The same by OpenAI's names.
    "create_response": "run",
    "get_response": "read",
    "cancel_response": "run",
    "delete_response": "run",
    "list_input_items": "read",
    "create_conversation": "run",
    "get_conversation": "read",
    "update_conversation": "run",
    "delete_conversation": "run",
    "list_conversation_items": "read",
    "get_conversation_item": "read",
    "add_conversation_items": "run",
    "create_completion": "run",
    # What changes what others run by its name.
    "register_agent": "admin",
    "apply_agent": "admin",
    "delete_agent": "admin",
    # The figures of all tenants.
    "get_metrics": "metrics",
}

OPEN = frozenset({"get_health", "get_readiness", "get_page"})
"""Operations that take no key: whoever may connect may know whether the service lives. The
explorer's page is the same for everybody, and has nothing before it is given a key."""

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/openapi.json", "/docs"})
OPEN_FOLDER = "/explorer"


def is_open(path: str) -> bool:
    return path in OPEN_PATHS or path == OPEN_FOLDER or path.startswith(f"{OPEN_FOLDER}/")


def document(written: dict[str, Any]) -> None:
    """Says of each operation of an OpenAPI document what it takes."""
    written["components"]["securitySchemes"] = {
        "key": {
            "type": "http",
            "scheme": "bearer",
            "description": "A key that `agent-serving keys create` made, or a JSON web token of "
            "the issuer that this deployment takes. Not needed where the service listens on "
            "loopback only, has no keys and takes no tokens.",
        }
    }
    for methods in written["paths"].values():
        for operation in methods.values():
            scope = SCOPES.get(operation["operationId"])
            if scope is None:
                operation["security"] = []
            else:
                operation["security"] = [{"key": []}]
                operation["x-required-scope"] = scope


async def permitted(request: Request) -> None:
    """Looked at before each operation: one that is in neither table is nobody's."""
    name = request.scope["route"].name
    if name in OPEN or request.app.state.api.access is None:
        return
    scope = SCOPES[name]
    require(request.scope["state"].get("identity"), scope)
    if scope == "admin":
        request.scope["state"]["act"] = name


def require(identity: object, scope: Scope) -> None:
    """Raises Unauthenticated, Forbidden."""
    if not isinstance(identity, Identity):
        raise Unauthenticated("A key is needed here.", sent=False)
    if not identity.may(scope):
        held = ", ".join(sorted(identity.scopes)) or "none"
        raise Forbidden(
            f"This takes the scope `{scope}`, and the key has: {held}. Use another key, or have "
            f"one made by `agent-serving keys create --scope {scope}`.",
            scope=scope,
        )
