"""Starts training in as many processes as planned, and ends when all have."""

# Its libraries are an extra.
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import tempfile
from pathlib import Path

import torch.multiprocessing as processes

from agent_serving.local.demo_model.crowd import Crowd
from agent_serving.local.demo_model.training import Plan, Training, prepare


def train(folder: Path, plan: Plan) -> None:
    """Train in `folder`, or go on there. Prints its progress."""
    with tempfile.TemporaryDirectory() as meetings:
        meeting = Path(meetings) / "crowd"
        if plan.processes == 1:
            _one(0, folder, plan, meeting)
            return
        prepare(folder, plan, print)
        processes.spawn(_one, (folder, plan, meeting), nprocs=plan.processes)


def _one(rank: int, folder: Path, plan: Plan, meeting: Path) -> None:
    crowd = Crowd(rank, plan.processes, meeting)

    def say(line: str) -> None:
        if crowd.leads:
            print(line, flush=True)

    Training(folder, plan, say, crowd).run()
