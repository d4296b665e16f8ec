"""Run one command for a parent, and never let it outlive that parent.

``python supervise.py LOG SCRATCH GRACE_SECONDS COMMAND…`` starts COMMAND in a session of its own
with its output in LOG, writes its process id to standard output, and ends it when standard input
closes (the parent asks for the end, or is gone, however it died) or on SIGTERM. To end is SIGTERM
to COMMAND, then, when it has ended or the grace is over, SIGKILL to every process that descends
from it; the directory SCRATCH is removed then.

A script of the standard library alone, run by path in a process of its own: a parent-death signal
set by the parent itself would follow the thread that forked, not the process.
"""

import contextlib
import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

# <linux/prctl.h>
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

POLL_SECONDS = 0.05


def main(arguments: list[str]) -> int:
    """Return the command's exit status, 128 + N where signal N ended it."""
    log, scratch, grace, command = arguments[0], arguments[1], float(arguments[2]), arguments[3:]
    libc = ctypes.CDLL(None)
    # A descendant whose own parent died becomes our child, so none is lost from sight.
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    woken = wake_on_signals()
    with Path(log).open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - the command is the parent's
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # Should we be killed outright, the command goes too.
            preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0),
        )
    os.write(sys.stdout.fileno(), f"{process.pid}\n".encode())
    wait_for_the_end(process, woken)
    end(process, grace)
    status = process.wait()
    shutil.rmtree(scratch, ignore_errors=True)
    return status if status >= 0 else 128 - status


def wake_on_signals() -> int:
    """Return a descriptor from which the number of each signal that comes in can be read."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    # SGLang's children send SIGQUIT to their parent when they fail, which may be us by then.
    ending = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
    for number in (*ending, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    return woken


def wait_for_the_end(process: "subprocess.Popen[bytes]", woken: int) -> None:
    """Return when the command has ended, the parent is gone, or we are told to end."""
    while process.poll() is None:
        readable, _, _ = select.select([sys.stdin.fileno(), woken], [], [])
        if sys.stdin.fileno() in readable:
            return
        if any(number != signal.SIGCHLD for number in os.read(woken, 64)):
            return


def end(process: "subprocess.Popen[bytes]", grace: float) -> None:
    # Only to the command: SGLang takes the end of a child for a crash and lingers to diagnose it.
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(grace)
    process.kill()
    process.wait()
    # Whose parent dies while /proc is read may be missed there, and becomes our child; so none is
    # left only when we have no child any more.
    while has_children():
        for pid in descendants(os.getpid()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(POLL_SECONDS)


def has_children() -> bool:
    """Whether there is one that has not ended; those that have are waited for."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
        return True
    return False


def descendants(root: int) -> list[int]:
    """Return the living processes below ``root``, parents first; a zombie is not living."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                # The name in parentheses may hold blanks; state and parent follow it.
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                if state != "Z":
                    children.setdefault(int(parent), []).append(int(entry.name))
    found = list(children.get(root, []))
    for pid in found:
        found += children.get(pid, [])
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
