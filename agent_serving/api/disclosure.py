"""What is inside, only who runs the deployment is told: where its parts are, why one is down."""

from __future__ import annotations

import logging

from starlette.types import Scope

from agent_serving.domain.access import Identity
from agent_serving.domain.errors import AgentServingError, StoreFull, StoreUnavailable

_LOG = logging.getLogger(__name__)

DOWN = (
    "The store cannot be used now; all goes on by itself once it can. The service's log says why."
)
FULL = (
    "The store is full. Delete sessions (DELETE /v1/sessions/{id} frees theirs), or open new ones "
    "with a ttl_seconds; turns under way wait, and all goes on by itself once there is room."
)


def told(error: AgentServingError, scope: Scope) -> str:
    """The error's message, as the caller of this request may read it."""
    if not isinstance(error, StoreUnavailable) or _operates(scope):
        return error.message
    request_id = scope.get("state", {}).get("request_id")
    _LOG.warning("the store could not be used (request %s): %s", request_id, error.message)
    return FULL if isinstance(error, StoreFull) else DOWN


def _operates(scope: Scope) -> bool:
    """Who is not known yet does not; where nobody is asked, everybody does."""
    if scope["app"].state.api.access is None:
        return True
    identity = scope.get("state", {}).get("identity")
    return isinstance(identity, Identity) and identity.operates
