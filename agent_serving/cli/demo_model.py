"""agent-serving demo-model train | export | evaluate"""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from agent_serving.cli.console import console, progress
from agent_serving.cli.rest import Rest
from agent_serving.local.demo_model import evaluation
from agent_serving.local.demo_model.conversations import Generator
from agent_serving.local.demo_model.toolbox import Toolbox
from agent_serving.local.errors import LocalEngineError

Folder = Annotated[Path, typer.Argument(help="Folder of the training run.")]
Minutes = Annotated[float, typer.Option(help="Of training, over all starts.")]
Seed = Annotated[int, typer.Option(help="The same seed makes the same conversations.")]
Processes = Annotated[int, typer.Option(help="Processes that train together, one a core.")]


def commands() -> typer.Typer:
    app = typer.Typer(
        help="A tiny tool-calling model: train it on made-up conversations, export it, measure it.",
        no_args_is_help=True,
    )
    app.command("train")(train)
    app.command("export")(export)
    app.command("evaluate")(evaluate)
    return app


def train(
    folder: Folder, minutes: Minutes = 60.0, seed: Seed = 1, processes: Processes = 2
) -> None:
    """Train a model of a few million parameters from scratch, on a CPU or on a GPU.

    It learns the shipped tools from conversations that are made up as it goes, and writes its
    checkpoints and learning curve to the folder. Interrupted, it goes on there with the same
    command. Needs the extra `train`.

    Example: agent-serving demo-model train run --minutes 60
    """
    _require_torch()
    from agent_serving.local.demo_model.training import Plan
    from agent_serving.local.demo_model.training_run import train as run

    run(folder, Plan(minutes=minutes, seed=seed, processes=processes))


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


def evaluate(
    url: Annotated[str, typer.Option(help="Of a running service.")] = "http://127.0.0.1:8080",
    count: Annotated[int, typer.Option(min=1, help="Conversations to hold.")] = 500,
    seed: Seed = 11,
) -> None:
    """Hold conversations that no training has seen with a running service, and count right turns.

    A turn is right when every call and the answer are exactly as expected. The service should run
    a model that `demo-model train` made; any other will do badly, as it words its answers freely.

    Example: agent-serving demo-model evaluate --count 50
    """
    out = console()
    given = evaluation.conversations(Generator(Toolbox(), held_out=True), seed, count)

    async def hold() -> evaluation.Report:
        async with Rest(url) as service:
            with progress(out, "Conversations:") as say:
                return await evaluation.evaluate(
                    service, given, on_done=lambda done: say(f"{done} of {count}")
                )

    report = asyncio.run(hold())
    for kind, row in report.tally.table().items():
        share = 100 * row["right"] / row["turns"]
        out.print(f"{kind:20} {row['right']:5} of {row['turns']:5} turns {share:6.1f} %")
    for line in report.failed:
        out.print(f"not completed: {line}", soft_wrap=True)


def _require_torch() -> None:
    for module in ("torch", "tokenizers", "safetensors"):
        if find_spec(module) is None:
            raise LocalEngineError(
                f"Training needs {module}, which is not installed: pip install "
                "'agent-serving[train]' (for a CPU, install a CPU build of torch first)."
            )
