"""A byte-level BPE tokenizer made for copying: a name is the same tokens wherever it stands."""

# Its libraries are an extra.
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from agent_serving.local.demo_model.rendering import Piece

if TYPE_CHECKING:
    from tokenizers import Tokenizer

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
# The glue of calls and of JSON results: one token each.
GLUE = (
    '<tool_call>\n{"name": "',
    '"}}\n</tool_call>',
    '", "arguments": {}}\n</tool_call>',
    "<tool_response>\n",
    "\n</tool_response>",
    '", "arguments": {"',
    '"}}',
    '": "',
    '": ',
    '", "',
    ', "',
    '":"',
    '","',
    '":{"',
    '"},"',
    '":[]}',
    '{"',
    '"}',
    "calculator",
    "convert_units",
    "current_time",
    "lookup_country",
    "remember",
    "recall",
    "weather",
    "timezone",
    "expression",
    "from_unit",
    "to_unit",
    "official_name",
    "also_matching",
    "temperature_c",
    "alpha_2",
    "alpha_3",
    "stub data",
)
# Words that are hardly ever part of a name take the space before them along.
_TEXT = """the in of to is and what for me my you please how much many are it that can could would
tell do does there now right about with from into by as on at then this not no have has your its
give will result cannot degrees called was were if so"""
_WORDS = _TEXT.split()


def train(texts: Iterator[str], vocabulary: int) -> Tokenizer:
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    pattern = rf" (?:{'|'.join(_WORDS)})(?![A-Za-z_])|[0-9]|\n| |[A-Za-z]+|[^\sA-Za-z0-9]|\s"
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - len(GLUE) - len(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_tokens([AddedToken(glue, normalized=False) for glue in GLUE])
    tokenizer.add_special_tokens([AddedToken(name, normalized=False) for name in SPECIAL])
    return tokenizer


def pieces(tokenizer: Tokenizer) -> tuple[str, ...]:
    """Its tokens of two letters and more, in small letters: what names can be made of."""
    words = {token.lower() for token in tokenizer.get_vocab() if token.isascii()}
    return tuple(sorted(word for word in words if word.isalpha() and len(word) > 1))


def encode(tokenizer: Tokenizer, pieces: Iterator[Piece]) -> tuple[list[int], list[int]]:
    """Token ids of a conversation, and for each the turn in which the model writes it, or -1.
    Pieces meet at control tokens, so they tokenize as the whole text does."""
    ids: list[int] = []
    learned: list[int] = []
    for piece in pieces:
        own = tokenizer.encode(piece.text, add_special_tokens=False).ids
        ids += own
        learned += [piece.turn if piece.learned else -1] * len(own)
    return ids, learned
