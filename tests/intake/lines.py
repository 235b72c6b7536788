"""Lines as apps write them."""

import json
from typing import Any

from swarm_analytics_models.handoff import PROTOCOL, Hello, destination_line
from swarm_analytics_models.identifiers import Destination, IdentityKind, uuid7

DESTINATION = Destination("openswarm", "https://analytics.test", IdentityKind.INSTALL, "install-1")
DECLARATION = destination_line(DESTINATION)


def raw(**fields: Any) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def event(
    seq: int = 0,
    *,
    key: str | None = None,
    agent: str = "a1",
    content: Any = "hello",
    client: str | None = "c1",
    destination: str | None = DESTINATION.ref,
) -> bytes:
    """A product event, with an ordering key."""
    key = key or uuid7()
    body = {
        "ts": 1.5,
        "submission_id": key,
        "agent_id": agent,
        "seq": seq,
        "message": {"id": f"m{seq}", "role": "user", "content": content},
    }
    return raw(
        type="event",
        service="openswarm",
        route="events.agent.message",
        destination=destination,
        client=client,
        key=key,
        body=body,
    )


def log_entry(tag: str = "t", *, key: str | None = None) -> bytes:
    """A diagnostic event, which consent does not mute."""
    key = key or uuid7()
    body = {"ts": 1.5, "submission_id": key, "tag": tag}
    return raw(service="openswarm", route="logs.write", destination=DESTINATION.ref, key=key, body=body)


def opt_out(opted_out: bool = True, *, key: str | None = None) -> bytes:
    return raw(
        type="event",
        service="openswarm",
        route="preferences.opt_out",
        destination=DESTINATION.ref,
        client="c1",
        key=key or uuid7(),
        body={"opted_out": opted_out},
    )


def hello(journal: str, offset: int = 0, *, protocol: int = PROTOCOL, clients: tuple[str, ...] = ()) -> bytes:
    message = Hello(protocol=protocol, version="0", pid=1, journal=journal, offset=offset, clients=clients)
    return message.model_dump_json().encode() + b"\n"
