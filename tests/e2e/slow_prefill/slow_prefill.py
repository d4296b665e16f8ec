"""An SGLang plugin that makes each prefill longer by a share of itself.

The share is read before each prefill from the file that SLOW_PREFILL names, so that one engine can
be slow and fast by turns. SGLang's own clock sees it, as it would see a slower kernel.
"""

import os
import time
from pathlib import Path
from typing import Any

from sglang.srt.plugins.hook_registry import HookRegistry, HookType


def plant() -> None:
    HookRegistry.register(
        "sglang.srt.managers.scheduler.Scheduler.run_batch", slowed, HookType.AROUND
    )


def slowed(original: Any, scheduler: Any, batch: Any, *more: Any, **named: Any) -> Any:
    began = time.monotonic()
    result = original(scheduler, batch, *more, **named)
    if batch.forward_mode.is_extend():
        share = float(Path(os.environ["SLOW_PREFILL"]).read_text())
        time.sleep(share * (time.monotonic() - began))
    return result
