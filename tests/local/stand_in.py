"""Stands in for ``python -m sglang.launch_server``: what it does is the served model's name."""

from __future__ import annotations

import http.server
import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def option(name: str) -> str:
    return sys.argv[sys.argv.index(name) + 1]


class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()


def main() -> None:
    manner = option("--served-model-name")
    if manner == "fails":
        print("\n".join(f"line {number}" for number in range(100)))
        sys.exit("RuntimeError: the weights are missing")
    # In a session of its own and deaf to SIGTERM: nothing but its ancestry ties it to us.
    child = subprocess.Popen(
        [sys.executable, "-c", "import signal, time; signal.signal(15, lambda *_: None);"
         " print('deaf', flush=True); time.sleep(600)"],
        start_new_session=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert child.stdout is not None
    child.stdout.readline()
    Path(option("--model-path"), "child").write_text(str(child.pid))
    if manner == "deaf":
        signal.signal(signal.SIGTERM, lambda *_: None)
    if manner == "never ready":
        print("still loading", flush=True)
        time.sleep(600)
    print("Uvicorn running", os.getpid(), flush=True)
    http.server.HTTPServer((option("--host"), int(option("--port"))), Health).serve_forever()


if __name__ == "__main__":
    main()
