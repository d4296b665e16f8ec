"""Training: by the processor's clock, resumable, with a learning curve."""

# Its libraries are an extra.
# mypy: disable-error-code="import-not-found,no-any-return"

from __future__ import annotations

import json
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from agent_serving.local.demo_model import circuit, rendering, scoring, tokenizer
from agent_serving.local.demo_model.batches import Batch, Batches
from agent_serving.local.demo_model.conversations import Generator, Mix
from agent_serving.local.demo_model.crowd import Crowd
from agent_serving.local.demo_model.model import Model
from agent_serving.local.demo_model.optimizer import Optimizer
from agent_serving.local.demo_model.shape import Shape
from agent_serving.local.demo_model.toolbox import Toolbox
from agent_serving.local.errors import LocalEngineError
from agent_serving.local.processor import has_bfloat16

if TYPE_CHECKING:
    from tokenizers import Tokenizer

WARM_UP = 40  # steps
DECAY = 0.45  # of the time, at the end
AGAIN = 0.6  # of the full learning rate, where a trained model is trained further
FIRST = Mix(1.0, 0.0, 0.0)
THEN = Mix(0.5, 0.33, 0.17)
LAST = Mix(0.35, 0.3, 0.35)
TOKENIZER_CONVERSATIONS = 1_500
CHECK_SEED = 77


@dataclass(frozen=True, slots=True)
class Plan:
    """minutes: of training, over all starts; on a CPU those of its processor, so that other work
    beside it makes it later, not worse. Short conversations come first, because copying is
    learned from them soonest; long ones come with the decay. A training that starts from a model
    is that decay, from `AGAIN` of the full learning rate on."""

    minutes: float
    seed: int = 1
    size: int = 6144
    first_tokens: int = 3_000_000
    processes: int = 2
    steps: int | None = None
    checked: int = 30
    """Held-out conversations that the learning curve is measured on."""
    start: Path | None = None
    """An exported model to begin with, and its tokenizer; None: random weights."""
    shape: Shape = field(default_factory=Shape)

    def share(self, step: int, seconds: float) -> float:
        """Of the full learning rate."""
        left = 1 - seconds / (60 * self.minutes)
        most = left / DECAY if self.start is None else AGAIN * left
        return max(0.0, min(1.0, most, (step + 1) / WARM_UP))

    def mix(self, tokens: int, seconds: float) -> Mix:
        if self.start is not None:
            return LAST
        if tokens < self.first_tokens:
            return FIRST
        return LAST if seconds > 60 * self.minutes * (1 - DECAY) else THEN


@dataclass
class State:
    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    pool: int = 0


Say = Callable[[str], None]


