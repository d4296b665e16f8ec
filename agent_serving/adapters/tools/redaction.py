"""Keeping secrets that tools were given out of all that tools bring forth."""

from __future__ import annotations

import json
import logging
import re
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

from agent_serving.domain.errors import ToolError
from agent_serving.domain.tool import SessionMemory

SHORTEST = 6
"""A shorter secret cannot be hidden without garbling ordinary words."""

HIDDEN = "[hidden]"


class Redactor:
    """Replaces secrets in a text, also as JSON and as URLs spell them. Other spellings (Base64, a
    part of a secret, its letters apart) pass: this catches slips, not a tool that means harm."""

    def __init__(self, secrets: Iterable[str]) -> None:
        spellings = {spelling for secret in secrets for spelling in _spellings(secret)}
        ordered = sorted(spellings, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def __call__(self, text: str) -> str:
        return text if self._pattern is None else self._pattern.sub(HIDDEN, text)

    def finds(self, text: str) -> bool:
        return self._pattern is not None and self._pattern.search(text) is not None

    def trace(self, error: BaseException) -> str:
        """The traceback, as a log shows it."""
        return self("".join(traceback.format_exception(error)).rstrip())


class SecretsFilter(logging.Filter):
    """For a log handler: what passes has no secret in it, whoever logs it."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            record.exc_text = self._redactor.trace(error)
            record.exc_info = None
        record.msg, record.args = self._redactor(record.getMessage()), ()
        return True


@contextmanager
def hidden_in_logs(secrets: Mapping[str, Mapping[str, str]]) -> Iterator[None]:
    """Inside, no handler of the root logger lets a tool's secret through."""
    values = [value for own in secrets.values() for value in own.values()]
    handlers = logging.getLogger().handlers[:] if values else []
    hiding = SecretsFilter(Redactor(values))
    for handler in handlers:
        handler.addFilter(hiding)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(hiding)


@dataclass(frozen=True, slots=True)
class GuardedMemory:
    """What a tool remembers is stored and can be recalled by the model: no secrets."""

    memory: SessionMemory
    redactor: Redactor

    async def get(self, key: str) -> str | None:
        return await self.memory.get(key)

    async def put(self, key: str, value: str) -> None:
        if self.redactor.finds(key) or self.redactor.finds(value):
            raise ToolError("What was to be remembered has a secret in it; nothing was stored.")
        await self.memory.put(key, value)

    async def keys(self) -> list[str]:
        return await self.memory.keys()


def _spellings(secret: str) -> Iterable[str]:
    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield quote(secret)
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield repr(secret)[1:-1]
