"""Foreign and faulty input on the hand-off socket, from an app that is not ours, beside what is fine."""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from swarm_analytics_models.handoff import MAX_LINE_BYTES, PROTOCOL
from swarm_analytics_models.home import Home, read_address
from swarm_analytics_models.identifiers import uuid7
from tests.story.scene import HomeView, wait_for
from tests.support.processes import Processes, SandboxProcess
from tests.support.waiting import eventually

ANSWER_S: Final = 20.0


class ForeignApp:
    """Speaks the hand-off protocol in its own way: a journal that it locks, and a connection."""

    def __init__(self, home: Path) -> None:
        address = read_address(Home(home))
        assert address is not None
        assert address.handoff is not None
        self._address = address.handoff
        self.name = f"{os.getpid()}-{os.urandom(8).hex()}-000001.ndjson"
        self._journal = os.open(
            Home(home).inbox / self.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600
        )
        fcntl.flock(self._journal, fcntl.LOCK_EX)
        self.end = 0
        self.connect()

    def connect(self) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(ANSWER_S)
        self.socket.connect(self._address)
        self._heard = self.socket.makefile("rb")

    def hello(self, protocol: int = PROTOCOL) -> None:
        hello = {"type": "hello", "protocol": protocol, "version": "9", "pid": os.getpid()}
        self.send(json.dumps({**hello, "journal": self.name, "offset": self.end}).encode() + b"\n")

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def write(self, data: bytes) -> None:
        """To the journal alone."""
        assert os.write(self._journal, data) == len(data)
        self.end += len(data)

    def hand_off(self, line: bytes) -> None:
        self.write(line)
        self.send(line)

    def hear(self) -> dict[str, Any] | None:
        """The daemon's next message; None when it has hung up."""
        line = self._heard.readline()
        return json.loads(line) if line else None

    def receipted(self, refused: int = 0) -> list[str]:
        """Wait for the receipt of everything and for so many refusals; their codes, by place."""
        found: dict[int, str] = {}
        offset = -1
        while offset < self.end or len(found) < refused:
            message = self.hear()
            assert message is not None, "the daemon hung up before the receipt"
            if message["type"] == "receipt":
                offset = max(offset, message["offset"])
                found |= {refusal["offset"]: refusal["code"] for refusal in message["refused"]}
        return [found[place] for place in sorted(found)]

    def hang_up(self) -> None:
        self._heard.close()
        self.socket.close()

    def end_all(self) -> None:
        self.hang_up()
        os.close(self._journal)


def destination(service: SandboxProcess) -> bytes:
    line = {"type": "destination", "service": "openswarm", "base_url": service.base_url}
    return json.dumps({**line, "kind": "install", "identity": "foreign"}).encode() + b"\n"


def event(route: str = "logs.write", service: str = "openswarm", **body: Any) -> tuple[str, bytes]:
    key = uuid7()
    content = {"ts": 1.5, "submission_id": key, "tag": "t", **body}
    line = {"type": "event", "service": service, "route": route, "key": key, "body": content}
    return key, json.dumps(line).encode() + b"\n"


@pytest.fixture
def foreign(home: Path, processes: Processes) -> Iterator[ForeignApp]:
    processes.daemon(home)
    app = ForeignApp(home)
    yield app
    app.end_all()


def test_a_bad_line_harms_none_of_its_neighbours(
    view: HomeView, service: SandboxProcess, foreign: ForeignApp
) -> None:
    """Refused, one by one, with a code and a hint; what stands between them is accepted and delivered."""
    bad = (
        (b"GET / HTTP/1.1\r\n", "garbled"),
        (b'{"type":"event","route":"\xff\xfe"}\n', "garbled"),
        (b'{"type":"greeting"}\n', "unknown_type"),
        (event(service="nobody")[1], "unknown_service"),
        (event(route="events.agent.explode")[1], "unknown_route"),
        (event(route="identify.register")[1], "unknown_route"),
        (event()[1].replace(b'"t"', b"NaN"), "garbled"),
        (event(tag=5)[1], "invalid"),
        (event(data=2**70)[1], "invalid"),
        (event(data=json.loads("[" * 40 + "]" * 40))[1], "invalid"),
        (b'{"type":"event","x":"' + b"x" * MAX_LINE_BYTES + b'"}\n', "too_large"),
    )
    foreign.hello()
    foreign.hand_off(destination(service))
    keys = []
    for line, _ in bad:
        foreign.hand_off(line)
        key, good = event(data="neighbour")
        foreign.hand_off(good)
        keys.append(key)
    assert foreign.receipted(len(bad)) == [code for _, code in bad]
    wait_for(service, keys)
    ledger = view.drained()
    assert (ledger["accepted"], ledger["refused"]) == (len(keys), len(bad))


def test_half_a_line_is_finished_on_the_next_connection(
    view: HomeView, service: SandboxProcess, foreign: ForeignApp
) -> None:
    """The journal has what a broken connection lost: taken once, in order; nothing is torn of the living."""
    key, line = event()
    foreign.hello()
    foreign.hand_off(destination(service))
    foreign.hand_off(line[:40])
    foreign.hang_up()
    after, second = event()
    foreign.write(line[40:] + second[:10])
    foreign.write(second[10:])
    foreign.connect()
    foreign.hello()
    assert foreign.receipted() == []
    assert [event["key"] for event in wait_for(service, [key, after])] == [key, after]
    assert view.drained()["refused"] == 0


def test_the_same_key_with_another_body_is_refused(
    view: HomeView, service: SandboxProcess, foreign: ForeignApp
) -> None:
    """Promise 9: the same line twice is one event; another body under its key is a conflict."""
    key, line = event(data="first")
    foreign.hello()
    for each in (destination(service), line, line, line.replace(b"first", b"other")):
        foreign.hand_off(each)
    assert foreign.receipted(1) == ["conflict"]
    (taken,) = wait_for(service, [key])
    assert taken["body"]["data"] == "first"
    ledger = view.drained()
    assert (ledger["accepted"], ledger["duplicates"], ledger["refused"]) == (1, 1, 1)


def test_an_app_of_a_later_version_is_told_so_and_loses_nothing(
    home: Path, view: HomeView, service: SandboxProcess, foreign: ForeignApp, processes: Processes
) -> None:
    """A newer protocol is refused with a hint; what the app journalled stays there for its own daemon."""
    key, line = event()
    foreign.hello(protocol=PROTOCOL + 1)
    error = foreign.hear()
    assert error is not None
    assert (error["type"], error["code"]) == ("error", "protocol")
    assert str(PROTOCOL) in error["message"]
    assert error["hint"]
    assert foreign.hear() is None, "it hung up"
    foreign.hang_up()

    foreign.connect()
    foreign.send(b"no hello at all\n")
    error = foreign.hear()
    assert error is not None
    assert (error["type"], error["code"]) == ("error", "hello")
    foreign.hang_up()

    foreign.connect()
    foreign.hello()
    foreign.hand_off(destination(service) + line)
    assert foreign.receipted() == []
    wait_for(service, [key])
    eventually(lambda: view.ledger["delivered"] == 1, what="the one event that was handed off well")
