"""Serves the explorer's page and its files. The page reads the REST interface like any client."""

from __future__ import annotations

import os
from pathlib import Path

from fastapi import APIRouter, FastAPI
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parent / "static"

HEADERS = {
    # What agents, tools and users say is hostile: even if it became markup, nothing of it may run
    # or call out.
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    # A page in a cache would meet the service of another version.
    "cache-control": "no-cache",
}

router = APIRouter(include_in_schema=False)


@router.get("/explorer")
@router.get("/explorer/")
@router.get("/explorer/sessions/{session_id}")
async def get_page() -> FileResponse:
    """One page for every address: what it shows, it takes from its own address."""
    return FileResponse(STATIC / "index.html", headers=HEADERS)


class _Files(StaticFiles):
    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(HEADERS)
        return response


def install(app: FastAPI) -> None:
    app.include_router(router)
    app.mount("/explorer/static", _Files(directory=STATIC), name="explorer")
