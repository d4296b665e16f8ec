from __future__ import annotations

import pytest

from agent_serving.local.demo_model.toolbox import Toolbox


@pytest.fixture(scope="package")
def toolbox() -> Toolbox:
    return Toolbox()
