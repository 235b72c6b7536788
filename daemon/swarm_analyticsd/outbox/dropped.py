"""What apps are told of events that will not be delivered."""

import json
from collections.abc import Iterable
from typing import Final, Literal

from sqlalchemy import Connection, select

from swarm_analytics_models.handoff import DroppedEvent
from swarm_analyticsd.outbox.moves import LISTED, as_list
from swarm_analyticsd.outbox.tables import bodies, events

_TOLD: Final = (
    select(
        events.c.client, events.c.route, events.c.key, events.c.last_status, events.c.attempts, bodies.c.body
    )
    .join(bodies, bodies.c.seq == events.c.seq)
    .where(events.c.seq.in_(LISTED), events.c.client.is_not(None))
)


def describe(
    connection: Connection,
    seqs: Iterable[int],
    outcome: Literal["dead", "expired", "evicted"],
    reason: str,
) -> tuple[DroppedEvent, ...]:
    """Those of the rows whose client wants to know; to be asked while they still have their bodies."""
    return tuple(
        DroppedEvent(
            client=row.client,
            route=row.route,
            key=row.key,
            outcome=outcome,
            reason=reason,
            status=row.last_status,
            attempts=row.attempts,
            body=json.loads(row.body),
        )
        for row in connection.execute(_TOLD, {"seqs": as_list(seqs)})
    )
