"""The names of all keys. What belongs to one session, or to the agents of one tenant, shares a
hash tag and so lives in one slot of a Redis Cluster."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote


@lru_cache(maxsize=4096)
def _tag(name: str) -> str:
    """A name that cannot end a hash tag or a segment of a key. Our own ids stay as they are."""
    return quote(name, safe="", errors="surrogatepass")


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """The keys of one session.

    meta      hash: feed (last number given out), open, summary, expires, nonce, published,
              fence (epoch and owner of the newest lease)
    log       stream, the truth: one entry for each fact, its id the fact's last feed number;
              never trimmed, so its length is the version of the session
    live      stream of deltas: capped, expiring; its ids are feed numbers too
    tokens    string: the transcript, little-endian u32
    snapshot  hash: version, state
    memory    hash: what the session's tools remember
    lease     string: the owner
    gone      stream of one entry: the session was deleted; a stream so that it wakes readers
    reply     list, while a reply streams: its head, the feed number of its first event, its parts
    bill      list: charges that are not in the tenant's books yet; outlives the session
    """

    prefix: str
    session_id: str

    def _key(self, name: str) -> str:
        return f"{self.prefix}:{{{_tag(self.session_id)}}}:{name}"

    @property
    def meta(self) -> str:
        return self._key("meta")

    @property
    def log(self) -> str:
        return self._key("log")

    @property
    def live(self) -> str:
        return self._key("live")

    @property
    def tokens(self) -> str:
        return self._key("tokens")

    @property
    def snapshot(self) -> str:
        return self._key("snapshot")

    @property
    def memory(self) -> str:
        return self._key("memory")

    @property
    def lease(self) -> str:
        return self._key("lease")

    @property
    def gone(self) -> str:
        return self._key("gone")

    @property
    def reply(self) -> str:
        return self._key("reply")

    @property
    def bill(self) -> str:
        return self._key("bill")

    @property
    def data(self) -> tuple[str, ...]:
        """Everything but the mark of deletion, and what is still to be charged."""
        return (
            self.meta,
            self.log,
            self.live,
            self.tokens,
            self.snapshot,
            self.memory,
            self.reply,
            self.lease,
        )


@dataclass(frozen=True, slots=True)
class AgentKeys:
    """The keys of one tenant's agents.

    ids     sorted set of agent ids, all of score 0: in order of their names
    names   hash: name → id
    named   hash: id → name
    latest  hash: id → number of the newest version
    bodies  hash: id/version → JSON
    nonces  hash: id → nonce of the last put
    request hash for each request of the last 24 hours that had an Idempotency-Key: body (its
            digest), id, version
    """

    prefix: str
    tenant: str

    def _key(self, name: str) -> str:
        return f"{self.prefix}:agents:{{{_tag(self.tenant)}}}:{name}"

    @property
    def ids(self) -> str:
        return self._key("ids")

    @property
    def names(self) -> str:
        return self._key("names")

    @property
    def named(self) -> str:
        return self._key("named")

    @property
    def latest(self) -> str:
        return self._key("latest")

    @property
    def bodies(self) -> str:
        return self._key("bodies")

    @property
    def nonces(self) -> str:
        return self._key("nonces")

    def request(self, digest: str) -> str:
        return self._key(f"request:{_tag(digest)}")


@dataclass(frozen=True, slots=True)
class BookKeys:
    """The keys of one tenant's books.

    day       hash: "hour amount account" → whole number; expires
    entered   hash: session id → last version whose charge of that day is in; expires with it
    unbilled  sorted set: session id → version of the last fact that may be on its bill
    """

    prefix: str
    tenant: str

    def _key(self, name: str) -> str:
        return f"{self.prefix}:books:{{{_tag(self.tenant)}}}:{name}"

    def day(self, day: int) -> str:
        return self._key(str(day))

    def entered(self, day: int) -> str:
        return self._key(f"{day}:entered")

    @property
    def unbilled(self) -> str:
        return self._key("unbilled")


@dataclass(frozen=True, slots=True)
class BatchKeys:
    """The keys of one batch. `meta` and `lease` are named as a session's, whose leases it has.

    meta      hash: head, nonce, total, taken, waiting, completed, incomplete, failed, stopped,
              amount:NAME, currency, cancelled, ended, expires, fence
    lease     string: the owner
    requests  list, in the order of the input
    places    hash: the caller's id → place in `requests`
    agents    list: the distinct agents, which the requests name by their place
    running   set: places of the requests that were taken up and are not over
    waiting   set: those of them whose turns wait for somebody
    outcomes  hash: place → how it ended
    gone      string: the batch was deleted
    """

    prefix: str
    batch_id: str

    def _key(self, name: str) -> str:
        return f"{self.prefix}:{{{_tag(self.batch_id)}}}:{name}"

    @property
    def meta(self) -> str:
        return self._key("meta")

    @property
    def lease(self) -> str:
        return self._key("lease")

    @property
    def requests(self) -> str:
        return self._key("requests")

    @property
    def places(self) -> str:
        return self._key("places")

    @property
    def agents(self) -> str:
        return self._key("agents")

    @property
    def running(self) -> str:
        return self._key("running")

    @property
    def waiting(self) -> str:
        return self._key("waiting")

    @property
    def outcomes(self) -> str:
        return self._key("outcomes")

    @property
    def gone(self) -> str:
        return self._key("gone")

    @property
    def data(self) -> tuple[str, ...]:
        return (
            self.meta,
            self.requests,
            self.places,
            self.agents,
            self.running,
            self.waiting,
            self.outcomes,
        )


def batches_key(prefix: str, tenant: str) -> str:
    """Sorted set of a tenant's batch ids, all of score 0."""
    return f"{prefix}:batches:{_tag(tenant)}"


