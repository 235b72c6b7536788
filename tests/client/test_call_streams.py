"""Answers in pieces: each is given as it comes, and whoever stops asking ends the request."""

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_analytics import errors, policy
from swarm_analytics.calls.pieces import JsonLines, ServerSentEvents, UnreadablePiece
from tests.client.call_daemon import Asked, call_daemon, envelope
from tests.client.calling import (
    BILLED,
    REPEATABLE,
    Awaiting,
    Blocking,
    Calling,
    Piece,
    Receipt,
    Step,
    route,
    target,
)

SSE = "text/event-stream"
NDJSON = "application/x-ndjson"
LINES = route(streaming_format="ndjson")


@pytest.fixture(params=[Blocking, Awaiting], ids=["blocking", "awaited"])
def calling(request: pytest.FixtureRequest, home: Path) -> Calling:
    made: Calling = request.param(target(home))
    return made


def step(text: str) -> Piece:
    return Piece(Step(event="step", text=text))


def test_each_piece_comes_before_the_next_is_sent(calling: Calling, home: Path) -> None:
    heard = threading.Event()

    def script(asked: Asked) -> None:
        asked.begin(200, SSE)
        asked.piece(b'event: step\ndata: {"text": "boil"}\n\n')
        assert heard.wait(10)
        asked.piece(b'event: step\ndata: {"text": "pour"}\n\n')
        asked.piece(b"")

    with call_daemon(home, script) as daemon:
        pieces = calling.stream(BILLED, {"what": "tea"}, Piece)
        assert daemon.asked == []
        assert next(pieces) == step("boil")
        heard.set()
        assert list(pieces) == [step("pour")]
    assert daemon.calls()[0].json["arguments"] == {"what": "tea", "stream": True}


def test_lines_of_json_are_pieces_too(calling: Calling, home: Path) -> None:
    def script(asked: Asked) -> None:
        asked.begin(200, NDJSON)
        asked.piece(b'{"event": "step", "text": "bo')
        asked.piece(b'il"}\n\n{"number": 7}')
        asked.piece(b"")

    with call_daemon(home, script):
        found = list(calling.stream(LINES, {"what": "tea"}, Piece))
    assert found == [step("boil"), Piece(Receipt(number=7))]


def test_an_answer_that_came_whole_is_one_piece(calling: Calling, home: Path) -> None:
    """A service may not know that it was asked for pieces."""
    with call_daemon(home, lambda asked: asked.reply(200, envelope({"number": 7}))):
        assert list(calling.stream(BILLED, {"what": "tea"}, Piece)) == [Piece(Receipt(number=7))]


def test_bad_arguments_raise_before_the_first_piece_is_asked_for(calling: Calling) -> None:
    with pytest.raises(ValueError, match="what"):
        Blocking.stream(calling, BILLED, {"what": 3}, Piece)  # type: ignore[arg-type]


def test_closing_the_iterator_closes_the_connection(home: Path) -> None:
    with call_daemon(home, begin_and_wait) as daemon:
        pieces = Blocking(target(home)).stream(BILLED, {"what": "tea"}, Piece)
        assert next(pieces) == step("boil")
        assert isinstance(pieces, Iterator)
        pieces.close()  # type: ignore[attr-defined]
        assert daemon.calls()[0].gone.wait(10)


async def test_closing_an_awaited_iterator_closes_the_connection(home: Path) -> None:
    with call_daemon(home, begin_and_wait) as daemon:
        pieces = Awaiting(target(home)).caller.stream(BILLED, {"what": "tea"}, Piece)
        assert await anext(pieces) == step("boil")
        await pieces.aclose()  # type: ignore[attr-defined]
        assert daemon.calls()[0].gone.wait(10)


def begin_and_wait(asked: Asked) -> None:
    asked.begin(200, SSE)
    asked.piece(b'event: step\ndata: {"text": "boil"}\n\n')
    asked.await_leaving()


