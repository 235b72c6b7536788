"""The list of `events`, the story of `why` and the list of `config`, as text."""

import time
from typing import Any

import pytest

from swarm_analytics_models.api import ConfigAnswer, SettingValue
from swarm_analytics_models.status import EventDetail
from swarm_analyticsd.cli.event_page import body_text, event_list, setting_list, story

NOW = 1_790_000_000.0
ID = "01990000-0000-7000-8000-000000000001"


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    if hasattr(time, "tzset"):
        time.tzset()


def event(**changes: Any) -> EventDetail:
    facts: dict[str, Any] = {
        "id": ID,
        "service": "openswarm",
        "route": "events.agent.create",
        "destination": "d_ada",
        "state": "queued",
        "accepted_at": NOW - 180,
        "size_bytes": 312,
        "category": "product",
        "priority": 2,
    }
    return EventDetail(**(facts | changes))


def test_the_list_has_a_line_an_event_and_a_second_for_trouble() -> None:
    events = [
        event(attempts=2, last_error="503 try later"),
        event(state="delivered", attempts=1, last_error="503 try later"),
        event(state="held", held_reason="consent"),
    ]
    assert list(event_list(events, NOW)) == [
        "id                                   state         age tries  route",
        f"{ID} queued      3 min     2  openswarm events.agent.create",
        "    503 try later",
        f"{ID} delivered   3 min     1  openswarm events.agent.create",
        f"{ID} held        3 min     0  openswarm events.agent.create",
        "    consent",
    ]


def test_the_story_of_a_waiting_event_says_what_comes_next() -> None:
    waiting = event(
        attempts=2,
        last_error="503 try later",
        due_at=NOW + 42,
        behind="01990000-0000-7000-8000-000000000000",
        ordering_key="agent:sess_1",
        explanation="Waits for the service.",
    )
    assert list(story(waiting, NOW)) == [
        f"{ID} is openswarm events.agent.create for d_ada.",
        "It was accepted at 14:10:20 (3 min ago): product, 312 B.",
        "It is queued. Waits for the service.",
        "It goes after 01990000-0000-7000-8000-000000000000, to keep the order of agent:sess_1.",
        "It was sent 2 times.",
        "The last answer or error: 503 try later.",
        "The next try is at 14:14:02 (in 42 s).",
    ]


def test_the_story_says_nothing_twice() -> None:
    dead = event(state="dead", attempts=1, last_error="no such field", explanation="Rejected: no such field.")
    assert list(story(dead, NOW))[2:] == ["It is dead. Rejected: no such field.", "It was sent once."]
    second = event(behind="first-key", ordering_key="agent:a", explanation="Waits for first-key.")
    assert list(story(second, NOW))[2:] == ["It is queued. Waits for first-key.", "It was never sent."]


def test_the_story_of_a_held_event_says_for_what() -> None:
    held = event(state="held", held_reason="no_destination", destination=None)
    assert list(story(held, NOW)) == [
        f"{ID} is openswarm events.agent.create, bound to no destination yet.",
        "It was accepted at 14:10:20 (3 min ago): product, 312 B.",
        "It is held (no_destination).",
        "It was never sent.",
    ]


def test_the_story_of_a_delivered_event_says_when() -> None:
    done = event(state="delivered", settled_at=NOW - 170, attempts=1, due_at=NOW - 175)
    assert list(story(done, NOW))[2:] == ["It was delivered at 14:10:30.", "It was sent once."]


def test_a_body_is_shown_as_ascii_json_and_its_absence_said() -> None:
    assert body_text(event(body={"name": "\x1b[2J é"})) == '{\n  "name": "\\u001b[2J \\u00e9"\n}'
    assert body_text(event()) == "Its body is not kept: only events that are queued, held or dead have one."


def test_settings_name_what_set_them() -> None:
    answer = ConfigAnswer(
        settings={
            "durability": SettingValue(value="durable", source="default", where="built in"),
            "listen": SettingValue(value="unix", source="flag", where="--listen"),
        }
    )
    assert list(setting_list(answer)) == [
        'durability  "durable"  (default)',
        'listen      "unix"  (flag: --listen)',
    ]


def test_s14_nothing_from_outside_reaches_the_terminal_raw() -> None:
    hostile = "\x1b[2J\r\n\u202e"
    every = {
        name: hostile
        for name, field in EventDetail.model_fields.items()
        if field.annotation in (str, str | None) and name != "state"
    }
    loud = event(**every, attempts=1, due_at=NOW, settled_at=NOW)
    settings = ConfigAnswer(settings={hostile: SettingValue(value=hostile, source="file", where=hostile)})
    lines = [*event_list([loud], NOW), *story(loud, NOW), *setting_list(settings)]
    assert not {character for line in lines for character in line if not character.isprintable()}
