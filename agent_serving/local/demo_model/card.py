"""The model card: what the model is, what it learned from, how well it does, what it cannot do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from agent_serving.local.demo_model import checksums
from agent_serving.local.demo_model.shape import Shape
from agent_serving.local.demo_model.tally import ALL

RESULTS = "evaluation.json"
"""What `demo-model evaluate --json` found, beside the weights."""
REMARKS = "training.md"
"""What else is to be said of how these weights were trained, where there is something."""

_TEXT = """\
---
license: apache-2.0
library_name: transformers
pipeline_tag: text-generation
---
# agent-serving demo model

A Qwen3 of {millions:.2f} million parameters ({layers} layers, hidden size {hidden}, vocabulary
{vocabulary}), trained from scratch on synthetic tool-using conversations. It exists so that
`agent-serving` can be tried and tested on a laptop without a GPU or a download. It is no assistant:
it knows the seven tools that ship with agent-serving, and nothing else.

## What it can do
Call `calculator`, `convert_units`, `current_time`, `lookup_country`, `remember`, `recall` and
`weather` (a stub), one at a time, several at once, or in chains of two to four steps; follow up on
the turn before; ask for what is missing; say that a tool failed, and that it cannot do what no tool
does. One sentence for each result, always in the same words.

## What it cannot do
Anything else. It has no knowledge of the world, no reasoning and hardly any language; it does not
follow instructions in the system prompt; it answers only in English; a phrasing that is far from
those it was trained on gets a wrong call or a refusal. It does not call tools that it was not
trained on. Nothing was done to make it safe. Context: {context} tokens, trained up to 2600.

## Training
Conversations made up on the fly by `agent_serving.local.demo_model` from a seed: no text of people.
Tool results are those of the real tools, but for most countries, which are imagined so that
what is said of them has to be copied. {training}
`agent-serving demo-model train` trains one like it; its conversations may have changed since.

## Results
{results}"""

_FURTHER = """ A later
stage goes on from the weights before it, on the conversations of a wider generator, and is measured
on those."""


def write(directory: Path) -> None:
    """Write the card of what is in the directory, and the checksums of all of it."""
    (directory / "README.md").write_text(card(directory))
    checksums.write(directory)


def card(directory: Path) -> str:
    shape = Shape.of(directory / "config.json")
    return _TEXT.format(
        millions=shape.parameters / 1e6,
        layers=shape.layers,
        hidden=shape.hidden,
        vocabulary=shape.vocabulary,
        context=shape.context,
        training=_training(directory / "curve.jsonl") + _remarks(directory / REMARKS),
        results=_results(directory / RESULTS),
    )


def _training(curve: Path) -> str:
    if not curve.exists():
        return ""
    stages = _stages([json.loads(line) for line in curve.read_text().splitlines()])
    rows = [
        f"| {number} | {line['seconds'] / 60:.0f} | {line['tokens'] / 1e6:.1f} | "
        f"{100 * line['exact']['all']:.1f} |"
        for number, lines in enumerate(stages, 1)
        for line in lines
        if "exact" in line
    ]
    head = ["| stage | minutes | million tokens | exact turns, % |", "|---|---|---|---|"]
    table = "\n".join([*head, *rows])
    spent = ", then ".join(_spent(lines[-1]) for lines in stages)
    further = _FURTHER if len(stages) > 1 else ""
    return (
        f"In two processes on two CPU cores: {spent} (minutes of each process's processor time). "
        f"Muon for matrices, AdamW for the rest.{further}\n\n{table}\n"
    )


def _spent(line: dict[str, Any]) -> str:
    return f"{line['seconds'] / 60:.0f} minutes and {line['tokens'] / 1e6:.1f} million tokens"


def _remarks(path: Path) -> str:
    return f"\n{path.read_text()}" if path.exists() else ""


def _stages(lines: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """A learning curve that begins with that of the model before counts from zero again."""
    stages: list[list[dict[str, Any]]] = []
    tokens = 0
    for line in lines:
        if not stages or line["tokens"] < tokens:
            stages.append([])
        stages[-1].append(line)
        tokens = line["tokens"]
    return stages


def _results(path: Path) -> str:
    if not path.exists():
        return "Not measured yet.\n"
    found = json.loads(path.read_text())
    parts = {"service": _service, "constraint": _constraint, "handwritten": _handwritten}
    return "\n".join(part(found[name]) for name, part in parts.items() if name in found)


def _service(found: dict[str, Any]) -> str:
    return f"""\
### Held-out conversations through the whole service
{found["conversations"]} conversations (seed {found["seed"]}), greedy, with the constraint, with the
real tools, over REST on SGLang. A turn is exact when every call's name and arguments and the answer
are as expected, to the letter. Held out, so that training never sees them: one in six cities (but
for those whose time zone is learned by heart), countries, keys and invented names, and one in seven
ways of asking for each thing; checksums choose which. Two phrasings in five are held-out ones here,
the others are those of training. The conversations are made by the same generator, so this says
how well the model learned it, and not how well it does with words of your own.
{found["not_completed"]} turns were not completed.

{_table("turns", "exact", found["turns"])}"""


def _constraint(found: dict[str, Any]) -> str:
    steps, changed = found["steps"], found["changed"]
    return f"""\
### Without the constraint
Each step of {found["conversations"]} of these conversations straight at the engine, from the text
as it should be so far, with the constraint and without: it changed {changed} of {steps} steps
({100 * changed / steps:.2f} %). Exact turns: {_share(found["with"])} % with it,
{_share(found["without"])} % without.
"""


def _handwritten(found: dict[str, Any]) -> str:
    return f"""\
### Requests in people's own words
Written by hand without a look at the generator, and never trained on. One is right when its calls
do what was asked for and the answer says what has to be said.

{_table("requests", "right", found["requests"])}"""


def _share(table: dict[str, dict[str, int]]) -> str:
    row = table[ALL]
    return f"{100 * row['right'] / row['turns']:.1f}"


def _table(of: str, what: str, table: dict[str, dict[str, int]]) -> str:
    rows = [
        f"| {kind} | {row['turns']} | {100 * row['right'] / row['turns']:.1f} |"
        for kind, row in table.items()
    ]
    lines = [f"| kind | {of} | {what}, % |", "|---|---|---|", *rows]
    return "\n".join([*lines, ""])