@pytest.mark.parametrize(("route", "kind"), [(BILLED, errors.MayBeExecuted), (REPEATABLE, errors.BrokenOff)])
def test_a_stream_that_breaks_gives_what_came_and_then_says_so(
    calling: Calling, home: Path, route: Any, kind: type[errors.CallError]
) -> None:
    def script(asked: Asked) -> None:
        asked.begin(200, SSE)
        asked.piece(b'event: step\ndata: {"text": "boil"}\n\n')
        asked.hang_up()

    with call_daemon(home, script) as daemon:
        pieces = calling.stream(route, {"what": "tea"}, Piece)
        assert next(pieces) == step("boil")
        with pytest.raises(kind):
            next(pieces)
    assert len(daemon.calls()) == 1


@pytest.mark.parametrize(
    ("found", "content"),
    [(BILLED, b"data: 3\n\n"), (LINES, b"{nonsense}\n"), (LINES, b'{"event": "other"}\n')],
)
def test_a_piece_of_another_shape_is_malformed(
    calling: Calling, home: Path, found: Any, content: bytes
) -> None:
    def script(asked: Asked) -> None:
        asked.begin(200, SSE)
        asked.piece(content)
        asked.piece(b"")

    with call_daemon(home, script), pytest.raises(errors.MalformedAnswer):
        list(calling.stream(found, {"what": "tea"}, Piece))


def test_a_stream_that_is_refused_is_an_error_like_a_calls(calling: Calling, home: Path) -> None:
    told = {"trouble": "breaker_open", "service": "toy", "operation": "orders.create"}
    problem = {"code": "breaker_open", "message": "It is open.", "hint": "Wait.", "detail": told}
    with (
        call_daemon(home, lambda asked: asked.reply(503, problem)),
        pytest.raises(errors.BreakerOpen, match="It is open"),
    ):
        list(calling.stream(BILLED, {"what": "tea"}, Piece))


def events(*parts: bytes) -> list[Any]:
    reader = ServerSentEvents()
    return [event for part in parts for event in reader.feed(part)] + list(reader.end())


@pytest.mark.parametrize(
    ("stream", "found"),
    [
        (b"data: 1\n\n", [{"event": "message", "data": 1}]),
        (b'\xef\xbb\xbfdata: {"a": 1}\r\n\r\n', [{"event": "message", "a": 1}]),
        (b"event: x\rdata: one\rdata: two\r\r", [{"event": "x", "data": "one\ntwo"}]),
        (b"data:tight\n\ndata:  wide\n\n", [{"event": "message", "data": d} for d in ("tight", " wide")]),
        (b": comment\nid: 7\nretry: 10\nunknown: x\ndata\n\n", [{"event": "message", "data": ""}]),
        (b"event: x\n\ndata: y\n\n", [{"event": "message", "data": "y"}]),
        (b"data: complete\n\ndata: torn\n", [{"event": "message", "data": "complete"}]),
        ("data: d\u00e9j\u00e0\n\n".encode(), [{"event": "message", "data": "d\u00e9j\u00e0"}]),
        (b"", []),
    ],
)
def test_server_sent_events_are_read_as_the_standard_has_them(stream: bytes, found: list[Any]) -> None:
    """WHATWG HTML, section 9.2.6."""
    assert events(stream) == found


@given(
    texts=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1), max_size=4),
    newline=st.sampled_from(["\n", "\r", "\r\n"]),
    cuts=st.lists(st.integers(0, 200), max_size=6),
)
def test_how_bytes_are_cut_changes_no_event(texts: list[str], newline: str, cuts: list[int]) -> None:
    stream = "".join(f"data: {json.dumps([text])}{newline}{newline}" for text in texts).encode()
    places = sorted({0, len(stream), *(min(cut, len(stream)) for cut in cuts)})
    parts = [stream[start:end] for start, end in itertools.pairwise(places)]
    assert events(*parts) == [{"event": "message", "data": [text]} for text in texts]


@pytest.mark.parametrize(
    ("reader", "endless"),
    [
        (JsonLines, [b" " * 60, b" " * 60]),
        (ServerSentEvents, [b"data: " + b"x" * 120]),
        (ServerSentEvents, [b"data: " + b"x" * 60 + b"\n"] * 2),
    ],
)
def test_a_piece_without_end_is_given_up(
    reader: Callable[[], Any], endless: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "MAX_PIECE_BYTES", 100)
    made = reader()
    with pytest.raises(UnreadablePiece, match="longer than 100 bytes"):
        list(itertools.chain.from_iterable(map(made.feed, endless)))
