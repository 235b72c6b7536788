"""No hot statement reads a table or an index from end to end: a million rows queued cost nothing."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event

from swarm_analyticsd.outbox.lifecycle import HeldReason
from swarm_analyticsd.outbox.operate import Chosen
from swarm_analyticsd.outbox.rows import Release
from swarm_analyticsd.outbox.store import Outbox
from tests.outbox.given import (
    DELIVERED,
    FAULTY,
    NO_CREDENTIAL,
    admit,
    an_event,
    claim,
    later,
    open_outbox,
    settle,
    some_events,
)

pytestmark = pytest.mark.anyio
SCAN = re.compile(r"SCAN (?:TABLE )?(?!\w+ VIRTUAL TABLE|.*CONSTANT ROW)(\w+)")
SMALL = ("destinations", "services", "ledger", "home", "clients", "journals")


@pytest.fixture
def plans(outbox: Outbox) -> Iterator[dict[str, list[str]]]:
    """The plan of every statement that is executed meanwhile, by its text."""
    engine = outbox._database._engine
    assert engine is not None
    found: dict[str, list[str]] = {}

    def explain(
        connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
    ) -> None:
        if statement.split()[0] in ("SELECT", "UPDATE", "DELETE", "INSERT") and statement not in found:
            chosen = parameters[0] if many else parameters
            plan = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", chosen).fetchall()
            found[statement] = [row[3] for row in plan]

    event.listen(engine, "before_cursor_execute", explain)
    yield found
    event.remove(engine, "before_cursor_execute", explain)


def scans(plans: dict[str, list[str]]) -> list[tuple[str, str]]:
    """The steps that read something large from end to end."""
    return [
        (step, statement)
        for statement, steps in plans.items()
        for step in steps
        if (match := SCAN.match(step)) and match.group(1) not in SMALL
    ]


async def _a_day(outbox: Outbox) -> None:
    ordered = some_events(20, ordering_key="agent:1")
    await admit(outbox, *ordered, journal="j", start=0, end=10)
    await admit(outbox, *ordered, *some_events(20), journal="j", start=10, end=20)
    for verdict in (later(outbox), NO_CREDENTIAL, FAULTY, Release(), DELIVERED):
        rows = (await claim(outbox, limit=3, avoid=1, shut_routes=frozenset({"logs.write"}))).rows
        assert rows
        await settle(outbox, rows, verdict)
    await admit(outbox, *some_events(2, route="logs.write", category="identity"))
    await claim(outbox, limit=1, shut_routes=frozenset({"logs.write"}))
    await outbox.free(reason=HeldReason.CREDENTIAL, destination_id=1)
    await outbox.free(reason=HeldReason.ROUTE, service="openswarm", route="logs.write", limit=1)
    await outbox.redrive(Chosen(keys=(ordered[0].key,)))
    await outbox.redrive(Chosen())
    await outbox.drop_dead(Chosen(service="openswarm"))
    await outbox.expire()
    await outbox.evict()
    await outbox.clock_jumped(-5)
    await outbox.advance()
    await outbox.set_backoff(1, None, 0, None)
    await outbox.journal_positions()
    await outbox.consent()


async def test_no_hot_statement_scans(outbox: Outbox, plans: dict[str, list[str]]) -> None:
    await _a_day(outbox)
    assert len(plans) > 30
    assert scans(plans) == []
    await outbox.prune()
    ((step, _),) = scans(plans)
    assert step == "SCAN events USING INDEX events_settled", (
        "reads as much as the trail's cap, ten minutes apart"
    )


async def test_the_net_is_not_too_wide(outbox: Outbox, plans: dict[str, list[str]]) -> None:
    await admit(outbox, an_event())
    await outbox._write(lambda connection: connection.exec_driver_sql("SELECT * FROM events").all())
    await outbox._write(lambda connection: connection.exec_driver_sql("SELECT count(*) FROM bodies").all())
    assert len(scans(plans)) == 2


async def test_reports_of_the_ledger_do_not_scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a number of rows `status` trusts the sums; up to it, it counts."""
    monkeypatch.setattr("swarm_analyticsd.policy.RECOUNT_ROWS", 10)
    outbox = await open_outbox(tmp_path / "home", durability="memory")
    engine = outbox._database._engine
    assert engine is not None
    await admit(outbox, *some_events(30))
    await settle(outbox, (await claim(outbox, limit=10)).rows, NO_CREDENTIAL)
    await settle(outbox, (await claim(outbox, limit=10)).rows, later(outbox))
    found: dict[str, list[str]] = {}

    def explain(
        connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
    ) -> None:
        if statement.startswith("SELECT"):
            plan = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            found[statement] = [row[3] for row in plan]

    event.listen(engine, "before_cursor_execute", explain)
    await outbox.tallies()
    await outbox.pending("app")
    await outbox.pending()
    await outbox.find("some-key")
    assert len(found) > 5
    assert scans(found) == []
    await outbox.close()
