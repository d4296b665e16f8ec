"""What compiling the layers brings to the training of the demo model: the same batches on one
thread, with the layers as they are and compiled. Needs the extra `train` and a C++ compiler.

    python benchmarks/training_speed.py --batches 12

Prints tokens per second of processor time, padding included, and the ratio. Compilation and the
first time that each batch is seen are not counted.
"""

from __future__ import annotations

import argparse
import time
from itertools import islice

import torch
from tokenizers import Tokenizer

from agent_serving.local.demo_model import circuit, tokenizer
from agent_serving.local.demo_model.batches import Batch, Batches
from agent_serving.local.demo_model.conversations import Generator
from agent_serving.local.demo_model.model import Model
from agent_serving.local.demo_model.optimizer import Optimizer
from agent_serving.local.demo_model.shape import Shape
from agent_serving.local.demo_model.toolbox import Toolbox
from agent_serving.local.demo_model.training import LAST
from agent_serving.local.processor import has_bfloat16
from agent_serving.local.shipped_model import WEIGHTS


def batches(count: int, size: int) -> list[Batch]:
    tokens = Tokenizer.from_file(str(WEIGHTS / "tokenizer.json"))
    generator = Generator(Toolbox(), pieces=tokenizer.pieces(tokens))
    made = Batches(generator, tokens, seed=1, rank=0, size=size)
    return list(
        islice((batch for number in range(count) for batch in made.pool(number, LAST)), count)
    )


def speed(model: Model, given: list[Batch]) -> float:
    """Tokens per second of processor time."""
    dtype = torch.bfloat16 if has_bfloat16() else torch.float32
    optimizer = Optimizer(model, dtype)

    def step(batch: Batch) -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype is torch.bfloat16):
            loss = model.loss(batch.ids, batch.at, batch.wanted)
        loss.backward()
        optimizer.step(1.0)

    for batch in given:
        step(batch)
    begun = time.process_time()
    for batch in given:
        step(batch)
    return sum(batch.tokens for batch in given) / (time.process_time() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--batches", type=int, default=12)
    parser.add_argument("--size", type=int, default=3072, help="tokens a batch")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    given = batches(arguments.batches, arguments.size)
    found = []
    for fused in (False, True):
        torch.manual_seed(0)
        model = Model(Shape())
        circuit.install(model)
        if fused:
            model.fuse()
        found.append(speed(model, given))
        print(f"{'compiled' if fused else 'as they are':12} {found[-1]:7.0f} tokens/s")
    print(f"ratio        {found[1] / found[0]:7.2f}")


if __name__ == "__main__":
    main()
