"""JSON as it may come in: whole, finite, not too deep, and only text that every layer can carry."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, Never

from agent_serving.api.errors import MalformedBody
from agent_serving.api.location import Part, dotted
from agent_serving.domain.errors import InvalidRequest

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = dict.fromkeys(b"[{", 1) | dict.fromkeys(b"]}", -1)

_SUSPICIOUS = re.compile(rb"\\u(?:0000|[dD][89abAB-fF])")
"""JSON can spell NUL and surrogates by escapes only: bytes that do so raw are not UTF-8 or not
JSON. Most bodies have none of them and need no walk."""
_UNSPEAKABLE = re.compile("[\x00\ud800-\udfff]")


def check(body: bytes, *, max_depth: int) -> None:
    """Raises MalformedBody (with the position), InvalidRequest (with the path)."""
    depth = nesting(body)
    if depth > max_depth:
        raise InvalidRequest(
            f"The body is nested {depth} levels deep; at most {max_depth} are taken.",
            details={"max_depth": max_depth},
        )
    value = _parse(body)
    if _SUSPICIOUS.search(body):
        for path, problem in _unspeakable(value, []):
            param = dotted(path) or None
            raise InvalidRequest(
                f"The text at `{param or '$'}` has {problem}, which no tokenizer can read. "
                "Remove it.",
                param=param,
            )


def nesting(body: bytes) -> int:
    """The greatest depth of brackets outside of strings; right for any JSON, close for others."""
    brackets = _STRING.sub(b"", body).translate(None, _NO_BRACKETS)
    return max(accumulate(map(_STEP.__getitem__, brackets)), default=0)


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body.decode(), parse_constant=_not_a_number, parse_float=_finite)
    except UnicodeDecodeError as error:
        raise MalformedBody(
            f"The body is not UTF-8: byte {error.start} cannot be read.",
            details={"offset": error.start},
        ) from None
    except json.JSONDecodeError as error:
        raise MalformedBody(
            f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.",
            details={"line": error.lineno, "column": error.colno, "offset": error.pos},
        ) from None
    except ValueError as error:
        raise MalformedBody(f"The body has a number that cannot be read: {error}.") from None


def _not_a_number(text: str) -> Never:
    raise ValueError(f"{text} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is too large")
    return number


def _unspeakable(value: Any, path: list[Part]) -> Iterator[tuple[list[Part], str]]:
    match value:
        case str():
            found = _UNSPEAKABLE.search(value)
            if found is not None:
                nul = found[0] == "\x00"
                yield path, "a NUL character" if nul else f"a lone surrogate (U+{ord(found[0]):X})"
        case list():
            for position, part in enumerate(value):
                yield from _unspeakable(part, [*path, position])
        case dict():
            for key, part in value.items():
                yield from _unspeakable(key, path)
                yield from _unspeakable(part, [*path, key])
        case _:
            return
