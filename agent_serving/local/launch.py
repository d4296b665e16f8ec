"""Start an SGLang server on this machine, wait until it serves, and stop all of it."""

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agent_serving.local.commands import Progress, tail_of
from agent_serving.local.errors import LocalEngineError
from agent_serving.local.install import EngineEnvironment
from agent_serving.local.processor import has_bfloat16

HOST = "127.0.0.1"
CPU_PLATFORM = Path(__file__).parent / "cpu_platform"
SUPERVISOR = Path(__file__).parent / "supervise.py"

LIGHT_BYTES = 2 << 30

# What the log of a starting server says, and what it means for the person who waits.
MILESTONES = (
    ("Load weight begin", "loading the weights"),
    ("Load weight end", "allocating the KV cache"),
    ("Uvicorn running", "warming up"),
)


@dataclass(frozen=True)
class LaunchOptions:
    """How one SGLang server is started.

    ``context_length`` and ``max_total_tokens`` (the KV cache; None: what fits in the memory) are
    tokens, ``memory_fraction`` is SGLang's ``--mem-fraction-static``, ``port`` 0 takes a free one.
    With an ``api_key`` the server answers who sends it, and to all others only ``/health`` and
    ``/metrics``; without one whoever reaches it, web pages included.
    ``extra_arguments`` come last on the command line and so win over what is set here.
    """

    environment: EngineEnvironment
    model: Path
    served_name: str
    log: Path
    port: int = 0
    context_length: int | None = 8192
    max_total_tokens: int | None = 65_536
    max_running_requests: int | None = None
    memory_fraction: float | None = None
    dp_size: int = 1
    session_radix_cache: bool = True
    api_key: str | None = field(default=None, repr=False)
    extra_arguments: tuple[str, ...] = ()
    extra_environment: Mapping[str, str] = field(default_factory=dict)


def launch_command(
    options: LaunchOptions, port: int, secrets_file: Path | None = None
) -> list[str]:
    """Return the command line of SGLang's server; ``secrets_file`` is where its key may be."""
    command = [
        str(options.environment.python), "-m", "sglang.launch_server",
        "--model-path", str(options.model), "--served-model-name", options.served_name,
        "--host", HOST, "--port", str(port), "--grammar-backend", "xgrammar",
        "--sleep-on-idle",  # an idle scheduler burns a core without it
        "--enable-metrics", "--enable-cache-report", "--incremental-streaming-output",
        # A weak model fills JSON with blanks where the grammar lets it.
        "--constrained-json-disable-any-whitespace", "--constrained-json-max-whitespace-cnt", "1",
    ]  # fmt: skip
    if options.environment.device == "cpu":
        command += ["--device", "cpu", "--attention-backend", "torch_native"]
        command += ["--sampling-backend", "pytorch"]
        if _is_light(options.model) and not has_bfloat16():
            command += ["--dtype", "float32"]
    if options.session_radix_cache:
        command.append("--enable-session-radix-cache")
    if options.dp_size != 1:
        command += ["--dp-size", str(options.dp_size)]
    valued = {
        "--context-length": options.context_length,
        "--max-total-tokens": options.max_total_tokens,
        "--max-running-requests": options.max_running_requests,
        "--mem-fraction-static": options.memory_fraction,
    }
    for name, value in valued.items():
        if value is not None:
            command += [name, str(value)]
    if options.api_key is not None:
        # Others see a command line. SGLang takes one file, though, which may be named already.
        named = any(word.partition("=")[0] == "--config" for word in options.extra_arguments)
        in_file = secrets_file is not None and not named
        command += ["--config", str(secrets_file)] if in_file else ["--api-key", options.api_key]
    return [*command, *options.extra_arguments]


def _is_light(model: Path) -> bool:
    """Whether it may take twice its size in memory, as bfloat16 does in float32."""
    size = sum(file.stat().st_size for file in model.glob("*.safetensors"))
    config = model / "config.json"
    plain = config.is_file() and '"quantization_config"' not in config.read_text()
    return plain and 0 < size <= LIGHT_BYTES


def launch_environment(
    options: LaunchOptions, scratch: Path, inherited: Mapping[str, str]
) -> dict[str, str]:
    """Return the server's environment variables; ``scratch`` is a fresh, empty directory."""
    # Not ours to pass on: they would bring the service's packages into the engine's interpreter,
    # and the last one selects AMX kernels of which there is no wheel.
    dropped = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "SGLANG_USE_CPU_ENGINE")
    environment = {name: value for name, value in inherited.items() if name not in dropped}
    binaries = str(options.environment.python.parent)
    environment |= {
        "PATH": os.pathsep.join(filter(None, (binaries, inherited.get("PATH")))),
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        # Else its last words stand in a buffer, and not at the end of the log, when it dies.
        "PYTHONUNBUFFERED": "1",
    }
    if options.environment.device == "cpu":
        every_core = f"0-{(os.cpu_count() or 1) - 1}"
        environment |= {
            "PYTHONPATH": str(CPU_PLATFORM),
            "SGLANG_PLATFORM": "agent_serving_cpu",
            "OMP_NUM_THREADS": "1",
            # Else torch's rendezvous store listens on every interface.
            "SGLANG_DISTRIBUTED_INIT_METHOD_OVERRIDE": f"file://{scratch / 'rendezvous'}",
            "GLOO_SOCKET_IFNAME": "lo",
            # One group of cores for each replica, the same: SGLang refuses more replicas than NUMA
            # nodes without it, and binds nothing where it has no AMX kernels.
            "SGLANG_CPU_OMP_THREADS_BIND": "|".join([every_core] * options.dp_size),
            "TMPDIR": str(scratch),  # SGLang leaves its sockets behind
        }
    return environment | dict(options.extra_environment)


