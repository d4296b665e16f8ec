"""Where a setting comes from, and what a wrong one is told."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_serving.cli.configuration import as_toml
from agent_serving.config import Settings, load
from agent_serving.domain.errors import ConfigurationError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.toml"


def refusal(**given: object) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(**given)  # type: ignore[arg-type]  # each test gives what it is about
    return caught.value.message


def test_flags_win_over_the_environment_over_the_file_over_defaults(file: Path) -> None:
    file.write_text('port = 1\nbody_limit = 2048\nlog_level = "error"\n')
    environment = {"AGENT_SERVING_PORT": "2", "AGENT_SERVING_BODY_LIMIT": "4096"}
    loaded = load({"port": 3, "host": None}, environment, file)
    settings = loaded.settings
    assert (settings.port, settings.body_limit, settings.log_level) == (3, 4096, "error")
    assert settings.host == "127.0.0.1"
    assert loaded.source("port") == "flag --port"
    assert loaded.source("body_limit") == "environment AGENT_SERVING_BODY_LIMIT"
    assert loaded.source("log_level") == str(file)
    assert loaded.source("host") == "default"


def test_the_file_in_the_working_directory_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load().settings.port == 8080
    Path("agent-serving.toml").write_text("port = 9000\n")
    assert load().settings.port == 9000


def test_the_environment_names_the_file(file: Path) -> None:
    file.write_text("port = 9001\n")
    assert load(environment={"AGENT_SERVING_CONFIG": str(file)}).settings.port == 9001


def test_a_file_that_is_named_has_to_exist(file: Path) -> None:
    assert str(file) in refusal(file=file)


def test_paths_in_a_file_are_relative_to_it(file: Path) -> None:
    file.write_text('data_dir = "state"\ntools = ["mine", "/opt/theirs"]\n')
    settings = load(file=file).settings
    assert settings.data_dir == file.parent / "state"
    assert settings.tools == (file.parent / "mine", Path("/opt/theirs"))


def test_lists_in_the_environment_are_separated_by_commas_or_blanks() -> None:
    names = "http://one:1, http://two:2 http://one:1/"
    settings = load(environment={"AGENT_SERVING_ENGINES": names}).settings
    assert settings.engines == ("http://one:1", "http://two:2")


def test_engine_arguments_in_the_environment_are_split_as_a_shell_does() -> None:
    settings = load(environment={"AGENT_SERVING_ENGINE_ARGS": "--a 'b c'"}).settings
    assert settings.engine_args == ("--a", "b c")


def test_tool_settings_in_the_environment_are_json() -> None:
    given = {"AGENT_SERVING_TOOL_SETTINGS": '{"weather": {"key": "k"}}'}
    assert load(environment=given).settings.tool_settings == {"weather": {"key": "k"}}
    message = refusal(environment={"AGENT_SERVING_TOOL_SETTINGS": "weather=k"})
    assert "AGENT_SERVING_TOOL_SETTINGS" in message


def test_fetch_hosts_are_settings_of_the_fetch_tool() -> None:
    settings = Settings(fetch_hosts=("a.example", "b.example"), tool_settings={"other": {"x": "y"}})
    assert settings.settings_of_tools() == {
        "other": {"x": "y"},
        "fetch_url": {"hosts": "a.example b.example"},
    }


def test_an_allowed_host_is_a_name_with_or_without_a_port() -> None:
    given = {"AGENT_SERVING_ALLOWED_HOSTS": "api.example, [fd00::1]:8443"}
    assert load(environment=given).settings.allowed_hosts == ("api.example", "[fd00::1]:8443")
    message = refusal(flags={"allowed_hosts": ["https://api.example"]})
    assert "allowed_hosts (from flag --allowed-host): " in message


def test_an_unknown_key_is_told_with_its_source_and_a_near_one(file: Path) -> None:
    file.write_text("prot = 9000\n")
    assert refusal(file=file) == f"{file}: there is no setting 'prot'. Did you mean port?"
    message = refusal(environment={"AGENT_SERVING_ENGINE": "http://one:1"})
    assert message.startswith("environment AGENT_SERVING_ENGINE: there is no such setting.")
    assert "AGENT_SERVING_ENGINES" in message


def test_a_wrong_value_is_told_with_its_source_and_key(file: Path) -> None:
    file.write_text("max_waiting = -1\n")
    message = refusal(
        flags={"port": 70_000}, environment={"AGENT_SERVING_BODY_LIMIT": "big"}, file=file
    )
    assert "port (from flag --port): " in message
    assert "body_limit (from environment AGENT_SERVING_BODY_LIMIT): " in message
    assert f"max_waiting (from {file}): " in message


def test_a_file_that_is_not_toml_is_told_with_its_line(file: Path) -> None:
    file.write_text("port = \n")
    message = refusal(file=file)
    assert str(file) in message
    assert "line 1" in message


def test_tls_takes_a_certificate_and_its_key() -> None:
    settings = load({"tls_cert": Path("c.pem"), "tls_key": Path("k.pem")}).settings
    assert (settings.tls_cert, settings.tls_key) == (Path("c.pem"), Path("k.pem"))
    for alone in ("tls_cert", "tls_key"):
        assert "tls_cert and tls_key" in refusal(flags={alone: Path("c.pem")})


@pytest.mark.parametrize("missing", ["jwt_issuer", "jwt_audience", "jwks_url"])
def test_tokens_take_an_issuer_an_audience_and_keys(missing: str) -> None:
    given = {"jwt_issuer": "https://idp", "jwt_audience": "us", "jwks_url": "https://idp/jwks"}
    assert load(given).settings.jwks_url == "https://idp/jwks"
    assert "tokens take three settings" in refusal(flags=given | {missing: None})
    assert "tokens take three settings" in refusal(flags=given | {"jwks_file": Path("jwks.json")})


@pytest.mark.parametrize("url", ["http://idp.example/jwks", "ftp://idp", "https://", "/etc/jwks"])
def test_keys_come_over_a_line_that_nobody_changes(url: str) -> None:
    given = {"jwt_issuer": "https://idp", "jwt_audience": "us", "jwks_url": url}
    assert "https:// URL" in refusal(flags=given)
    assert load(given | {"jwks_url": "http://127.0.0.1:9/jwks"}).settings.jwt_issuer


def test_limits_are_tables_by_tenant(file: Path) -> None:
    file.write_text('[tenant_limits."*"]\nrequests_per_minute = 60\nfollowers = 5\n')
    limits = load(file=file).settings.tenant_limits["*"]
    assert (limits.requests_per_minute, limits.followers, limits.open_sessions) == (60, 5, None)
    printed = tomllib.loads(as_toml(load(file=file)))
    assert Settings.model_validate(printed).tenant_limits["*"] == limits


@pytest.mark.parametrize("name", ["API_KEY", "URL"])
def test_what_the_commands_and_the_client_read_is_no_setting(name: str) -> None:
    assert load(environment={f"AGENT_SERVING_{name}": "ask_x"}).given == {}


@pytest.mark.parametrize("url", ["one:30000", "ftp://one", "http://", "http://one/?a=b"])
def test_an_engine_has_to_be_a_url(url: str) -> None:
    assert "http://127.0.0.1:30000" in refusal(flags={"engines": [url]})


def test_what_kubernetes_sets_beside_a_service_of_our_name_is_ignored() -> None:
    environment = {
        "AGENT_SERVING_SERVICE_HOST": "10.0.0.1",
        "AGENT_SERVING_SERVICE_PORT": "8080",
        "AGENT_SERVING_SERVICE_PORT_HTTP": "8080",
        "AGENT_SERVING_PORT": "tcp://10.0.0.1:8080",
        "AGENT_SERVING_PORT_8080_TCP_ADDR": "10.0.0.1",
    }
    assert load(environment=environment).given == {}


@given(name=st.text(st.characters(categories=["Lu"], max_codepoint=127), min_size=1))
def test_no_misspelt_variable_is_ignored(name: str) -> None:
    if name.lower() not in Settings.model_fields and name not in ("CONFIG", "API_KEY", "URL"):
        assert f"AGENT_SERVING_{name}" in refusal(environment={f"AGENT_SERVING_{name}": "1"})


PRICED = """
currency = "EUR"

