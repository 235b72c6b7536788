"""Events that concern a resource, keys that apps name, and how apps want a destination sent."""

import json
from typing import Any

import pytest

from swarm_analytics_models.handoff import DeliverySettings, RefusalCode, destination_line
from swarm_analytics_models.identifiers import Destination, IdentityKind
from swarm_analyticsd.intake.admission import Screened, screen
from swarm_analyticsd.intake.routes import RouteBook
from swarm_analyticsd.outbox.rows import NewEvent
from tests.delivery.lab import LAB, MEASURED, RENAMED, TOLD
from tests.intake.lines import raw

BOOK = RouteBook({"lab": LAB})
HERE = Destination("lab", "https://lab.test", IdentityKind.KEY, "default")


def screened(data: bytes) -> Screened:
    return screen(data, at=0, journal="j", book=BOOK, now=42.0, mint=lambda: "minted")


def only_event(route: str, body: dict[str, Any], **more: Any) -> NewEvent:
    found = screened(raw(service="lab", route=route, body=body, **more))
    assert found.refusals == ()
    (event,) = found.admission.events
    return event


def reading(name: str, lab: str = "lab-1") -> dict[str, Any]:
    return {"lab_id": lab, "reading_id": name, "value": 1.5}


def test_an_event_belongs_to_what_its_path_names_and_keeps_all_its_fields() -> None:
    event = only_event(MEASURED.key, reading("r1"))
    assert event.resource == "lab-1"
    assert json.loads(event.body) == {**reading("r1"), "urgent": None}
    assert only_event(TOLD.key, {"text": "x"}).resource == ""


def test_resources_whose_names_hold_slashes_are_told_apart() -> None:
    one = only_event(RENAMED.key, {"lab_id": "a/1", "shelf": 2, "name": "n"})
    other = only_event(RENAMED.key, {"lab_id": "a", "shelf": 12, "name": "n"})
    assert (one.resource, other.resource) == ("a%2F1/2", "a/12")


@pytest.mark.parametrize("name", ["run 7/step 3", "épreuve n° 1", "🧪", "a'b\"c\\d?e#f%2F", "x" * 200])
def test_a_key_that_an_app_names_may_be_any_printable_text(name: str) -> None:
    event = only_event(MEASURED.key, reading(name))
    assert event.key == name
    assert only_event(MEASURED.key, reading(name), key=name).key == name


@pytest.mark.parametrize("name", ["a\nb", "a\x00", "\x7f", "\x85", "a\u2028b", "x" * 201])
def test_a_key_that_cannot_be_printed_is_refused(name: str) -> None:
    found = screened(raw(service="lab", route=MEASURED.key, body=reading(name)))
    (refusal,) = found.refusals
    assert refusal.code is RefusalCode.INVALID
    assert "200" in refusal.hint


def test_a_key_that_goes_into_no_body_stays_what_a_header_can_carry() -> None:
    (refusal,) = screened(raw(service="lab", route=TOLD.key, key="run 7/3", body={"text": "x"})).refusals
    assert refusal.code is RefusalCode.INVALID
    assert only_event(TOLD.key, {"text": "x"}, key="run-7.3").key == "run-7.3"


def test_settings_come_with_the_declaration_and_the_last_are_in_force() -> None:
    first, last = DeliverySettings(max_items=20), DeliverySettings(max_wait_s=5.0)
    lines = destination_line(HERE, first) + destination_line(HERE, last) + destination_line(HERE)
    admission = screened(lines).admission
    assert admission.destinations == (HERE, HERE, HERE)
    assert admission.settings == {HERE.ref: last}


@pytest.mark.parametrize(
    "settings", [{"max_items": 0}, {"max_wait_s": -1}, {"when_ambiguous": "report"}, {"max_items": "many"}]
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any]) -> None:
    line = raw(
        type="destination",
        service="lab",
        base_url=HERE.base_url,
        kind=HERE.kind,
        identity=HERE.identity,
        settings=settings,
    )
    (refusal,) = screened(line).refusals
    assert refusal.code is RefusalCode.INVALID
