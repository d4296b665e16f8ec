"""Finding a dialect's templates in a stream of characters, one character at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from agent_serving.domain.dialect import NAME

BLANKS = frozenset(" \t\r\n")
_JSON = frozenset("{}[]:,")
_NAME_LENGTH = 128


Kind = Literal["call", "object", "reasoning", "marker", "trigger", "turn_end", "end"]


@dataclass(frozen=True, slots=True)
class Template:
    """A dialect's template, tolerant of blanks: `parts` are literals, "" for any blanks and None
    for the tool's name."""

    kind: Kind
    parts: tuple[str | None, ...]


def exact(kind: Kind, text: str) -> Template:
    return Template(kind, (text,))


def tolerant(kind: Kind, template: str) -> Template:
    """Blanks may stand or be missing wherever the template has them and around the punctuation
    of JSON outside strings. None stand at its ends."""
    parts: list[str | None] = []
    quoted = False
    position = 0
    while position < len(template):
        char = template[position]
        if template.startswith(NAME, position):
            parts.append(None)
            position += len(NAME)
            continue
        if char in BLANKS:
            parts.append("")
        elif char in _JSON and not quoted:
            parts += ["", char, ""]
        else:
            quoted ^= char == '"'
            parts.append(char)
        position += 1
    return Template(kind, _merged(parts))


def _merged(parts: Sequence[str | None]) -> tuple[str | None, ...]:
    merged: list[str | None] = []
    for part in parts:
        last = merged[-1] if merged else ""
        if part and last:
            merged[-1] = last + part
        elif part != "" or last != "":
            merged.append(part)
    while merged and merged[-1] == "":
        merged.pop()
    return tuple(merged)


class Matcher:
    """Follows one template. `name` is what stood in the place of the name."""

    __slots__ = ("_offset", "_part", "name", "template")

    def __init__(self, template: Template) -> None:
        self.template = template
        self.name = ""
        self._part = 0
        self._offset = 0

    @property
    def named(self) -> bool:
        """Whether the whole name has been read."""
        return bool(self.name) and None not in self.template.parts[self._part :]

    @property
    def done(self) -> bool:
        return self._part == len(self.template.parts)

    def step(self, char: str) -> bool:
        """Whether the template still fits with this character."""
        while True:
            part = self.template.parts[self._part]
            if part is None:
                if _in_name(char) and len(self.name) < _NAME_LENGTH:
                    self.name += char
                    return True
                if not self.name:
                    return False
            elif part == "":
                if char in BLANKS:
                    return True
            else:
                if part[self._offset] != char:
                    return False
                self._offset += 1
                if self._offset == len(part):
                    self._part += 1
                    self._offset = 0
                return True
            self._part += 1


def _first(template: Template) -> str | None:
    """The character that it begins with; None where that may be one of several."""
    begin = template.parts[0]
    return begin[0] if begin else None


def _in_name(char: str) -> bool:
    return char.isalnum() or char in "_-."


class Watch:
    """Looks for the longest match of some templates in a stream, holding back what may become
    one. Amortized linear: what is held when all fail is a bounded prefix, or blanks."""

    __slots__ = ("_begins", "_best", "_held", "_running", "templates")

    def __init__(self, templates: Sequence[Template]) -> None:
        self.templates = tuple(template for template in templates if template.parts)
        self._begins = frozenset(_first(template) for template in self.templates)
        self._reset()

    def _reset(self) -> None:
        self._held: list[str] = []
        self._running: list[Matcher] = []
        self._best: tuple[Matcher, int] | None = None

    @property
    def held(self) -> str:
        return "".join(self._held)

    @property
    def running(self) -> Sequence[Matcher]:
        return self._running

    def passes(self, char: str) -> bool:
        """Whether the character is plain text, whatever comes behind it: most are."""
        return not self._held and char not in self._begins and None not in self._begins

    def step(self, char: str) -> tuple[str, Matcher | None, str] | None:
        """None while undecided; else (text that was held, the match that ends it or None, what
        must be read again). Without a match the text is one plain character."""
        if not self._held:
            if self.passes(char):
                return char, None, ""
            self._running = [Matcher(template) for template in self.templates]
        self._held.append(char)
        self._running = [matcher for matcher in self._running if matcher.step(char)]
        for matcher in self._running:
            if matcher.done:
                self._best = (matcher, len(self._held))
        self._running = [matcher for matcher in self._running if not matcher.done]
        if self._running:
            return None
        best, text = self._best, self.held
        self._reset()
        if best is None:
            return text[:1], None, text[1:]
        matcher, length = best
        return text[:length], matcher, text[length:]

    def flush(self) -> str:
        text = self.held
        self._reset()
        return text
