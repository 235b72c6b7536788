"""Where a client's arguments point, and which of them are refused."""

import base64
import json
from pathlib import Path

import pytest

from swarm_analytics import AnalyticsClient, SqliteSpool
from swarm_analytics.destination import choose_destination
from swarm_analytics_models.identifiers import Destination, IdentityKind, encode_reference

URL = "https://analytics.example"
INSTALL = Destination("openswarm", URL, IdentityKind.INSTALL, "install-1")


def test_nothing_named_means_the_homes_only_destination() -> None:
    assert choose_destination("openswarm", None, None, None).destination is None


def test_an_install_id_names_its_install_without_a_token() -> None:
    chosen = choose_destination("openswarm", URL, None, "install-1")
    assert (chosen.destination, chosen.adopt) == (INSTALL, None)


def test_a_reference_names_what_was_registered_and_holds_no_token() -> None:
    chosen = choose_destination("openswarm", None, encode_reference(INSTALL), None)
    assert (chosen.destination, chosen.adopt) == (INSTALL, None)
    assert choose_destination("openswarm", URL, encode_reference(INSTALL), "install-1") == chosen


def test_a_reference_used_with_another_origin_is_another_destination_of_the_same_identity() -> None:
    chosen = choose_destination("openswarm", "https://other.example", encode_reference(INSTALL), None)
    assert chosen.destination is not None
    assert chosen.destination.ref != INSTALL.ref
    assert (chosen.destination.kind, chosen.destination.identity) == (IdentityKind.INSTALL, "install-1")
    assert chosen.adopt is None


@pytest.mark.parametrize("reference", ["swaref_", "swaref_garbled.0", encode_reference(INSTALL)[:-1]])
@pytest.mark.parametrize("base_url", [URL, None])
def test_an_unknown_reference_is_held_and_never_sent_as_a_token(reference: str, base_url: str | None) -> None:
    chosen = choose_destination("openswarm", base_url, reference, None)
    assert chosen.destination is not None
    assert (chosen.destination.kind, chosen.destination.identity) == (
        IdentityKind.TOKEN,
        "unknown-reference",
    )
    assert chosen.adopt is None


def test_a_real_token_is_for_the_daemon_to_adopt() -> None:
    chosen = choose_destination("openswarm", URL, "secret-token", None)
    assert chosen.destination is not None
    assert chosen.destination.kind is IdentityKind.TOKEN
    assert chosen.adopt is not None
    assert chosen.adopt.get_secret_value() == "secret-token"
    assert "secret-token" not in repr(chosen)


def test_a_token_that_names_its_install_and_one_given_with_it_belong_to_the_install() -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"install_id": "install-1"}).encode()).decode().rstrip("=")
    for token, install_id in ((f"h.{claims}.s", None), ("opaque", "install-1")):
        chosen = choose_destination("openswarm", URL, token, install_id)
        assert chosen.destination == INSTALL
        assert chosen.adopt is not None


@pytest.mark.parametrize(
    ("base_url", "token", "install_id", "remedy"),
    [
        (URL, None, None, "install_id or token"),
        (None, None, "install-1", "base_url"),
        (None, "secret-token", None, "base_url"),
        (URL, "", None, "leave it out"),
        (URL, None, "", "1 to 128"),
        (URL, None, "x" * 129, "1 to 128"),
        (URL, encode_reference(INSTALL), "install-2", "pass one of them"),
        ("ftp://analytics.example", None, "install-1", "https://"),
        ("https://user:word@analytics.example", None, "install-1", "user name"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_remedy(
    base_url: str | None, token: str | None, install_id: str | None, remedy: str
) -> None:
    with pytest.raises(ValueError, match=remedy) as caught:
        choose_destination("openswarm", base_url, token, install_id)
    assert "secret-token" not in str(caught.value)


def test_the_seeds_other_arguments_are_accepted_and_touch_nothing(home: Path) -> None:
    spool = SqliteSpool(home / "spool.db", max_bytes=1)
    client = AnalyticsClient(
        home,
        base_url=URL,
        token=encode_reference(INSTALL),
        mode="full",
        spool=spool,
        http_client=object(),
        max_attempts=8,
        on_drop=lambda record, status: None,
    )
    client.close()
    assert not home.exists()
