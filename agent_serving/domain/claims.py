"""Who a token speaks for, by what its issuer says in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from agent_serving.domain.access import TENANT, Identity, known_scopes
from agent_serving.domain.errors import Unauthenticated
from agent_serving.domain.values import Value

_SUBJECT_LENGTH = 128


class ClaimNames(Value):
    """`scopes` is a text with blanks (RFC 8693), or a list; what is no scope of ours in it says
    nothing here."""

    tenant: str = "tenant"
    scopes: str = "scope"


def identity_of(claims: Mapping[str, Any], names: ClaimNames) -> Identity:
    """Of claims that were verified. Raises Unauthenticated where they name no tenant."""
    tenant = claims.get(names.tenant)
    if not isinstance(tenant, str) or re.fullmatch(TENANT, tenant) is None:
        raise Unauthenticated(
            f"The token's claim `{names.tenant}` does not name a tenant: 1 to 128 letters, digits "
            "and ._:@- are one."
        )
    given = claims.get(names.scopes)
    listed = given.split() if isinstance(given, str) else given
    scopes = [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []
    # It goes into logs as it stands.
    subject = quote(str(claims.get("sub", "")), safe="|@:._-", errors="replace")
    actor = f"jwt:{subject[:_SUBJECT_LENGTH]}"
    return Identity(tenant=tenant, actor=actor, scopes=known_scopes(scopes))
