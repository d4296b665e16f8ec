"""`agent-serving config`: a TOML file that says where everything is from, without secrets."""

from __future__ import annotations

import runpy
import tomllib
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from agent_serving.cli.configuration import SECRET, as_toml
from agent_serving.config import Configuration, Settings, load

ROOT = Path(__file__).parent.parent.parent

texts = st.text(max_size=20)
settings = st.builds(
    Settings,
    port=st.integers(0, 65_535),
    engines=st.just(("http://one:30000",)),
    dialect=st.none() | texts,
    fetch_hosts=st.lists(texts, max_size=3).map(tuple),
    tool_settings=st.dictionaries(
        texts,
        st.dictionaries(texts.filter(lambda option: not SECRET.search(option)), texts),
        max_size=2,
    ),
)


@given(settings)
def test_what_is_printed_is_a_file_that_means_the_same(settings: Settings) -> None:
    printed = tomllib.loads(as_toml(Configuration(settings, {})))
    assert Settings.model_validate(printed) == settings


def test_each_value_is_shown_with_its_source() -> None:
    printed = as_toml(load({"port": 9000}, {"AGENT_SERVING_LOG_LEVEL": "debug"}))
    assert "port = 9000  # flag --port\n" in printed
    assert 'log_level = "debug"  # environment AGENT_SERVING_LOG_LEVEL\n' in printed
    assert 'host = "127.0.0.1"  # default\n' in printed
    assert "# redis_url is not set  # default\n" in printed


def test_passwords_and_keys_are_masked() -> None:
    printed = as_toml(
        load(
            {
                "redis_url": "rediss://user:p4ss@redis.internal:6379/0",
                "engines": ["http://me:p4ss@one:30000"],
                "tool_settings": {"weather": {"api_key": "p4ss", "url": "https://a:p4ss@b/"}},
            }
        )
    )
    assert "p4ss" not in printed
    assert 'redis_url = "rediss://user:********@redis.internal:6379/0"' in printed


def test_the_engines_key_is_masked() -> None:
    loaded = load(environment={"AGENT_SERVING_ENGINE_API_KEY": "p4ss"})
    assert 'engine_api_key = "********"' in as_toml(loaded)
    assert "p4ss" not in as_toml(loaded) + repr(loaded.settings)


def test_the_page_about_configuration_is_current() -> None:
    generator = runpy.run_path(str(ROOT / "docs" / "generate_configuration.py"))
    assert (ROOT / "docs" / "configuration.md").read_text() == generator["page"]()