class Training:
    """Keeps everything in `folder`: tokenizer.json, checkpoint.pt, curve.jsonl."""

    def __init__(self, folder: Path, plan: Plan, say: Say, crowd: Crowd | None = None) -> None:
        self._crowd = crowd or Crowd()
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(plan.seed)
        torch.set_num_threads(1)
        self._folder, self._plan, self._say = folder, plan, say
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        toolbox = Toolbox()
        self.tokenizer = _tokenizer(folder / "tokenizer.json", Generator(toolbox), plan, say)
        generator = Generator(toolbox, pieces=tokenizer.pieces(self.tokenizer))
        size = plan.size // self._crowd.size
        rank = self._crowd.rank
        self._batches = Batches(generator, self.tokenizer, seed=plan.seed, rank=rank, size=size)
        held_out = Generator(toolbox, held_out=True)
        self._check = list(islice(held_out.stream(CHECK_SEED, THEN), plan.checked))
        self.model = Model(plan.shape).to(self._device)
        circuit.install(self.model)
        if plan.steps is None and shutil.which("c++"):
            self.model.fuse()
        self._lower = self._device == "cuda" or has_bfloat16()
        dtype = torch.bfloat16 if self._lower else torch.float32
        self._optimizer = Optimizer(self.model, dtype)
        self.state = State()
        self._losses: deque[Tensor] = deque(maxlen=50)
        self._clock = time.monotonic if self._device == "cuda" else time.process_time
        self._since = 0.0
        self._resume()

    def run(self) -> None:
        """Until the time is over. Stopped at any moment, it goes on from the last checkpoint."""
        saved = checked = self.state.seconds
        self._since = self._clock()
        self._say(f"{self._plan.shape.parameters:,} parameters on {self._device}")
        while not self._is_over():
            mix = self._plan.mix(self.state.tokens, self.state.seconds)
            for batch in self._mine(mix):
                self._step(batch)
                if self._is_over():
                    break
            self.state.pool += 1
            if self.state.seconds - saved > 90:
                saved = self.state.seconds
                self._save()
            if self.state.seconds - checked > 300:
                checked = self.state.seconds
                if self._crowd.leads:
                    self.check()
        self._save()
        if self._crowd.leads:
            self.check()

    def _mine(self, mix: Mix) -> Iterator[Batch]:
        """This process's next pool: as many batches as every other has."""
        batches = list(self._batches.pool(self.state.pool, mix))
        return iter(batches[: self._crowd.least(len(batches))])

    def check(self) -> scoring.Score:
        result = scoring.score(self.model, self.tokenizer, self._check)
        shares = {kind: round(result.share(kind), 3) for kind in result.seen}
        self._note({"exact": shares, "turns": result.seen["all"]})
        kinds = "  ".join(f"{kind} {100 * result.share(kind):.0f}" for kind in result.kinds())
        self._say(f"exact turns {100 * result.share('all'):.1f} %: {kinds}")
        return result

    def _is_over(self) -> bool:
        if self._plan.steps is not None and self.state.step >= self._plan.steps:
            return True
        return self.state.seconds >= 60 * self._plan.minutes

    def _step(self, batch: Batch) -> None:
        device = self._device
        with torch.autocast(device, torch.bfloat16, enabled=self._lower):
            loss = self.model.loss(
                batch.ids.to(device), batch.at.to(device), batch.wanted.to(device)
            )
        loss.backward()
        share = self._plan.share(self.state.step, self.state.seconds)
        now = self._clock()
        spent, self._since = now - self._since, now
        tokens, seconds = self._crowd.agree(self.model.parameters(), batch.tokens, spent)
        self._optimizer.step(share)
        self.state.step += 1
        self.state.tokens += tokens
        self.state.seconds += seconds
        self._losses.append(loss.detach())
        if self.state.step % 50 == 0 and self._crowd.leads:
            mean = torch.stack(tuple(self._losses)).mean().item()
            self._note({"loss": round(mean, 4), "share": round(share, 3)})
            state = self.state
            self._say(
                f"{state.seconds / 60:5.1f} min  step {state.step}  {state.tokens / 1e6:.2f} M"
                f" tokens  {state.tokens / state.seconds:.0f}/s  loss {mean:.3f}"
            )

    def _note(self, line: dict[str, Any]) -> None:
        with (self._folder / "curve.jsonl").open("a") as curve:
            curve.write(json.dumps({**asdict(self.state), **line}) + "\n")

    def _save(self) -> None:
        if not self._crowd.leads:
            return
        unfinished = self._folder / "checkpoint.unfinished"
        torch.save(
            {
                "model": self.model.state_dict(),
                "optimizer": self._optimizer.state(),
                "state": asdict(self.state),
            },
            unfinished,
        )
        unfinished.replace(self._folder / "checkpoint.pt")

    def _resume(self) -> None:
        checkpoint, start = self._folder / "checkpoint.pt", self._plan.start
        if checkpoint.exists():
            saved = torch.load(checkpoint, map_location=self._device)
            self.model.load_state_dict(saved["model"])
            self._optimizer.load(saved["optimizer"])
            self.state = State(**saved["state"])
            self._say(f"resumed at {self.state.seconds / 60:.1f} minutes")
        elif start is not None:
            begun = load_file(start / "model.safetensors")
            self.model.load_state_dict({name: value.float() for name, value in begun.items()})
            self._say(f"started from {start}")
        if self._crowd.leads:
            self._begin_curve()

    def _begin_curve(self) -> None:
        """That of the model before, and of this training what is in the checkpoint."""
        curve, start = self._folder / "curve.jsonl", self._plan.start
        before = [] if start is None else _lines(start / "curve.jsonl")
        mine = _lines(curve)[len(before) :]
        kept = [line for line in mine if json.loads(line)["step"] <= self.state.step]
        curve.write_text("".join([*before, *kept]))


def _lines(curve: Path) -> list[str]:
    return curve.read_text().splitlines(keepends=True) if curve.exists() else []


def prepare(folder: Path, plan: Plan, say: Say) -> None:
    """Make the tokenizer where it is missing, before several processes want it."""
    folder.mkdir(parents=True, exist_ok=True)
    _tokenizer(folder / "tokenizer.json", Generator(Toolbox()), plan, say)


def _tokenizer(path: Path, generator: Generator, plan: Plan, say: Say) -> Tokenizer:
    if plan.start is not None:
        # Its weights know no other; a run that was begun from scratch here has one of its own.
        _require_same(plan.start / "tokenizer.json", path)
    if not path.exists():
        say("training the tokenizer")
        some = islice(generator.stream(plan.seed), TOKENIZER_CONVERSATIONS)
        trained = tokenizer.train((rendering.text(one) for one in some), plan.shape.vocabulary)
        trained.save(str(path))
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(path))


def _require_same(start: Path, path: Path) -> None:
    if not path.exists():
        shutil.copyfile(start, path)
    elif path.read_bytes() != start.read_bytes():
        raise LocalEngineError(
            f"{path.parent} holds another training, whose tokenizer is not that of {start.parent}. "
            "Train in an empty folder."
        )
