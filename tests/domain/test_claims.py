from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_serving.domain.access import EVERYTHING, TENANT
from agent_serving.domain.claims import ClaimNames, identity_of
from agent_serving.domain.errors import Unauthenticated

NAMES = ClaimNames(tenant="https://us.example/tenant", scopes="roles")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(), parts, max_size=3),
    max_leaves=6,
)


def claims(**more: Any) -> dict[str, Any]:
    return {NAMES.tenant: "acme", **more}


@given(JSON, JSON)
def test_whatever_is_claimed_an_identity_can_be_logged_and_has_known_scopes(
    subject: Any, roles: Any
) -> None:
    identity = identity_of(claims(sub=subject, roles=roles), NAMES)
    assert re.fullmatch(r"jwt:[!-~]{0,128}", identity.actor)
    assert identity.scopes <= EVERYTHING


@given(JSON)
def test_a_tenant_is_named_by_its_rules_or_not_at_all(tenant: Any) -> None:
    try:
        found = identity_of({NAMES.tenant: tenant}, NAMES)
    except Unauthenticated:
        assert not (isinstance(tenant, str) and re.fullmatch(TENANT, tenant))
    else:
        assert found.tenant == tenant


@pytest.mark.parametrize(
    ("roles", "scopes"),
    [
        ("run  metrics openid", {"run", "metrics"}),
        (["admin", "run metrics"], {"admin"}),
        ("runner", set()),
        ({"run": True}, set()),
        (None, set()),
    ],
)
def test_scopes_are_a_text_or_a_list(roles: Any, scopes: set[str]) -> None:
    assert identity_of(claims(roles=roles), NAMES).scopes == scopes
