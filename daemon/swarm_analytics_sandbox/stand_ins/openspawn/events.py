"""What happened, searched by filters."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from swarm_analytics_sandbox.stand_ins.openspawn.organization import Row
from swarm_analytics_sandbox.stand_ins.openspawn.request import Request
from swarm_analytics_sandbox.stand_ins.openspawn.rules import EVENT_FILTERS, check

_EXACT: Final = ("type", "actorId", "entityType", "entityId", "severity")


def list_events(request: Request) -> dict[str, Any]:
    """`page` and `limit` come back as they were asked for, as texts."""
    query = {name: value for name, value in request.query.items() if value}
    check(query, EVENT_FILTERS)
    page, limit = request.whole("page", 1), request.whole("limit", 50)
    found = [event for event in reversed(request.organization.events) if _fits(event, query)]
    return {
        "data": found[(page - 1) * limit : page * limit],
        "meta": {"total": len(found), "page": query.get("page", 1), "limit": query.get("limit", 50)},
    }


def get(request: Request) -> dict[str, Any]:
    """Null for an id that no event has."""
    wanted = request.row_id
    return {"data": next((event for event in request.organization.events if event["id"] == wanted), None)}


def _fits(event: Row, query: Mapping[str, str]) -> bool:
    if any(event[name] != query[name] for name in _EXACT if name in query):
        return False
    at = event["createdAt"]
    return _moment(query.get("startDate", at)) <= _moment(at) <= _moment(query.get("endDate", at))


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
