"""Refuse requests that a web page of another site may have sent, and refuse to be shown inside such a page.

A page on the web can give its own domain name the address of this machine after it was loaded (DNS rebinding). The
browser then lets it read what the page's server answers, and open a websocket, as if both came from its own site. What
it cannot change is the name that the browser sends as Host. Streamlit checks that for the websocket alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
# Load balancers and container engines ask here, by the address of the task. The answer is the word "ok".
HEALTH_PATH = "/_stcore/health"
# A page of another site could lay its own over this one, and have its reader press Remove.
FRAME_HEADERS = {"Content-Security-Policy": "frame-ancestors 'self'", "X-Frame-Options": "SAMEORIGIN"}
FOREIGN_HOST = ("This page does not answer under this name. Open it as localhost or 127.0.0.1, or add the name to "
                "SHOTWISE_ALLOWED_HOSTS and start it again.\n")
FOREIGN_ORIGIN = "This page accepts no requests from pages of another site.\n"

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]+)?")


class AllowedHosts:
    """The names and addresses under which the page answers. This machine's own are always among them.

    Parameters
    ----------
    entries : collection of str
        Host names, IP addresses, and networks such as 0.0.0.0/0 where the address changes with every start. Rebinding
        needs a name, so any number of addresses is safe to allow. Anything else raises ValueError.
    """

    def __init__(self, entries: Collection[str] = ()) -> None:
        self._names: set[str] = set()
        self._networks: list[IPv4Network | IPv6Network] = []
        for entry in (*LOOPBACK_HOSTS, *entries):
            try:
                self._networks.append(ip_network(entry.strip("[]")))
            except ValueError:
                name = entry.lower().rstrip(".")
                if not re.fullmatch(r"[a-z0-9._-]+", name):
                    raise ValueError(f"SHOTWISE_ALLOWED_HOSTS has {entry!r}; set it to host names or IP addresses, "
                                     "without port, separated by commas") from None
                self._names.add(name)

    def __contains__(self, host_header: str) -> bool:
        """Whether a Host header in small letters, with or without a port, names an allowed host."""
        match = _HOST.fullmatch(host_header)
        if match is None:
            return False
        host = match.group(1).strip("[]").rstrip(".")
        try:
            address = ip_address(host)
        except ValueError:
            return host in self._names
        return any(address in network for network in self._networks)


def allowed_hosts(environ: Mapping[str, str]) -> AllowedHosts:
    """Return the hosts that SHOTWISE_ALLOWED_HOSTS allows beside this machine's own. Raises ValueError."""
    entries = environ.get("SHOTWISE_ALLOWED_HOSTS", "").split(",")
    return AllowedHosts([entry.strip() for entry in entries if entry.strip()])


class SiteGuard:
    """ASGI middleware that lets a request pass if it is for an allowed host and from no page of another site.

    Starlette's TrustedHostMiddleware compares names alone: it knows no networks, no path to leave out and no Origin.
    """

    def __init__(self, app: ASGIApp, hosts: AllowedHosts) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an HTTP request, or a websocket's handshake."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, _with_headers(send, FRAME_HEADERS))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # before it is accepted, a 403 for the client
        else:
            await refusal(scope, receive, send)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        """Return the answer to a request that may not pass; None for one that may."""
        headers = Headers(scope=scope)
        host = ",".join(headers.getlist("host")).lower()  # more than one is none that is allowed
        is_health_check = scope["type"] == "http" and scope["path"] == HEALTH_PATH
        if host not in self._hosts and not is_health_check:
            return PlainTextResponse(FOREIGN_HOST, 421)
        own_origins = (f"http://{host}", f"https://{host}")
        if any(origin.lower() not in own_origins for origin in headers.getlist("origin")):
            return PlainTextResponse(FOREIGN_ORIGIN, 403)
        return None


def _with_headers(send: Send, headers: Mapping[str, str]) -> Send:
    """Return a `send` that adds headers to the response."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(headers)
        await send(message)

    return send_with_headers