class EngineProcess:
    """One SGLang server, under a supervisor that ends it when this process ends.

    ``start``, ``wait_until_ready`` and ``stop`` block; call them from a thread in asynchronous
    code. A stopped engine can be started again. SGLang needs up to 5 seconds to notice SIGTERM and
    then finishes its requests: it gets ``grace_seconds`` before SIGKILL.
    """

    def __init__(self, options: LaunchOptions, *, grace_seconds: float = 2.0) -> None:
        self.options = options
        self._grace_seconds = grace_seconds
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._on_progress: Progress = lambda message: None
        self._port = 0
        self._pid = 0

    @property
    def url(self) -> str:
        """The server's address without a final slash; the port is known once it is started."""
        return f"http://{HOST}:{self._port}"

    @property
    def pid(self) -> int:
        """The server's process id, which is also its process group."""
        return self._pid

    @property
    def is_running(self) -> bool:
        return self._supervisor is not None and self._supervisor.poll() is None

    def start(self, on_progress: Progress = lambda message: None) -> None:
        """Start the server and return at once. Raises LocalEngineError if it cannot be started."""
        if self.is_running:
            raise LocalEngineError(f"The engine at {self.url} is running already. Stop it first.")
        if not self.options.environment.python.exists():
            raise LocalEngineError(
                f"There is no Python at {self.options.environment.python} to run SGLang with. "
                "Install the engine first."
            )
        self.stop()
        self._on_progress = on_progress
        self._port = _claimable_port(self.options.port)
        scratch = Path(tempfile.mkdtemp(prefix="agent-serving-engine-"))
        self.options.log.parent.mkdir(parents=True, exist_ok=True)
        # SGLang writes its arguments there, the key among them.
        _write_private(self.options.log, "")
        secrets_file = scratch / "secrets.yaml"
        if self.options.api_key is not None:
            _write_private(secrets_file, json.dumps({"api-key": self.options.api_key}))
        self._spawn(
            launch_command(self.options, self._port, secrets_file),
            launch_environment(self.options, scratch, os.environ),
            scratch,
        )

    def _spawn(self, command: list[str], environment: dict[str, str], scratch: Path) -> None:
        supervise = [sys.executable, "-I", str(SUPERVISOR), str(self.options.log), str(scratch)]
        self._supervisor = subprocess.Popen(  # noqa: S603 - built by this package, without a shell
            [*supervise, str(self._grace_seconds), *command],
            stdin=subprocess.PIPE,  # never written to: its end tells the supervisor to end
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        assert self._supervisor.stdout is not None
        answer = self._supervisor.stdout.readline()
        if not answer:
            self._fail("The engine could not be started")
        self._pid = int(answer)

    def wait_until_ready(self, timeout: float = 300.0) -> None:
        """Return when the server answers ``/health``; ``timeout`` in seconds.

        Raises LocalEngineError, with the end of the log, when the server ends or the time is up;
        the server is stopped then.
        """
        started = time.monotonic()
        shown = -1
        while not self._is_healthy():
            waited = time.monotonic() - started
            if not self.is_running:
                self._fail(f"SGLang ended after {waited:.0f} s without serving")
            if waited > timeout:
                self._fail(f"SGLang does not serve after {waited:.0f} s")
            if int(waited) // 2 > shown:
                shown = int(waited) // 2
                self._on_progress(f"[{waited:4.0f} s] starting SGLang: {self._milestone()}")
            time.sleep(0.2)
        self._on_progress(f"[{time.monotonic() - started:4.0f} s] SGLang serves at {self.url}")

    def stop(self) -> None:
        """End the server with every process it started; returns when they are gone."""
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is not None:
            assert supervisor.stdin is not None
            assert supervisor.stdout is not None
            supervisor.stdin.close()
            supervisor.wait()
            supervisor.stdout.close()

    def _is_healthy(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self._port, timeout=5)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _milestone(self) -> str:
        log = self.options.log.read_text(encoding="utf-8", errors="replace")
        reached = [meaning for mark, meaning in MILESTONES if mark in log]
        return reached[-1] if reached else "loading its modules"

    def _fail(self, what: str) -> None:
        self.stop()
        raise LocalEngineError(
            f"{what} (model {self.options.model}, {self.url}). The end of its log, "
            f"{self.options.log}:\n{tail_of(self.options.log)}"
        )


def _write_private(file: Path, text: str) -> None:
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)


def _claimable_port(port: int) -> int:
    """Return ``port``, or a free one for 0; another server's answers must not be taken for ours."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError as error:
            raise LocalEngineError(
                f"The engine cannot listen on {HOST}:{port}: {error.strerror}. Choose another "
                "port, or 0 for any free one."
            ) from error
        claimed: int = listener.getsockname()[1]
        return claimed
