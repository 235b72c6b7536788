"""Credits: what an agent has, spends and gives away."""

import uuid
from typing import Any

from swarm_analytics_sandbox.stand_ins.openspawn.organization import ORGANIZATION, Row, bare
from swarm_analytics_sandbox.stand_ins.openspawn.refused import Refused, crashed
from swarm_analytics_sandbox.stand_ins.openspawn.request import Request


def balance(request: Request) -> dict[str, Any]:
    agent = _acting(request)
    return {
        "data": {
            "balance": agent["currentBalance"],
            "budgetPeriodSpent": agent["budgetPeriodSpent"],
            "budgetPeriodLimit": agent["budgetPeriodLimit"],
        }
    }


def history(request: Request) -> dict[str, Any]:
    """Each row with its whole agent: the server leaves the encrypted secret in it."""
    limit, offset = request.whole("limit", 50), request.whole("offset", 0)
    if limit < 0 or offset < 0:
        raise crashed()
    mine = [row for row in request.organization.transactions if row["agentId"] == request.caller.id][::-1]
    agent = request.organization.agents.get(request.caller.id)
    shown = [
        row | {"agent": bare(agent, request.organization.secrets[agent["id"]])}
        for row in mine[offset : offset + limit]
        if agent is not None
    ]
    return {"data": shown, "meta": {"total": len(mine), "limit": limit, "offset": offset}}


def spend(request: Request) -> dict[str, Any]:
    agent, amount = _acting(request), int(request.body["amount"])
    if agent["currentBalance"] < amount:
        raise Refused(400, "Insufficient balance")
    limit = agent["budgetPeriodLimit"]
    if limit is not None and agent["budgetPeriodSpent"] + amount > limit:
        raise Refused(400, "Budget limit exceeded")
    if request.body.get("sourceTaskId") and request.body["sourceTaskId"] not in request.organization.tasks:
        raise crashed()
    agent["currentBalance"] -= amount
    agent["budgetPeriodSpent"] += amount
    return {"data": _record(request, agent, "debit", amount, **_source(request))}


def transfer(request: Request, *, breaks: bool) -> dict[str, Any]:
    """`breaks`: as the real server was found, which moves the credits and fails to record it."""
    sender = request.organization.agents.get(request.caller.id)
    receiver = request.organization.agents.get(str(request.body.get("toAgentId")))
    amount = request.body.get("amount")
    if sender is None:
        raise Refused(404, "Source agent not found")
    if receiver is None:
        raise Refused(404, "Target agent not found")
    if not isinstance(amount, int) or isinstance(amount, bool):
        raise crashed()
    if amount <= 0:
        raise Refused(400, "Transfer amount must be positive")
    if sender["currentBalance"] < amount:
        raise Refused(400, f"Insufficient balance ({sender['currentBalance']} < {amount})")
    related = receiver["parentId"] == sender["id"] or (
        sender["parentId"] is not None and sender["parentId"] == receiver["parentId"]
    )
    if not related and sender["level"] != 10:
        raise Refused(403, "Can only transfer credits to children or sibling agents")
    sender["currentBalance"] -= amount
    receiver["currentBalance"] += amount
    if breaks:
        raise crashed(executed=True)
    reason = request.body.get("reason")
    _record(request, sender, "debit", amount, reason=reason or f"Transfer to {receiver['name']}")
    _record(request, receiver, "credit", amount, reason=reason or f"Transfer from {sender['name']}")
    data = {"fromAgent": sender["id"], "toAgent": receiver["id"], "amount": amount, "reason": reason}
    request.organization.emit("credits.transferred", sender["id"], "agent", receiver["id"], data)
    return {"data": {"from": _budget(sender), "to": _budget(receiver)}}


def _acting(request: Request) -> Row:
    agent = request.organization.agents.get(request.caller.id)
    if agent is None:
        raise Refused(404, "Agent not found")
    return agent


def _source(request: Request) -> dict[str, Any]:
    names = ("reason", "triggerType", "sourceTaskId", "sourceAgentId")
    return {name: request.body.get(name) for name in names}


def _record(request: Request, agent: Row, kind: str, amount: int, **more: Any) -> Row:
    row = {
        "id": str(uuid.uuid4()),
        "orgId": ORGANIZATION,
        "agentId": agent["id"],
        "type": kind,
        "amount": amount,
        "balanceAfter": agent["currentBalance"],
        "triggerType": None,
        "triggerEventId": None,
        "sourceTaskId": None,
        "sourceAgentId": None,
        "litellmCostUsd": None,
        "idempotencyKey": None,
        "metadata": {},
        "createdAt": request.organization.stamp(),
        **more,
    }
    request.organization.transactions.append(row)
    return row


def _budget(agent: Row) -> dict[str, Any]:
    limit, spent = agent["budgetPeriodLimit"], agent["budgetPeriodSpent"]
    return {
        "agentId": agent["id"],
        "currentBalance": agent["currentBalance"],
        "budgetPeriodLimit": limit,
        "budgetPeriodSpent": spent,
        "budgetRemaining": limit - spent if limit else None,
        "budgetPeriodStart": agent["budgetPeriodStart"],
        "utilizationPercent": round(spent / limit * 100) if limit else None,
    }
