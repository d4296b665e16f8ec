"""HTML to text in one pass, whatever the input: the standard library's parser needs minutes for
some 256 KiB."""

import html
import re
import string

SILENT = {"script", "style", "noscript", "template", "svg"}
BLOCKS = {"title", "p", "div", "br", "li", "ul", "ol", "tr", "table", "section", "article"} | {
    "header", "footer", "nav", "main", "pre", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6",
    "dt", "dd", "option", "figure", "form",
}  # fmt: skip
MARKUP = re.compile(r"<(?P<comment>!--)|<(?P<close>/?)(?P<name>[a-z][a-z0-9]{0,19})|<[!?/]")
LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)  # keeps every position


def html_to_text(page: str) -> str:
    """Title and visible text, a line per block."""
    lower = page.translate(LOWER)
    parts: list[str] = []
    at = 0
    while (start := page.find("<", at)) >= 0:
        parts.append(page[at:start])
        markup = MARKUP.match(lower, start)
        if markup is None:
            parts.append("<")
            at = start + 1
        elif markup["comment"]:
            at = _behind("-->", lower, start)
        elif markup["name"] in SILENT and not markup["close"]:
            at = _behind(">", lower, _behind(f"</{markup['name']}", lower, start))
        else:
            at = _behind(">", lower, start)
            parts.append("\n" if markup["name"] in BLOCKS else "")
    parts.append(page[at:])
    lines = (" ".join(line.split()) for line in _unescaped("".join(parts)).split("\n"))
    return "\n".join(line for line in lines if line)


def _behind(mark: str, text: str, start: int) -> int:
    found = text.find(mark, start)
    return len(text) if found < 0 else found + len(mark)


def _unescaped(text: str) -> str:
    try:
        return html.unescape(text)
    except ValueError:  # a character number of thousands of digits
        return text
