"""What a daemon asks of an app, and tells it, beside receipts: over the socket and over loopback alike."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from swarm_analytics import AnalyticsClient
from swarm_analytics.courier import hand_off_for
from swarm_analytics.handoff import Adoption
from swarm_analytics_models.home import Home
from swarm_analytics_models.identifiers import Destination, IdentityKind
from tests.client.scripted import ScriptedDaemon, scripted_daemon
from tests.support.waiting import eventually

DESTINATION = Destination("segops", "https://segops.example", IdentityKind.SESSION, "a-user")


@pytest.fixture(params=[False, True], ids=["socket", "loopback"])
def over_loopback(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@contextlib.contextmanager
def telling(
    home: Path, client: AnalyticsClient, *messages: dict[str, Any], loopback: bool
) -> Iterator[ScriptedDaemon]:
    """A daemon that says `messages` to the client once it has handed something off."""
    notices = [message for message in messages if message["type"] == "skipped"]
    wanted = [message["destination"] for message in messages if message["type"] == "signature_wanted"]

    def answer(method: str, path: str, body: bytes, headers: Any) -> tuple[int, Any]:
        if path != "/v1/hand-off":
            return 200, {"version": "0.1.0", "protocol": 1, "pid": 1}
        return 200, {"accepted": 1, "duplicates": 0, "skipped": notices, "signatures_wanted": wanted}

    with scripted_daemon(home, loopback=loopback, answer=answer) as daemon:
        client.logs.write(tag="t")
        if not loopback:
            daemon.connection().say(*messages)
        yield daemon


def signature_wanted() -> dict[str, Any]:
    return {"type": "signature_wanted", "destination": DESTINATION.ref}


def test_a_fresh_signature_is_given_where_the_app_still_has_the_user(home: Path, over_loopback: bool) -> None:
    client = AnalyticsClient(home)
    adoption = Adoption(DESTINATION, SecretStr("signed-anew"))
    hand_off_for(Home(home)).signers[DESTINATION.ref] = lambda: adoption
    with telling(home, client, signature_wanted(), loopback=over_loopback) as daemon:
        (registered, *_) = eventually(lambda: daemon.asked("/v1/register"), what="the signature")
    assert (registered["identity"], registered["adopt"]) == ("a-user", "signed-anew")


def test_an_app_that_cannot_sign_goes_on(
    home: Path, over_loopback: bool, caplog: pytest.LogCaptureFixture
) -> None:
    client = AnalyticsClient(home)
    hand_off = hand_off_for(Home(home))
    hand_off.signers[DESTINATION.ref] = lambda: (_ for _ in ()).throw(LookupError("nobody is signed in"))
    messages = signature_wanted(), skipped(client)
    with telling(home, client, *messages, loopback=over_loopback) as daemon:
        eventually(lambda: "nobody is signed in" in caplog.text, what="the app's trouble in the log")
        eventually(lambda: "left 2 out" in caplog.text, what="what came after it")
    assert daemon.asked("/v1/register") == []


def skipped(client: AnalyticsClient) -> dict[str, Any]:
    return {
        "type": "skipped",
        "client": client._outlet.id,
        "service": "segops",
        "destination": DESTINATION.ref,
        "skipped": 2,
        "of": 5,
    }
