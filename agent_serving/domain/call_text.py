"""Reading one tool call, a character at a time: where its arguments end, and where it ends."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from agent_serving.domain.dialect import CallSyntax
from agent_serving.domain.matching import BLANKS, Watch, exact, tolerant

_NAME_LENGTH = 128


class Lexer:
    """As much of JSON as is needed to know where a value ends. `broken`: a string held a raw
    control character, so nothing inside strings can be trusted to be inside one."""

    __slots__ = ("_escaped", "broken", "depth", "in_string")

    def __init__(self, depth: int = 0) -> None:
        self.depth = depth
        self.in_string = False
        self.broken = False
        self._escaped = False

    @property
    def guarded(self) -> bool:
        """Whether a marker at this place is data."""
        return self.in_string and not self.broken

    def step(self, char: str) -> None:
        if not self.in_string:
            if char == '"':
                self.in_string = True
            elif char in "{[":
                self.depth += 1
            elif char in "}]":
                self.depth -= 1
        elif self._escaped:
            self._escaped = False
        elif char == "\\":
            self._escaped = True
        elif char == '"':
            self.in_string = False
        elif char < " ":
            self.broken = True


Read = tuple[bool, str]
"""Whether the call has ended, and what must be read again (after the end, if it has)."""

_GOING_ON: Read = (False, "")


class CallReader:
    """Reads a call from behind its beginning: the arguments, then its end. What stands between
    the two is written to the arguments as well, so that validation refuses them and nothing the
    model wrote is silently dropped."""

    def __init__(self, syntax: CallSyntax, write: Callable[[str], None]) -> None:
        self._write = write
        self._enclosing = syntax.enclosing
        self._marker = syntax.marker
        self._markers = [exact("marker", syntax.marker)] if syntax.marker else []
        self._end = tolerant("end", syntax.end)
        self._watch = Watch(self._markers)
        self._lexer = Lexer()
        self._step: Callable[[str], Read] = self._value
        self._started = False
        self._scalar = False
        self._limbo: list[tuple[bool, str]] = []
        self._gap = ""

    def step(self, char: str) -> Read:
        return self._step(char)

    def turn_end(self, text: str) -> None:
        """A spelling that ends turns: data, if the string that it stands in goes on."""
        for char in self._watch.flush() if self._step == self._value else "":
            self._plain(char)
        if self._lexer.guarded:
            self._limbo.append((False, text))

    @property
    def ended_in_string(self) -> bool:
        """The text ends in the call's marker, in a string that was never closed."""
        return any(is_marker for is_marker, _ in self._limbo)

    # --- the arguments ------------------------------------------------------------------------

    def _value(self, char: str) -> Read:
        decided = self._watch.step(char)
        if decided is None:
            return _GOING_ON
        text, match, rest = decided
        if match is None:
            ended, again = self._plain(text)
            return ended, again + rest
        if self._lexer.guarded:
            self._limbo.append((True, text))
            return False, rest
        return True, rest

    def _plain(self, char: str) -> Read:
        if self._limbo:
            if char < " " and self.ended_in_string:
                # No string goes on with a raw control character: the marker was the end.
                first = [is_marker for is_marker, _ in self._limbo].index(True)
                return True, "".join(text for _, text in self._limbo[first + 1 :]) + char
            data = "".join(text for _, text in self._limbo)
            self._limbo.clear()
            for kept in data:
                self._argument(kept)
        return self._argument(char)

    def _argument(self, char: str) -> Read:
        if not self._started:
            if char in BLANKS:
                return _GOING_ON
            self._started = True
            self._scalar = char not in '{["'
        if self._scalar and (char in ",}]" or char in BLANKS):
            return self._enter_tail(char)
        self._write(char)
        self._lexer.step(char)
        if not self._scalar and self._lexer.depth <= 0 and not self._lexer.in_string:
            return self._enter_tail("")
        return _GOING_ON

    # --- the end ------------------------------------------------------------------------------

    def _enter_tail(self, again: str) -> Read:
        if not self._end.parts:
            return True, again
        # A closing brace that is missing loses nothing; the marker says that the call has ended.
        self._watch = Watch([self._end, *self._markers])
        self._step = self._tail
        return False, again

    def _tail(self, char: str) -> Read:
        if char in BLANKS and not self._watch.held:
            self._gap += char
            return _GOING_ON
        decided = self._watch.step(char)
        if decided is None:
            return _GOING_ON
        text, match, rest = decided
        if match is not None:
            return True, rest
        self._watch = Watch(self._markers)
        self._lexer = Lexer(depth=self._enclosing)
        self._step = self._leftover
        return False, self._gap + text + rest

    def _leftover(self, char: str) -> Read:
        decided = self._watch.step(char)
        if decided is None:
            return _GOING_ON
        text, match, rest = decided
        if match is not None:
            return True, rest
        self._lexer.step(text)
        if self._marker is None and self._lexer.depth <= 0:
            return True, rest
        self._write(text)
        return False, rest


