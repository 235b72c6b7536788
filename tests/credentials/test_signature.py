"""Signatures: the vectors that the real server accepts (service sheet of OpenSpawn), and what they cover."""

from dataclasses import dataclass, replace
from typing import Final

import pytest
from pydantic import SecretStr

from swarm_analytics_models.authentication import (
    SignatureAuthentication,
    SignatureScheme,
    SignedBody,
    SignedPath,
    SigningKey,
)
from swarm_analyticsd.credentials.secret import UnusableSecret
from swarm_analyticsd.credentials.signature import Stamp, signature_headers, signed_message

SERVER: Final = SignatureScheme(
    path=SignedPath.FULL, query=False, body=SignedBody.ECMASCRIPT, empty_body="{}", key=SigningKey.HEX
)
HEADERS: Final = SignatureAuthentication(
    id_header="X-Agent-Id",
    time_header="X-Timestamp",
    nonce_header="X-Nonce",
    signature_header="X-Signature",
    schemes=(("server", SERVER),),
)
SECRET: Final = SecretStr("0123456789abcdef" * 4)
STAMP: Final = Stamp(1_700_000_000, "00112233445566778899aabbccddeeff")
PREFIX: Final = "/api/v1"


@dataclass(frozen=True)
class Sent:
    method: str
    url: str
    body: bytes = b""


def signature(sent: Sent, scheme: SignatureScheme = SERVER, secret: SecretStr = SECRET) -> str:
    headers = signature_headers(
        HEADERS, scheme, sent, prefix=PREFIX, identity="talent", secret=secret, stamp=STAMP
    )
    assert [(each.name, each.value) for each in headers[:3]] == [
        ("X-Agent-Id", "talent"),
        ("X-Timestamp", "1700000000"),
        ("X-Nonce", STAMP.nonce),
    ]
    return headers[3].value


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (
            Sent("GET", "https://h.example/api/v1/tasks"),
            "449305fb89069bb0db4285d46573850c1fddc82d1387557dcfd1edc39a39125a",
        ),
        (
            Sent("GET", "https://h.example/api/v1/tasks?status=done"),
            "449305fb89069bb0db4285d46573850c1fddc82d1387557dcfd1edc39a39125a",
        ),
        (
            Sent("POST", "https://h.example/api/v1/tasks", '{"title":"d é","priority":"high"}'.encode()),
            "1dae5471835fe0b00683d95841b540155c12cca7fde732c4750fa448c66c8b3a",
        ),
        (
            Sent("POST", "https://h.example/api/v1/tasks", b'{"title": "d \\u00e9", "priority": "high"}'),
            "1dae5471835fe0b00683d95841b540155c12cca7fde732c4750fa448c66c8b3a",
        ),
        (
            Sent("POST", "https://h.example/api/v1/tasks/7/approve"),
            "0ac6aa68b5f0d4e4d3527c27e0daa7e9fb5c6eebf925da16b44dfeb64c659411",
        ),
    ],
)
def test_what_the_real_server_accepts(sent: Sent, expected: str) -> None:
    assert signature(sent) == expected


def message(sent: Sent, **changes: object) -> bytes:
    return signed_message(replace(SERVER, **changes), sent, prefix=PREFIX, stamp=STAMP)  # type: ignore[arg-type]


def test_only_the_template_is_signed() -> None:
    """S13: method, path, time, nonce and body, in this order; a caller's text is never the message."""
    sent = Sent("PATCH", "https://h.example/api/v1/a?b=c", b'{"z":1.0}')
    tail = b"170000000000112233445566778899aabbccddeeff"
    assert message(sent) == b"PATCH/api/v1/a" + tail + b'{"z":1}'
    assert message(sent, path=SignedPath.ROUTE) == b"PATCH/a" + tail + b'{"z":1}'
    assert message(sent, query=True) == b"PATCH/api/v1/a?b=c" + tail + b'{"z":1}'
    assert message(sent, body=SignedBody.WIRE) == b"PATCH/api/v1/a" + tail + b'{"z":1.0}'


def test_a_get_and_a_delete_sign_no_body() -> None:
    for method in ("GET", "DELETE"):
        sent = Sent(method, "https://h.example/a", b'{"z":1}')
        assert message(sent).endswith(b"ccddeeff")
        assert message(replace(sent, method="POST")).endswith(b'{"z":1}')


def test_the_key_may_be_the_text_itself() -> None:
    sent = Sent("GET", "https://h.example/api/v1/tasks")
    assert signature(sent, replace(SERVER, key=SigningKey.TEXT)) != signature(sent)


def test_a_secret_that_is_not_hexadecimal_is_not_shown() -> None:
    with pytest.raises(UnusableSecret) as caught:
        signature(Sent("GET", "https://h.example/"), secret=SecretStr("canary-not-hex"))
    assert "canary" not in str(caught.value)


def test_a_signature_shows_in_no_representation() -> None:
    headers = signature_headers(
        HEADERS, SERVER, Sent("GET", "https://h/"), prefix="", identity="a", secret=SECRET, stamp=STAMP
    )
    assert headers[3].value not in repr(headers)


@pytest.mark.parametrize("identity", ["a\r\nX-Evil: 1", "a\nb", "a\x00", "é", " a", ""])
def test_an_identity_that_could_smuggle_a_header_is_not_signed(identity: str) -> None:
    """S9."""
    with pytest.raises(ValueError, match="no header may carry"):
        signature_headers(
            HEADERS,
            SERVER,
            Sent("GET", "https://h/"),
            prefix="",
            identity=identity,
            secret=SECRET,
            stamp=STAMP,
        )
