"""HMAC signatures over requests, by fixed templates: nothing is signed that a caller made to be signed."""

import hmac
import re
from dataclasses import dataclass
from typing import Protocol, assert_never
from urllib.parse import urlsplit

from pydantic import SecretStr

from swarm_analytics_models.authentication import (
    SignatureAuthentication,
    SignatureScheme,
    SignedBody,
    SignedPath,
    SigningKey,
)
from swarm_analyticsd.credentials.ecmascript import canonical
from swarm_analyticsd.credentials.secret import AuthenticationHeader, UnusableSecret

_HEADER_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?", re.ASCII)
_SIGNED_WITHOUT_BODY = frozenset({"GET", "DELETE"})


class Signable(Protocol):
    """What a signature covers of a request: all that is sent but its headers."""

    @property
    def method(self) -> str: ...

    @property
    def url(self) -> str: ...

    @property
    def body(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Stamp:
    """What makes one attempt's signature its own."""

    time: int
    """Unix seconds."""

    nonce: str


def signature_headers(
    authentication: SignatureAuthentication,
    scheme: SignatureScheme,
    request: Signable,
    *,
    prefix: str,
    identity: str,
    secret: SecretStr,
    stamp: Stamp,
) -> tuple[AuthenticationHeader, ...]:
    """The four headers that sign one attempt. `prefix` is the path that the base URL puts before routes.

    Raises UnusableSecret, and ValueError where the request or the identity cannot be signed.
    """
    if not _HEADER_VALUE.fullmatch(identity):
        raise ValueError("the agent's id holds characters that no header may carry")
    message = signed_message(scheme, request, prefix=prefix, stamp=stamp)
    signature = hmac.digest(_key(scheme.key, secret), message, "sha256").hex()
    return (
        AuthenticationHeader(authentication.id_header, identity),
        AuthenticationHeader(authentication.time_header, str(stamp.time)),
        AuthenticationHeader(authentication.nonce_header, stamp.nonce),
        AuthenticationHeader(authentication.signature_header, signature),
    )


def signed_message(scheme: SignatureScheme, request: Signable, *, prefix: str, stamp: Stamp) -> bytes:
    """Method, path, time, nonce and body, in this order and without separators."""
    head = f"{request.method}{_path(scheme, request.url, prefix)}{stamp.time}{stamp.nonce}"
    return head.encode() + _body(scheme, request)


def _path(scheme: SignatureScheme, url: str, prefix: str) -> str:
    parts = urlsplit(url)
    match scheme.path:
        case SignedPath.FULL:
            path = parts.path
        case SignedPath.ROUTE:
            path = parts.path.removeprefix(prefix)
        case _:
            assert_never(scheme.path)
    return f"{path}?{parts.query}" if scheme.query and parts.query else path


def _body(scheme: SignatureScheme, request: Signable) -> bytes:
    if request.method in _SIGNED_WITHOUT_BODY:
        return b""
    if not request.body:
        return scheme.empty_body.encode()
    match scheme.body:
        case SignedBody.ECMASCRIPT:
            return canonical(request.body)
        case SignedBody.WIRE:
            return request.body
        case _:
            assert_never(scheme.body)


def _key(form: SigningKey, secret: SecretStr) -> bytes:
    text = secret.get_secret_value()
    match form:
        case SigningKey.TEXT:
            return text.encode()
        case SigningKey.HEX:
            try:
                return bytes.fromhex(text)
            except ValueError:
                raise UnusableSecret("the signing secret is not hexadecimal") from None
        case _:
            assert_never(form)
