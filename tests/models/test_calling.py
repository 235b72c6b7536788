"""Asking for an answer in pieces, and reading what comes."""

from typing import Any

import pytest

from swarm_analytics_models.calling import asking_for_pieces, asks_for_pieces, server_sent


@pytest.mark.parametrize("field", ["stream", "agent_config.streaming_on"])
def test_what_asks_for_pieces_is_seen_to_ask(field: str) -> None:
    plain: dict[str, Any] = {"task": "t", "agent_config": {"agent_name": "a", "streaming_on": False}}
    asking = asking_for_pieces(field, plain)
    assert asks_for_pieces(field, asking)
    assert not asks_for_pieces(field, plain)
    assert asking["task"] == "t"
    assert asking["agent_config"]["agent_name"] == "a"


def test_a_member_that_is_absent_or_no_object_asks_for_nothing() -> None:
    assert not asks_for_pieces("agent_config.streaming_on", {})
    assert not asks_for_pieces("agent_config.streaming_on", {"agent_config": "text"})
    assert not asks_for_pieces("stream", {"stream": "yes"})


@pytest.mark.parametrize(
    ("name", "data", "read"),
    [
        ("chunk", '{"content": "a"}', {"content": "a", "event": "chunk"}),
        ("message", '{"event": "other"}', {"event": "message"}),
        ("message", "[1]", {"data": [1], "event": "message"}),
        ("done", "[DONE]", {"data": "[DONE]", "event": "done"}),
    ],
)
def test_a_server_sent_event_is_its_data_under_its_name(name: str, data: str, read: dict[str, Any]) -> None:
    assert server_sent(name, data) == read
