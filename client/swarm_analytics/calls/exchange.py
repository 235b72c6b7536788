"""One HTTP exchange with the daemon, without any I/O: bytes to send, bytes that came, what they mean."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import h11

from swarm_analytics import policy
from swarm_analytics.calls.setback import Severed


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of an answer."""

    status: int
    media_type: str
    """Without parameters, in lower case."""


class Exchange:
    """`outgoing` is the request. Feed `receive` until `parts` says that the answer is complete."""

    def __init__(self, path: str, headers: Mapping[str, str], content: bytes) -> None:
        self._connection: Final = h11.Connection(h11.CLIENT, max_incomplete_event_size=policy.MAX_HEAD_BYTES)
        head = h11.Request(
            method="POST",
            target=path,
            headers=[
                *headers.items(),
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(content))),
                ("Connection", "close"),
            ],
        )
        self.outgoing: Final = b"".join(
            self._connection.send(event) or b""
            for event in (head, h11.Data(data=content), h11.EndOfMessage())
        )
        self.head: Head | None = None
        self.complete = False

    def receive(self, data: bytes) -> list[bytes]:
        """What `data` (nothing: the daemon closed the connection) brings of the body. Raises Severed."""
        try:
            self._connection.receive_data(data)
            return list(self._read())
        except h11.RemoteProtocolError as error:
            cause = "the daemon broke off" if not data else f"the daemon's answer is no HTTP ({error})"
            raise Severed(cause, final=self.head is not None) from error

    def _read(self) -> Iterator[bytes]:
        while True:
            match self._connection.next_event():
                case h11.Response(status_code=status, headers=headers):
                    fields = {name.decode(): value.decode("latin-1") for name, value in headers}
                    media_type = fields.get("content-type", "").partition(";")[0].strip().lower()
                    self.head = Head(status, media_type)
                case h11.Data(data=data):
                    yield bytes(data)
                case h11.EndOfMessage():
                    self.complete = True
                    return
                case h11.InformationalResponse():
                    continue
                case h11.ConnectionClosed():
                    raise h11.RemoteProtocolError("closed before an answer")
                case _:
                    return
