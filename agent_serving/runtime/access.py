"""Who a request comes from: the owner of a key, whom a token speaks for, or anybody where there
are no keys yet."""

from __future__ import annotations

import hmac
import logging
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from agent_serving.domain.access import (
    ANONYMOUS,
    EVERYTHING,
    Act,
    Identity,
    Key,
    Scope,
    checksum_of,
    key_id_of,
    secret_of,
)
from agent_serving.domain.errors import InvalidRequest, StoreUnavailable, Unauthenticated
from agent_serving.ports import Clock, Hasher, Keyring, Tokens

log = logging.getLogger(__name__)

REMEMBERED = 10_000
REMEMBERED_SECONDS = 300.0
_DOTS_IN_TOKEN = 2


@dataclass(frozen=True, slots=True)
class _Verified:
    """`fingerprint` is a keyed hash of a secret that matched `digest`."""

    fingerprint: bytes
    digest: str
    until: float


class Access:
    """The record of a key is read for every request, so that a revoked one is refused at once;
    only the slow comparison with its hash is remembered, for minutes and in this process alone."""

    def __init__(
        self,
        keyring: Keyring,
        hasher: Hasher,
        clock: Clock,
        *,
        required: bool,
        tenant: str = "default",
        tokens: Tokens | None = None,
    ) -> None:
        """Where a key is not `required` and there never was one, everybody is `tenant`, with all
        scopes. `tokens` are taken beside keys, and required then."""
        self._keyring = keyring
        self._hasher = hasher
        self._clock = clock
        self._required = required or tokens is not None
        self._tenant = tenant
        self._tokens = tokens
        self._pepper = secrets.token_bytes(32)
        self._verified: OrderedDict[str, _Verified] = OrderedDict()

    @property
    def required(self) -> bool:
        """As far as is known here; it never turns back to False."""
        return self._required

    async def identify(self, credential: str | None) -> Identity:
        """Raises Unauthenticated, StoreUnavailable, IssuerUnavailable."""
        if not self._required:
            if not await self._keyring.any_key():
                return Identity(tenant=self._tenant, actor=ANONYMOUS, scopes=EVERYTHING)
            self._required = True
        if credential is None:
            raise Unauthenticated(
                "A key is needed here. Send it as `Authorization: Bearer ask_…`; "
                "`agent-serving keys create` makes one.",
                sent=False,
            )
        key_id = key_id_of(credential)
        if key_id is not None:
            return await self._by_key(key_id, credential)
        if self._tokens is not None and credential.count(".") == _DOTS_IN_TOKEN:
            return await self._tokens.identify(credential)
        raise Unauthenticated(
            "What was sent as a key is not one of this service: those begin with `ask_` and are 79 "
            "characters long."
        )

    async def _by_key(self, key_id: str, secret: str) -> Identity:
        key = await self._keyring.key(key_id)
        if key is None or not await self._matches(key, secret):
            log.info("refused a secret that is not that of a key %s", key_id)
            raise Unauthenticated("The key is unknown. `agent-serving keys list` shows all.")
        # Only who has the secret is told what became of the key.
        status = key.status(self._clock.now())
        if status != "active":
            log.info("refused the %s key %s", status, key_id)
            raise Unauthenticated(
                f"The key {key_id} is {status}. `agent-serving keys create` makes another."
            )
        return Identity(tenant=key.tenant, actor=key.id, scopes=frozenset(key.scopes))

    async def _matches(self, key: Key, secret: str) -> bool:
        if key.checksum is not None and not hmac.compare_digest(key.checksum, checksum_of(secret)):
            return False  # a flood of these takes no place from those who come with a right one
        fingerprint = hmac.digest(self._pepper, secret.encode(), "sha256")
        now = self._clock.monotonic()
        known = self._verified.get(key.id)
        if (
            known is not None
            and known.until > now
            and known.digest == key.digest
            and hmac.compare_digest(known.fingerprint, fingerprint)
        ):
            return True
        if not await self._hasher.matches(key.digest, secret):
            return False
        self._verified[key.id] = _Verified(fingerprint, key.digest, now + REMEMBERED_SECONDS)
        self._verified.move_to_end(key.id)
        if len(self._verified) > REMEMBERED:
            self._verified.popitem(last=False)
        return True

    async def note(self, act: Act) -> None:
        """A line of the audit log, in the process's log too: one of them may be lost."""
        log_act(act)
        try:
            await self._keyring.note(act)
        except StoreUnavailable:
            log.warning("the act could not be kept in the store")


class KeyDesk:
    """What is done with keys. It takes the store, not a key: over REST nobody makes keys."""

    def __init__(
        self, keyring: Keyring, hasher: Hasher, clock: Clock, new_id: Callable[[str], str]
    ) -> None:
        self._keyring = keyring
        self._hasher = hasher
        self._clock = clock
        self._new_id = new_id

    async def create(
        self,
        tenant: str,
        scopes: Iterable[Scope],
        *,
        actor: str,
        name: str = "",
        lives: timedelta | None = None,
    ) -> tuple[Key, str]:
        """The key and its secret, which nobody can find out again. Raises StoreUnavailable."""
        now, key_id = self._clock.now(), self._new_id("key")
        secret = secret_of(key_id, secrets.token_hex(24))
        key = Key(
            id=key_id,
            tenant=tenant,
            name=name,
            scopes=tuple(sorted(set(scopes))),
            digest=await self._hasher.hash(secret),
            checksum=checksum_of(secret),
            created_at=now,
            expires_at=None if lives is None else now + lives,
        )
        await self._keyring.put_key(key, self._act("create_key", actor, key))
        return key, secret

    async def revoke(self, key_id: str, *, actor: str) -> Key:
        """Raises InvalidRequest where there is none, StoreUnavailable."""
        key = await self._keyring.key(key_id)
        if key is None:
            raise InvalidRequest(
                f"There is no key {key_id!r}. `agent-serving keys list` shows all.", param="id"
            )
        act = self._act("revoke_key", actor, key)
        await self._keyring.revoke_key(key_id, act.at, act)
        return key

    async def keys(self, tenant: str | None = None) -> list[Key]:
        keys = await self._keyring.keys()
        return [key for key in keys if tenant in (None, key.tenant)]

    async def acts(self, limit: int) -> Sequence[Act]:
        return await self._keyring.acts(limit)

    def _act(self, name: str, actor: str, key: Key) -> Act:
        at = self._clock.now()
        return Act(at=at, actor=actor, tenant=key.tenant, act=name, target=key.id, outcome="done")


def log_act(act: Act) -> None:
    log.info("audit %s", act.model_dump_json())