[prices."Qwen/Qwen3-8B"]
input = 0.2
cached_input = "0.02"

[prices."*"]
gpu_hour = 2.5
gpus = 2

[tool_prices]
fetch_url = 0.001

[tenant_budgets.default]
period = "day"
max_cost = 25
"""


def test_prices_and_budgets_are_tables(file: Path) -> None:
    file.write_text(PRICED)
    settings = load(file=file).settings
    book = settings.price_book
    named, other = book.model("Qwen/Qwen3-8B"), book.model("anything")
    assert named is not None
    assert other is not None
    assert (named.input, named.cached_input) == (Decimal("0.2"), Decimal("0.02"))
    assert (other.gpu_hour, other.gpus) == (Decimal("2.5"), 2)
    assert book.tools == {"fetch_url": Decimal("0.001")}
    budget = settings.tenant_budgets["default"]
    assert (budget.period, budget.max_cost) == ("day", Decimal(25))
    printed = tomllib.loads(as_toml(load(file=file)))
    assert Settings.model_validate(printed) == settings


def test_prices_come_from_the_environment_as_json() -> None:
    environment = {
        "AGENT_SERVING_CURRENCY": "EUR",
        "AGENT_SERVING_PRICES": '{"*": {"output": "0.60"}}',
    }
    any_model = load(environment=environment).settings.price_book.model("m")
    assert any_model is not None
    assert any_model.output == Decimal("0.60")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"prices": {"m": {"input": 1}}}, "prices (from flag --prices): prices mean nothing"),
        ({"currency": "EUR", "prices": {"m": {"inputs": 1}}}, "prices.m.inputs"),
        ({"currency": "EUR", "tool_prices": {"add": -1}}, "tool_prices.add"),
        ({"currency": "euro"}, "currency"),
        ({"tenant_budgets": {"default": {"period": "week"}}}, "tenant_budgets.default.period"),
    ],
)
def test_a_wrong_price_is_refused_with_its_place(given: dict[str, Any], told: str) -> None:
    assert told in refusal(flags=given)


def test_mcp_servers_are_tables_by_name_and_print_without_secrets(file: Path) -> None:
    file.write_text(
        '[mcp_servers.git]\ncommand = "mcp-server-git"\nargs = ["--repository", "/srv/notes"]\n'
        'env = { API_TOKEN = "s3cr3t", LANG = "C" }\n'
        'require_approval = { always = { tool_names = ["git_commit"] } }\n'
        '[mcp_servers.docs]\nurl = "https://docs.internal/mcp"\n'
        'headers = { authorization = "Bearer ${DOCS_TOKEN}", x-auth-token = "s3cr3t" }\n'
    )
    configuration = load(file=file)
    servers = configuration.settings.mcp_servers
    assert servers["docs"].secret_names == ("DOCS_TOKEN",)
    printed = as_toml(configuration)
    assert "s3cr3t" not in printed
    again = Settings.model_validate(tomllib.loads(printed)).mcp_servers
    assert again["git"].require_approval == servers["git"].require_approval
    assert again["docs"].headers["authorization"] == "Bearer ${DOCS_TOKEN}"


@pytest.mark.parametrize("name", ["Git", "a__b", "1st", "x" * 33])
def test_the_name_of_an_mcp_server_can_begin_a_tools_name(file: Path, name: str) -> None:
    file.write_text(f'[mcp_servers."{name}"]\ncommand = "x"\n')
    assert f"mcp_servers.{name}" in refusal(file=file)