def unfinished_key(prefix: str) -> str:
    """Sorted set of the ids of batches that may have something to do, all of score 0."""
    return f"{prefix}:unfinished"


def sessions_key(prefix: str, tenant: str) -> str:
    """Sorted set of a tenant's session ids, all of score 0."""
    return f"{prefix}:sessions:{_tag(tenant)}"


def reservation_key(prefix: str, digest: str) -> str:
    """Hash: the object that requests with one Idempotency-Key make. Expires."""
    return f"{prefix}:request:{_tag(digest)}"


def open_key(prefix: str) -> str:
    """Sorted set: session id → version of the fact that may have opened a turn."""
    return f"{prefix}:open"


def handed_over_key(prefix: str) -> str:
    """Stream of session ids whose turns a replica has let go of; capped."""
    return f"{prefix}:handed-over"


@dataclass(frozen=True, slots=True)
class AccessKeys:
    """The keys of access, all in one slot.

    keys     hash: id → JSON of a key, without its secret; stays when the key is revoked
    revoked  hash: id → RFC 3339 time
    audit    stream of acts, capped
    """

    prefix: str

    @property
    def keys(self) -> str:
        return f"{self.prefix}:{{access}}:keys"

    @property
    def revoked(self) -> str:
        return f"{self.prefix}:{{access}}:revoked"

    @property
    def audit(self) -> str:
        return f"{self.prefix}:{{access}}:audit"


@dataclass(frozen=True, slots=True)
class QuotaKeys:
    """What counts against one tenant's limits; all of it may be lost.

    requests  string: the theoretical time of arrival of the next request, µs since 1970
    held      sorted set, by kind: member → ms since 1970 up to which it counts
    """

    prefix: str
    tenant: str

    @property
    def requests(self) -> str:
        return f"{self.prefix}:quota:{{{_tag(self.tenant)}}}:requests"

    def held(self, kind: str) -> str:
        return f"{self.prefix}:quota:{{{_tag(self.tenant)}}}:{kind}"
