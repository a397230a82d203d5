"""Which requests come from the server's own names: a page of another site, or behind a rebound DNS name, is refused.

A browser sends what any page tells it to, with the cookies and the reach of whoever looks at the page. It must
not look at credentials: what is refused here is refused before them, on every path and with every method.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?", re.IGNORECASE)
_LOCAL: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
_OWN_PAGES: Final = frozenset({"same-origin", "none"})


def guard(host: str) -> Middleware:
    """Middleware that answers 403 to what does not come from the server's own names; `host` is one of them."""
    names = _LOCAL | {f"[{host}]".lower() if ":" in host else host.lower()}

    @web.middleware
    async def refuse_others(request: web.Request, handler: Handler) -> web.StreamResponse:
        if (reason := _foreign(request, names)) is not None:
            return web.Response(status=403, text=f"Refused: {reason}.\n")
        return await handler(request)

    return refuse_others


def _foreign(request: web.Request, names: frozenset[str]) -> str | None:
    """Return why a request is not from here; None when it is."""
    hosts = request.headers.getall(hdrs.HOST, [])
    if len(hosts) != 1 or not request.raw_path.startswith(("/", "*")):
        return "the request must name its host once, in the Host header"
    found = _HOST.fullmatch(hosts[0])
    if found is None or found[1].lower() not in names | _address(request):
        return "the Host header names another server"
    own = f"{request.scheme}://{hosts[0]}".lower()
    for origin in request.headers.getall(hdrs.ORIGIN, []):
        if origin.lower() != own:
            return "the page that asks is of another origin"
    for referer in request.headers.getall(hdrs.REFERER, []):
        if not _within(referer, own):
            return "the page that asks is of another origin"
    if not _OWN_PAGES.issuperset(request.headers.getall("Sec-Fetch-Site", [])):
        return "the page that asks is of another site"
    return None


def _address(request: web.Request) -> frozenset[str]:
    """Return the address that the client has connected to: no name, so no DNS answer can point to it."""
    found = request.transport.get_extra_info("sockname") if request.transport else None
    if not found:
        return frozenset()
    address = str(found[0])
    return frozenset({f"[{address}]" if ":" in address else address})


def _within(url: str, own: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return f"{parts.scheme}://{parts.netloc}".lower() == own
