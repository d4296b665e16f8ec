"""TLS by files."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from agent_serving.cli.server import Tls, serving
from agent_serving.domain.errors import ConfigurationError


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    folder = tmp_path_factory.mktemp("tls")
    made = Tls(folder / "cert.pem", folder / "key.pem")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "1", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(made.key), "-out", str(made.certificate)),
        ],
        check=True,
        capture_output=True,
    )
    return made


async def test_it_speaks_tls_with_the_files_it_is_given(tls: Tls) -> None:
    app = FastAPI()
    async with serving(app, "127.0.0.1", 0, tls=tls) as url:
        assert url.startswith("https://127.0.0.1:")
        trusted = ssl.create_default_context(cafile=str(tls.certificate))
        async with httpx.AsyncClient(verify=trusted, trust_env=False) as http:
            assert (await http.get(f"{url}/openapi.json")).status_code == 200
        async with httpx.AsyncClient(trust_env=False) as http:
            with pytest.raises(httpx.ConnectError):
                await http.get(f"{url}/openapi.json")


async def test_files_that_do_not_fit_are_told(tls: Tls, tmp_path: Path) -> None:
    broken = tmp_path / "key.pem"
    broken.write_text("nothing")
    for wrong in (Tls(tls.certificate, broken), Tls(tmp_path / "none.pem", tls.key)):
        with pytest.raises(ConfigurationError) as caught:
            async with serving(FastAPI(), "127.0.0.1", 0, tls=wrong):
                pass
        assert "cannot be used for TLS" in caught.value.message
