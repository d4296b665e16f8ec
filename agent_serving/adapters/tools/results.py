"""What the model reads of a call: the tool's value, or what went wrong, as bounded clean text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, to_json, to_jsonable_python

from agent_serving.adapters.tools.redaction import Redactor
from agent_serving.domain.errors import RequestError, ToolError

OUTPUT_LIMIT = 64 * 1024
"""Bytes of UTF-8 in one result, the note about the cut included."""

ERROR_LIMIT = 2_000
SECRET_LENGTH = 4
"""A shorter setting is hardly a secret, and hiding it would garble ordinary words."""

_UNSAFE = re.compile("[\x00\ud800-\udfff]")


def output_text(value: Any, redact: Redactor, limit: int = OUTPUT_LIMIT) -> str:
    """A string as it is, all else as JSON. Raises ToolError where JSON cannot express it."""
    if isinstance(value, str):
        return bounded(redact(value), limit)
    try:
        return bounded(redact(_json(value)), limit)
    except (TypeError, ValueError, RecursionError) as error:
        kind = type(value).__name__
        raise ToolError(f"The tool returned a {kind} that JSON cannot express.") from error


def _json(value: Any) -> str:
    try:
        return to_json(value, inf_nan_mode="strings").decode()
    except PydanticSerializationError:  # of a lone surrogate, which this lets through
        return json.dumps(value, ensure_ascii=False, default=to_jsonable_python)


def bounded(text: str, limit: int) -> str:
    """At most `limit` bytes, without NUL and lone surrogates, which nothing downstream takes."""
    clean = _UNSAFE.sub("\ufffd", text[: limit + 1])
    encoded = clean.encode()
    if len(encoded) <= limit:
        return clean
    note = f"\n[Cut: the result has {len(text):,} characters. Ask for less at a time.]"
    return encoded[: limit - len(note)].decode(errors="ignore") + note


def error_text(error: BaseException, settings: Iterable[str], redact: Redactor) -> str:
    """Type and message, on one line, without secrets, paths, credentials and `settings`. A
    ToolError is shown with its secrets hidden and else as it stands: its author wrote it for the
    model."""
    try:
        message = " ".join(redact(str(error)).split())
    except Exception:  # a broken __str__ must not turn a tool's failure into ours
        message = ""
    if isinstance(error, ToolError | RequestError):
        return bounded(message, ERROR_LIMIT)
    message = _without_secrets(message[: 2 * ERROR_LIMIT], settings)
    name = type(error).__name__
    return bounded(f"{name}: {message}" if message else name, ERROR_LIMIT)


def invalid_text(error: ValidationError) -> str:
    problems = "; ".join(
        f"{'.'.join(str(part) for part in problem['loc']) or 'arguments'}: {problem['msg']}"
        for problem in error.errors()[:5]
    )
    return bounded(f"The arguments do not fit the tool. {problems}", ERROR_LIMIT)


_HIDDEN = (
    (re.compile(r"(?<=://)[^/@\s]+@"), ""),
    (re.compile(r"(\w+://[^\s?'\"]+)\?[^\s'\"]*"), r"\1"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), r"\1 [hidden]"),
    (
        re.compile(
            r"(?i)\b([\w-]*(?:api[_-]?key|token|secret|password|passwd)[\w-]*['\"]?\s*[=:]\s*)"
            r"['\"]?[^\s'\",;]+"
        ),
        r"\1[hidden]",
    ),
    (re.compile(r"(?<![\w:/.])/(?:[\w.@+~-]+/)+[\w.@+~-]*"), "[path]"),
)


def _without_secrets(message: str, secrets: Iterable[str]) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SECRET_LENGTH:
            message = message.replace(secret, "[hidden]")
    for pattern, replacement in _HIDDEN:
        message = pattern.sub(replacement, message)
    return message
