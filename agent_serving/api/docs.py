"""The page at /docs. A script there could do whatever its reader may: the one that comes from
elsewhere is known to the byte, and the page reaches nothing but this service."""

from __future__ import annotations

import base64
import hashlib

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse

SWAGGER = "https://cdn.jsdelivr.net/npm/swagger-ui-dist@5.35.0"
SCRIPT = f"{SWAGGER}/swagger-ui-bundle.js"
STYLE = f"{SWAGGER}/swagger-ui.css"
# Of the files in the package that npm has. Another version takes other digests:
# npm pack swagger-ui-dist@VERSION; openssl dgst -sha384 -binary FILE | base64
SCRIPT_DIGEST = "sha384-gjRm0bEPMeTmMh5jT2cHccIwCUZSTd8YC+j0d0sXw0MdGEfScduGpSyF3ZSSLkX9"
STYLE_DIGEST = "sha384-WlYgdmXYOOBWL5apwjDEZwN+U3HmXSSu5R6V5aGxEcf7z+KuRNwBhoxKVN1i3D5I"

# Without a validator's address Swagger UI would send ours to the one of its makers.
START = """
SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, showExtensions: true,
  validatorUrl: null, presets: [SwaggerUIBundle.presets.apis], layout: "BaseLayout",
});
"""

PAGE = f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>agent-serving</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{STYLE}" integrity="{STYLE_DIGEST}" crossorigin="anonymous">
</head>
<body>
<div id="swagger-ui"></div>
<script src="{SCRIPT}" integrity="{SCRIPT_DIGEST}" crossorigin="anonymous"></script>
<script>{START}</script>
</body>
</html>
"""

_START_DIGEST = base64.b64encode(hashlib.sha256(START.encode()).digest()).decode()

HEADERS = {
    "content-security-policy": (
        f"default-src 'none'; script-src 'sha256-{_START_DIGEST}' {SCRIPT}; "
        f"style-src 'unsafe-inline' {STYLE}; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


async def get_docs(request: Request) -> HTMLResponse:
    return HTMLResponse(PAGE, headers=HEADERS)


def install(app: FastAPI) -> None:
    app.add_route("/docs", get_docs, include_in_schema=False)
