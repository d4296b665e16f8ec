import time
from collections.abc import Mapping

import httpx

from agent_serving import ToolContext, ToolError, tool

from ._html import html_to_text
from ._reach import listed_hosts, public_address

MOST_BYTES = 256 * 1024
MOST_SECONDS = 20.0
MOST_REDIRECTS = 3
TEXT_TYPES = ("text/", "application/json", "application/xml", "application/xhtml+xml")


def is_allowed(settings: Mapping[str, str]) -> bool:
    return bool(listed_hosts(settings))


@tool(effect="idempotent", timeout=30, available=is_allowed)
def fetch_url(url: str, context: ToolContext) -> str:
    """Fetch a web page or text document and return its text.

    Args:
        url: Full address that begins with https:// or http://
    """
    # Settings: `hosts` lists what may be fetched ("docs.python.org *.wikipedia.org
    # intranet.example:8443"); the tool is not offered without it. `allow_private = "1"` lifts the
    # check of addresses: for tests against this machine, never for a service.
    deadline = time.monotonic() + MOST_SECONDS
    address = _parsed(url)
    # No proxy from the environment: it would connect to an address that nobody checked.
    with httpx.Client(trust_env=False, verify=httpx.create_ssl_context(), timeout=5.0) as client:
        for _ in range(MOST_REDIRECTS + 1):
            answer = _get(client, address, context, deadline)
            if isinstance(answer, str):
                return f"{address}\n\n{answer}"
            address = answer
    raise ToolError(f"{url} leads through more than {MOST_REDIRECTS} redirects.")


def _parsed(url: str) -> httpx.URL:
    try:
        address = httpx.URL(url.strip()).copy_with(fragment=None)
    except (httpx.InvalidURL, UnicodeError):
        raise ToolError(f"{url[:200]!r} is not a URL.") from None
    if address.scheme not in {"http", "https"} or not address.host:
        raise ToolError("Only full http:// and https:// addresses can be fetched.")
    if address.userinfo:
        raise ToolError("An address with a user name or password cannot be fetched.")
    return address


def _get(
    client: httpx.Client, url: httpx.URL, context: ToolContext, deadline: float
) -> str | httpx.URL:
    """The text, or where it has moved to."""
    host = url.raw_host.decode().lower().rstrip(".")
    port = url.port or (443 if url.scheme == "https" else 80)
    hosts = listed_hosts(context.settings)
    if not any(entry.covers(host, port) for entry in hosts):
        names = ", ".join(entry.name for entry in hosts[:20])
        raise ToolError(f"{host}:{port} is not one of the hosts that can be fetched: {names}.")
    allow_private = context.settings.get("allow_private") == "1"
    checked = public_address(host, port, allow_private=allow_private)
    try:
        # To the address that was checked: the name could have another one by now.
        with client.stream(
            "GET",
            url.copy_with(host=checked),
            headers={
                "Host": url.netloc.decode(),
                "User-Agent": "agent-serving",
                "Accept-Encoding": "identity",
                **context.headers,
            },
            extensions={"sni_hostname": host},
        ) as response:
            if response.has_redirect_location:
                return _parsed(str(url.join(response.headers["location"])))
            return _text(response, deadline)
    except httpx.InvalidURL:
        raise ToolError(f"{host} redirects to something that is not a URL.") from None
    except httpx.HTTPError as error:
        raise ToolError(f"{host} could not be read ({type(error).__name__}).") from None


def _text(response: httpx.Response, deadline: float) -> str:
    if not response.is_success:
        raise ToolError(f"The server answered {response.status_code} {response.reason_phrase}.")
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not kind.startswith(TEXT_TYPES) and not kind.endswith(("+json", "+xml")):
        raise ToolError(f"The document is {kind or 'of an unknown type'}, not text.")
    if response.headers.get("content-encoding", "identity") != "identity":
        raise ToolError("The server sends compressed data only, which is not read.")
    body, is_cut = _body(response, deadline)
    try:
        text = body.decode(response.charset_encoding or "utf-8", errors="replace")
    except LookupError:
        text = body.decode(errors="replace")
    text = html_to_text(text) if "html" in kind else text
    return f"{text}\n[The document goes on.]" if is_cut else text


def _body(response: httpx.Response, deadline: float) -> tuple[bytes, bool]:
    body = bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > MOST_BYTES:
            return bytes(body[:MOST_BYTES]), True
        if time.monotonic() > deadline:
            raise ToolError(f"The document did not arrive within {MOST_SECONDS:g} s.")
    return bytes(body), False
