"""Check the URLs of servers: https is always allowed, http to this machine and, without a key, to private networks."""

from __future__ import annotations

import ipaddress

import httpx2

from shotwise.errors import KnowledgeError

KEY_SETTING = "SHOTWISE_API_KEY"
PRIVATE_NETWORKS = tuple(ipaddress.ip_network(network) for network in
                         ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"))
PRIVATE_SUFFIXES = (".local", ".lan", ".internal", ".intranet", ".corp", ".home.arpa")


def check_base_url(base_url: str, setting: str, key: str) -> str:
    """Check a URL and return it without a slash at its end.

    Raises
    ------
    KnowledgeError
        The URL must not be used. The message names the setting but not the URL, which may contain a password.
    """
    try:
        url = httpx2.URL(base_url)
    except (httpx2.InvalidURL, TypeError):
        # The library's message repeats what it could not parse, which may be a password.
        raise KnowledgeError(f"{setting} is not a URL") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise KnowledgeError(f"{setting} has to begin with https:// or http:// and name a host")
    if url.userinfo or url.query or url.fragment:
        raise KnowledgeError(f"{setting} must not have a user, a query or a fragment; a key goes into {KEY_SETTING}")
    if url.scheme == "http" and not _is_loopback(url.host):
        if not _is_private(url.host):
            raise KnowledgeError(f"{setting} has to begin with https://: {url.host} is not a private address")
        if key:
            raise KnowledgeError(f"{setting} has to begin with https://, because {KEY_SETTING} is set and would "
                                 f"be readable on the way to {url.host}")
    return str(url).rstrip("/")


def _parse_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    address = _parse_address(host)
    return address.is_loopback if address else host == "localhost" or host.endswith(".localhost")


def _is_private(host: str) -> bool:
    """Return whether a host is private, without a name server: a name without a dot belongs to this network."""
    address = _parse_address(host)
    if address:
        return any(address in network for network in PRIVATE_NETWORKS if network.version == address.version)
    # A number without a dot is excluded, because it can be any address.
    return host.endswith(PRIVATE_SUFFIXES) or ("." not in host and host[0].isalpha())
