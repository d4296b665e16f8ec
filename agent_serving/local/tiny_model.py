"""The model a local engine serves when none is given: tiny, random, made on the spot.

What it writes means nothing, but it is Qwen3 in everything a client sees: architecture, tokenizer,
ChatML with tools, control tokens. ``ensure_model`` is the seam at which a trained model takes its
place.
"""

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from agent_serving.local.commands import Progress, run_logged
from agent_serving.local.errors import LocalEngineError

SOURCES = Path(__file__).parent / "tiny"
SEED = 7


@dataclass(frozen=True)
class LocalModel:
    """A model directory in Hugging Face format, and the name it is served under."""

    directory: Path
    served_name: str
    context_length: int


def ensure_model(
    home: Path, engine_python: Path, on_progress: Progress, *, seed: int = SEED
) -> LocalModel:
    """Return the model under ``home/models``, making it first where it is missing.

    The directory's name holds the hash of everything the model is made from, so it is reused as
    long as that is the same. ``engine_python`` is the interpreter of the engine's environment.
    The same seed gives the same files. Raises LocalEngineError.
    """
    directory = home.absolute() / "models" / f"tiny-{_fingerprint(seed)}"
    if not directory.exists():
        on_progress("making the tiny model")
        _make(directory, engine_python, seed)
    return LocalModel(directory, served_name="tiny", context_length=8192)


def _fingerprint(seed: int) -> str:
    digest = hashlib.sha256(str(seed).encode())
    for source in sorted(path for path in SOURCES.iterdir() if path.is_file()):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()[:12]


def _make(directory: Path, engine_python: Path, seed: int) -> None:
    if not engine_python.exists():
        raise LocalEngineError(
            f"There is no Python at {engine_python} to make the model with. Install the engine "
            "first."
        )
    directory.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=directory.parent))
    # One thread: the order in which the tokenizer's trainer counts is then always the same.
    environment = dict(os.environ, TOKENIZERS_PARALLELISM="false", OMP_NUM_THREADS="1")
    try:
        run_logged(
            [str(engine_python), "-I", str(SOURCES / "build.py"), str(unfinished), str(seed)],
            what="Making the tiny model",
            log=directory.parent / "tiny-model.log",
            on_line=lambda line: None,
            on_quiet=lambda: None,
            environment=environment,
        )
        unfinished.chmod(0o755)
        try:
            unfinished.rename(directory)
        except OSError:
            # Where another process was faster, its model is the same as ours.
            if not directory.exists():
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
