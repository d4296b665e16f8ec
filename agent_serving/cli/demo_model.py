"""agent-serving demo-model train | export | evaluate | card"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from agent_serving.cli.console import console
from agent_serving.cli.demo_model_evaluation import evaluate
from agent_serving.local.demo_model import card as model_card
from agent_serving.local.demo_model.shape import Shape
from agent_serving.local.errors import LocalEngineError

Folder = Annotated[Path, typer.Argument(help="Folder of the training run.")]
Minutes = Annotated[float, typer.Option(help="Of training, over all starts.")]
Seed = Annotated[int, typer.Option(help="The same seed makes the same conversations.")]
Start = Annotated[
    Path | None,
    typer.Option(
        "--from", help="Model directory to begin with instead of random weights: trains it further."
    ),
]
Processes = Annotated[int, typer.Option(help="Processes that train together, one a core.")]


def commands() -> typer.Typer:
    app = typer.Typer(
        help="A tiny tool-calling model: train it on made-up conversations, export it, measure it.",
        no_args_is_help=True,
    )
    app.command("train")(train)
    app.command("export")(export)
    app.command("evaluate")(evaluate)
    app.command("card")(card)
    return app


def train(
    folder: Folder,
    minutes: Minutes = 60.0,
    seed: Seed = 1,
    processes: Processes = 2,
    start: Start = None,
) -> None:
    """Train a model of a few million parameters, on a CPU or on a GPU.

    It learns the shipped tools from conversations that are made up as it goes, and writes its
    checkpoints and learning curve to the folder. Interrupted, it goes on there with the same
    command. Needs the extra `train`.

    Example: agent-serving demo-model train run --minutes 60
    """
    _require_torch()
    from agent_serving.local.demo_model.training import Plan
    from agent_serving.local.demo_model.training_run import train as run

    if start is not None and not (start / "model.safetensors").is_file():
        raise LocalEngineError(f"{start} holds no model: there is no model.safetensors in it.")
    shape = Shape() if start is None else Shape.of(start / "config.json")
    run(folder, Plan(minutes, seed, processes=processes, start=start, shape=shape))


def export(
    folder: Folder,
    output: Annotated[Path, typer.Argument(help="Model directory to write.")],
) -> None:
    """Write what a training run has learned so far as a Hugging Face model directory.

    Example: agent-serving demo-model export run model && agent-serving up --model model
    """
    _require_torch()
    from agent_serving.local.demo_model.export import export as write

    if not (folder / "checkpoint.pt").exists():
        raise LocalEngineError(f"{folder} has no checkpoint yet; run `demo-model train` first.")
    write(folder, output)
    console().print(f"The model is in {output}", soft_wrap=True)


def card(
    folder: Annotated[Path, typer.Argument(help="Model directory that `export` wrote.")],
    figures: Annotated[Path, typer.Argument(help="What `evaluate --json` wrote.")],
) -> None:
    """Write a model's card anew, with what an evaluation found, and its checksums.

    Example: agent-serving demo-model card model evaluation.json
    """
    if not (folder / "config.json").is_file():
        raise LocalEngineError(f"{folder} holds no model: there is no config.json in it.")
    (folder / model_card.RESULTS).write_bytes(figures.read_bytes())
    model_card.write(folder)
    console().print(f"The card is {folder / 'README.md'}", soft_wrap=True)


def _require_torch() -> None:
    for module in ("torch", "tokenizers", "safetensors"):
        if find_spec(module) is None:
            raise LocalEngineError(
                f"Training needs {module}, which is not installed: pip install "
                "'agent-serving[train]' (for a CPU, install a CPU build of torch first)."
            )
