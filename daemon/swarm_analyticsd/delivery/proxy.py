"""Which proxy stands before an origin."""

import ipaddress
from base64 import b64encode
from typing import Final
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

DIRECT: Final = "direct"
"""The proxy setting that means: none, whatever the environment says."""


class UnusableProxy(ValueError):
    """A proxy of a kind that cannot be used. Names the remedy."""


def proxy_for(origin: str, setting: str | None) -> str | None:
    """The proxy's URL for `origin`, or None for a direct connection. This machine is never proxied."""
    parts = urlsplit(origin)
    host = parts.hostname or ""
    if setting == DIRECT or _is_this_machine(host):
        return None
    if setting is not None:
        return setting
    if proxy_bypass(parts.netloc):
        return None
    known = getproxies()
    return known.get(parts.scheme) or known.get("all")


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def proxy_parts(proxy: str | None) -> tuple[str | None, dict[str, str]]:
    """A proxy's URL without its password, and the header that carries it. Raises UnusableProxy."""
    if proxy is None:
        return None, {}
    parts = urlsplit(proxy)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UnusableProxy(f"proxy scheme {parts.scheme!r} is not supported; name an http:// proxy")
    place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    if parts.username is None:
        return place, {}
    account = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return place, {"Proxy-Authorization": f"Basic {b64encode(account.encode()).decode()}"}