@dataclass(frozen=True, slots=True)
class Body:
    """A call's body that was read to its end: a call, or text that only looked like one."""

    raw: str
    call: tuple[str, str] | None
    again: str


class BodyReader:
    """Reads a call whose JSON object is not written as the dialect prescribes, up to its marker;
    whether it is one shows only then."""

    def __init__(self, syntax: CallSyntax, marker: str, opening: str) -> None:
        """`opening` is what was read already; it ends in the object's brace."""
        self._syntax = syntax
        self._watch = Watch([exact("marker", marker), exact("trigger", syntax.trigger)])
        self._raw = [opening]
        self._start = len(opening) - 1
        self._lexer = Lexer(depth=1)
        self._marked = False
        self._turn_end = ""

    def turn_end(self, text: str) -> None:
        """As for `CallReader`."""
        if self._lexer.guarded:
            self._turn_end += self._watch.flush() + text

    def step(self, char: str) -> Body | None:
        self._raw.append(self._turn_end)
        self._turn_end = ""
        decided = self._watch.step(char)
        return None if decided is None else self._read(*decided)

    def _read(self, text: str, match: object, rest: str) -> Body | None:
        if match is None:
            if self._marked and text < " ":
                return self._ended(text + rest)
            self._marked = False
            self._raw.append(text)
            self._lexer.step(text)
            return self._again(rest)
        is_marker = text == self._watch.templates[0].parts[0]
        if not is_marker and not self._lexer.guarded:
            return Body("".join(self._raw), None, text + rest)
        self._raw.append(text)
        if is_marker and not self._lexer.guarded:
            return self._ended(rest)
        self._marked = is_marker
        return self._again(rest)

    def _again(self, rest: str) -> Body | None:
        for position, char in enumerate(rest):
            body = self.step(char)
            if body is not None:
                return Body(body.raw, body.call, body.again + rest[position + 1 :])
        return None

    def _ended(self, again: str) -> Body:
        raw = "".join(self._raw)
        marker = self._watch.templates[0].parts[0] or ""
        return Body(raw, _call(self._syntax, raw[self._start : -len(marker)]), again)

    def close(self) -> Body:
        """The text ends here. `call` is set only where the marker stands last."""
        for char in self._watch.flush():
            self._raw.append(char)
            self._marked = False
        return self._ended("") if self._marked else Body("".join(self._raw), None, "")

    @property
    def name(self) -> str | None:
        """The tool's name, as far as it can be read."""
        return _name(self._syntax, "".join(self._raw)[self._start :])


def _name(syntax: CallSyntax, body: str) -> str | None:
    key = re.escape(syntax.name_key)
    found = re.search(rf'"{key}"\s*:\s*"([^"\\]{{1,{_NAME_LENGTH}}})"', body)
    return found[1] if found else None


def _call(syntax: CallSyntax, body: str) -> tuple[str, str] | None:
    """Name and arguments. A body that is not one JSON object stands for the arguments, whole, so
    that validation refuses them; None without a name."""
    try:
        members = _members(body)
        name = json.loads(members[syntax.name_key], strict=False)
    except (ValueError, KeyError, RecursionError):
        name = _name(syntax, body)
        return (name, body.strip()) if name else None
    if not isinstance(name, str) or not 0 < len(name) <= _NAME_LENGTH:
        return None
    return name, members.get(syntax.arguments_key, "")


def _members(body: str) -> dict[str, str]:
    """The members of a JSON object, each as the text it has. Raises ValueError when it is none,
    or names a member twice."""
    decoder = json.JSONDecoder(strict=False)
    members: dict[str, str] = {}
    position = 1
    closing = ""
    while closing != "}":
        position = _skip(body, position)
        key, position = decoder.raw_decode(body, position)
        position = _skip(body, position)
        if not isinstance(key, str) or key in members or body[position : position + 1] != ":":
            raise ValueError("not a member")
        start = _skip(body, position + 1)
        _, end = decoder.raw_decode(body, start)
        members[key] = body[start:end]
        position = _skip(body, end) + 1
        closing = body[position - 1 : position]
        if closing not in (",", "}") or not closing:
            raise ValueError("not an object")
    if body[position:].strip():
        raise ValueError("text behind the object")
    return members


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position] in BLANKS:
        position += 1
    return position
