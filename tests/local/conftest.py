from __future__ import annotations

from pathlib import Path

import pytest

from agent_serving.local.install import EngineEnvironment, ensure_engine
from tests.conftest import HOME


@pytest.fixture(scope="session")
def engine_environment() -> EngineEnvironment:
    """The real engine's environment, installed where the whole test run keeps it."""
    return ensure_engine(HOME, print)


@pytest.fixture
def messages() -> list[str]:
    return []


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"
