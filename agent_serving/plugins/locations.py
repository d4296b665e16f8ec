"""Where the shipped tools and grammars are."""

from __future__ import annotations

from pathlib import Path
from typing import Literal


def shipped(name: Literal["tools", "grammars"]) -> Path:
    """In an installed package beside its code; in a checkout the folder at its top."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "shipped" / name
    return installed if installed.is_dir() else package.parent / name
