"""Requests carry what they must and nothing that could smuggle a second header; secrets stay out of sight."""

import json
import logging
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from swarm_analytics_models.authentication import ApiKeyAuthentication
from swarm_analyticsd.credentials.schemes import bearer, secret_header
from swarm_analyticsd.credentials.secret import UnusableSecret, checked_secret
from swarm_analyticsd.delivery.request import (
    Item,
    Request,
    batch_request,
    single_request,
)
from swarm_analyticsd.delivery.wire import Unsendable
from tests.delivery.support import BATCHED, KEYED, TITLE

SECRET = SecretStr("canary-51d2c4")
BASE = "https://analytics.example/v2"
ITEM = Item("k1", b'{"id":"a"}')


def single(key: str = "k1") -> Request:
    return single_request(KEYED, BASE, Item(key, b"{}"))


def test_an_event_goes_out_as_the_contract_says() -> None:
    request = single_request(TITLE, BASE, ITEM)
    assert (request.method, request.url, request.body) == (
        "POST",
        BASE + "/public/events/agent/title",
        ITEM.body,
    )
    assert dict(request.headers).keys() == {"User-Agent", "Accept", "Accept-Encoding", "Content-Type"}
    assert dict(request.headers)["Accept-Encoding"] == "identity"
    assert request.authentication == ()
    [proof] = request.authenticated((bearer(SECRET),)).authentication
    assert (proof.name, proof.value) == ("Authorization", "Bearer canary-51d2c4")


def test_the_key_travels_in_the_header_that_the_contract_names() -> None:
    assert ("Idempotency-Key", "k1") in single().headers


def test_a_batch_holds_the_accepted_bodies_byte_for_byte() -> None:
    items = [Item("a", b'{"value":1.0}'), Item("b", b'{ "value" : 2 }')]
    request = batch_request(BATCHED, BASE, items)
    assert request.url == BASE + "/v1/batch"
    assert request.body == b'{"items":[{"value":1.0},{ "value" : 2 }]}'
    assert json.loads(request.body) == {"items": [{"value": 1.0}, {"value": 2}]}


@pytest.mark.parametrize("poison", ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\x00b", "é", "\x7f", "\ud800"])
def test_a_key_that_could_smuggle_a_header_is_refused(poison: str) -> None:
    with pytest.raises(Unsendable, match="Idempotency-Key"):
        single(poison)


@given(st.text(max_size=60))
def test_no_key_whatever_brings_a_control_character_into_a_header(key: str) -> None:
    try:
        request = single(key)
    except Unsendable:
        return
    assert all(0x20 <= ord(character) < 0x7F for _, value in request.headers for character in value)


@pytest.mark.parametrize("secret", ["", "  ", "a\r\nb", "a\x00", "tökén", "x" * 20_000])
def test_a_secret_that_no_header_can_carry_is_refused_without_being_shown(secret: str) -> None:
    with pytest.raises(UnusableSecret) as caught:
        checked_secret(SecretStr(secret))
    assert secret.strip() == "" or secret not in str(caught.value)


def test_a_secret_that_no_header_can_carry_becomes_no_header() -> None:
    for scheme in (ApiKeyAuthentication("X", ""), ApiKeyAuthentication("Authorization", "Bearer ")):
        with pytest.raises(UnusableSecret):
            secret_header(scheme, SecretStr("a\r\nX-Evil: 1"))


def test_secrets_and_bodies_show_in_no_representation_log_or_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    request = single_request(TITLE, BASE, Item("k", b'{"title":"canary-51d2c4"}'))
    request = request.authenticated((bearer(SECRET),))
    shown = [repr(request), str(request), repr(request.authentication), f"{SECRET!r} {SECRET}"]
    try:
        raise RuntimeError(request)
    except RuntimeError:
        shown.append(traceback.format_exc())
        logging.getLogger("test").exception("failed with %s", request)
    shown.append(caplog.text)
    assert caplog.text
    assert not [text for text in shown if "canary" in text]
