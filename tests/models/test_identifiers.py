"""Keys, origins, destinations and references."""

import base64
import json
import threading
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_analytics_models.identifiers import (
    REFERENCE_PREFIX,
    Destination,
    IdentityKind,
    InvalidBaseUrl,
    decode_reference,
    encode_reference,
    parse_base_url,
    token_destination,
    uuid7,
)


def test_keys_are_uuids_of_version_7_in_strictly_rising_order() -> None:
    keys = [uuid7() for _ in range(10_000)]
    assert keys == sorted(set(keys))
    parsed = uuid.UUID(keys[0])
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert str(parsed) == keys[0]


def test_keys_never_repeat_across_threads() -> None:
    minted: list[list[str]] = [[] for _ in range(4)]

    def mint(mine: list[str]) -> None:
        mine.extend(uuid7() for _ in range(2_000))

    threads = [threading.Thread(target=mint, args=(mine,)) for mine in minted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({key for mine in minted for key in mine}) == 8_000


@pytest.mark.parametrize(
    ("base_url", "origin", "prefix"),
    [
        ("https://Analytics.OpenSwarm.ai/", "https://analytics.openswarm.ai", ""),
        ("https://a.b:443/x/y/", "https://a.b", "/x/y"),
        ("http://127.0.0.1:6792", "http://127.0.0.1:6792", ""),
        ("http://[::1]:80", "http://[::1]", ""),
        ("http://a:443", "http://a:443", ""),
    ],
)
def test_base_urls_are_taken_apart(base_url: str, origin: str, prefix: str) -> None:
    endpoint = parse_base_url(base_url)
    assert (endpoint.origin, endpoint.prefix, endpoint.base_url) == (origin, prefix, origin + prefix)


@pytest.mark.parametrize(
    ("base_url", "remedy"),
    [
        ("ftp://a", "must look like https://host"),
        ("analytics.openswarm.ai", "must look like https://host"),
        ("https://", "must look like https://host"),
        ("https://user:secret@a", "register a credential instead"),
        ("https://a/?x=1", "cut it after the path"),
        ("https://a/#x", "cut it after the path"),
        ("https://a:99999", "cannot be read"),
        ("https://a\r\nHost: b", "remove them"),
        ("https://a b", "remove them"),
    ],
)
def test_a_base_url_that_names_no_origin_is_refused_with_the_remedy(base_url: str, remedy: str) -> None:
    with pytest.raises(InvalidBaseUrl, match=remedy):
        parse_base_url(base_url)


def test_a_refused_base_url_does_not_repeat_its_password() -> None:
    with pytest.raises(InvalidBaseUrl) as refused:
        parse_base_url("https://user:hunter2@a")
    assert "hunter2" not in str(refused.value)


def install(base_url: str = "https://a", identity: str = "i") -> Destination:
    return Destination("openswarm", base_url, IdentityKind.INSTALL, identity)


def test_a_destination_is_its_service_origin_and_identity() -> None:
    assert install("https://a/").ref == install("https://A:443/v2").ref
    others = {
        install("https://b").ref,
        install("http://a").ref,
        install("https://a:444").ref,
        install(identity="j").ref,
        Destination("segops", "https://a", IdentityKind.INSTALL, "i").ref,
        Destination("openswarm", "https://a", IdentityKind.TOKEN, "i").ref,
    }
    assert len(others) == 6
    assert install().ref not in others


@given(st.text(min_size=1, max_size=128))
def test_references_come_back_whole(identity: str) -> None:
    destination = install(identity=identity.encode(errors="replace").decode())
    assert decode_reference(encode_reference(destination)) == destination


def test_a_damaged_reference_is_unknown_and_never_another_destination() -> None:
    reference = encode_reference(install())
    for index in range(len(REFERENCE_PREFIX), len(reference)):
        damaged = reference[:index] + ("A" if reference[index] != "A" else "B") + reference[index + 1 :]
        assert decode_reference(damaged) in ("unknown", install())
    assert decode_reference(reference[:-1]) == "unknown"
    assert decode_reference(REFERENCE_PREFIX + "made.up") == "unknown"
    assert decode_reference("eyJhbGciOi.real.token") == "not_a_reference"


def jwt(claims: object) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'HS256'})}.{part(claims)}.c2lnbmF0dXJl"


def test_a_token_that_names_its_install_shares_that_installs_queue() -> None:
    assert token_destination("openswarm", "https://a", jwt({"install_id": "i"})) == install()


@pytest.mark.parametrize("token", ["opaque", jwt({"sub": 1}), jwt([1]), jwt({"install_id": ""}), "a.%%%.c"])
def test_any_other_token_is_known_by_its_fingerprint_alone(token: str) -> None:
    destination = token_destination("openswarm", "https://a", token)
    assert destination.kind is IdentityKind.TOKEN
    assert token not in destination.identity
    assert destination != token_destination("openswarm", "https://a", token + "2")
