"""An SGLang plugin that makes each prefill last as long as a file says, in milliseconds.

On a CPU a prefill takes the time that other processes leave it; a time above that is the same on
an idle machine and on a busy one, as a GPU's is. The file that SLOW_PREFILL names is read before
each prefill, so that one engine can be fast and slow by turns. SGLang's own clock sees it, as it
would see a slower kernel.
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
        lasts = float(Path(os.environ["SLOW_PREFILL"]).read_text()) / 1000
        time.sleep(max(began + lasts - time.monotonic(), 0))
    return result
