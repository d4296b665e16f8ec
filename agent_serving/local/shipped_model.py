"""The model a local engine serves when none is given: the demo model, whose weights ship with the
package.

It is Qwen3 in everything a client sees: architecture, tokenizer, ChatML with tools, control tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agent_serving.local.demo_model import checksums
from agent_serving.local.demo_model.shape import Shape

WEIGHTS = Path(__file__).parent / "demo_model" / "weights"
NAME = "demo"


@dataclass(frozen=True)
class LocalModel:
    """A model directory in Hugging Face format, and the name it is served under."""

    directory: Path
    served_name: str
    context_length: int


def shipped_model(directory: Path = WEIGHTS) -> LocalModel:
    """Raises LocalEngineError: a file of it is missing or damaged."""
    checksums.verify(directory)
    return LocalModel(directory, served_name=NAME, context_length=Shape().context)
