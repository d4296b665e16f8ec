"""Server-sent events out of bytes, however these are cut."""

from __future__ import annotations

from collections.abc import Iterator


class FrameReader:
    """Takes bytes, gives the `data` of each whole event. A frame that is cut off is dropped: it
    comes again."""

    def __init__(self) -> None:
        self._pending = b""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> Iterator[str]:
        """Lines end at \\n or \\r\\n only: JSON may contain the other separators of Unicode."""
        *lines, self._pending = (self._pending + chunk).split(b"\n")
        for line in lines:
            text = line.removesuffix(b"\r").decode()
            if text.startswith("data:"):
                self._data.append(text.removeprefix("data:").removeprefix(" "))
            elif not text and self._data:
                yield "\n".join(self._data)
                self._data = []
