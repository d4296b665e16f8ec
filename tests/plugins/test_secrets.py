from __future__ import annotations

from pathlib import Path

import pytest

from agent_serving.domain.errors import ConfigurationError
from agent_serving.plugins.secrets import load_secrets


def test_a_secret_is_taken_from_the_file_else_from_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "secrets.toml"
    file.write_text('ONE = "from the file"\n')
    environment = {"ONE": "from the environment", "TWO": "from the environment"}
    found = load_secrets({"pay": ("ONE", "TWO"), "look": ()}, file, environment)
    assert found == {"pay": {"ONE": "from the file", "TWO": "from the environment"}, "look": {}}
    assert load_secrets({"pay": ["ONE"]}, None, environment)["pay"]["ONE"] == environment["ONE"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read"),
        ("KEY = canary-value", "not TOML"),
        ("KEY = 7", "the secret KEY is not a string"),
        ('OTHER = "canary-value"', "tool_secrets.pay: the secret KEY is not in"),
        ('KEY = ""', "tool_secrets.pay: the secret KEY is not in"),
    ],
)
def test_a_secret_that_is_not_there_stops_the_start_and_no_value_is_told(
    tmp_path: Path, content: str | None, told: str
) -> None:
    file = tmp_path / "secrets.toml"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigurationError, match=told) as caught:
        load_secrets({"pay": ("KEY",)}, file, {})
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None
