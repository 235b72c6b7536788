"""Agents: listed, made, and who is below whom."""

from typing import Any, Final

from swarm_analytics_sandbox.stand_ins.openspawn.organization import Row, bare
from swarm_analytics_sandbox.stand_ins.openspawn.refused import Refused, crashed
from swarm_analytics_sandbox.stand_ins.openspawn.request import Request

CAPACITY: Final = {1: 0, 2: 0, 3: 2, 4: 3, 5: 5, 6: 8, 7: 12, 8: 20, 9: 50, 10: 100}
"""Active children that an agent of a level may have."""

_LISTED: Final = (
    "id",
    "agentId",
    "name",
    "role",
    "level",
    "model",
    "status",
    "currentBalance",
    "createdAt",
)
_SHOWN: Final = (
    *_LISTED[:-1],
    "managementFeePct",
    "budgetPeriodLimit",
    "budgetPeriodSpent",
    "capabilities",
    "metadata",
    "createdAt",
    "updatedAt",
)


def list_agents(request: Request) -> dict[str, Any]:
    agents = reversed(request.organization.agents.values())
    return {"data": [_only(agent, _LISTED) for agent in agents]}


def get_agent(request: Request) -> dict[str, Any]:
    return {"data": _only(_found(request), _SHOWN)}


def get_balance(request: Request) -> dict[str, Any]:
    return {"data": {"balance": _found(request)["currentBalance"]}}


def register(request: Request) -> dict[str, Any]:
    """For the role hr, and for agents that sign alone."""
    if not request.caller.signed:
        raise Refused(403, "Authentication required")
    if request.caller.role != "hr":
        raise Refused(403, "Requires one of roles: hr")
    body = {name: value for name, value in request.body.items() if value is not None}
    if request.organization.agent_named(body["agentId"]) is not None:
        raise Refused(409, f'Agent with ID "{body["agentId"]}" already exists')
    agent = request.organization.add_agent(body)
    _tell(request, "agent.registered", agent, role=agent["role"])
    return {
        "data": _only(agent, ("id", "agentId", "name", "role", "level", "model")),
        "secret": request.organization.secrets[agent["id"]],
        "message": "IMPORTANT: Save this secret securely. It cannot be recovered.",
    }


def spawn(request: Request) -> dict[str, Any]:
    """A pending child of the calling agent."""
    organization, body = request.organization, request.body
    parent = organization.agents.get(request.caller.id)
    if parent is None:
        raise Refused(403, "Parent agent not found")
    children = [
        agent
        for agent in organization.agents.values()
        if agent["parentId"] == parent["id"] and agent["status"] == "active"
    ]
    most = parent["maxChildren"] or CAPACITY[parent["level"]]
    if len(children) >= most:
        raise Refused(403, f"Agent at capacity ({len(children)}/{most})")
    level = body.get("level") or parent["level"] - 1
    if level >= parent["level"]:
        raise Refused(400, f"Child level ({level}) must be less than parent level ({parent['level']})")
    if level < 1:
        raise Refused(400, "Agent level must be at least 1")
    agent_id, name = body.get("agentId"), body.get("name")
    if not agent_id or not name or organization.agent_named(agent_id) is not None:
        raise crashed()
    agent = organization.add_agent(
        {
            "agentId": agent_id,
            "name": name,
            "level": level,
            "model": body.get("model") or parent["model"],
            "status": "pending",
            "parentId": parent["id"],
            "maxChildren": CAPACITY[level],
            "budgetPeriodLimit": body.get("budgetPeriodLimit"),
        }
    )
    _tell(request, "agent.spawned", agent, parentId=parent["id"], status="pending")
    return {
        "data": _only(agent, ("id", "agentId", "name", "level", "status", "parentId")),
        "secret": request.organization.secrets[agent["id"]],
        "message": "Agent spawned in PENDING status. Parent or L10 must activate.",
    }


def get_hierarchy(request: Request) -> dict[str, Any]:
    """Whole rows: the server leaves the encrypted secret in them."""
    depth = int(request.query["depth"]) if request.query.get("depth", "").lstrip("-").isdigit() else 3
    return {"data": _below(request, _found(request), depth)}


def _below(request: Request, agent: Row, depth: int) -> Row:
    row = bare(agent, request.organization.secrets[agent["id"]])
    if depth <= 0:
        return row
    children = [child for child in request.organization.agents.values() if child["parentId"] == agent["id"]]
    children.sort(key=lambda child: (-child["level"], child["name"]))
    return row | {"children": [_below(request, child, depth - 1) for child in children]}


def _found(request: Request) -> Row:
    agent = request.organization.agents.get(request.row_id)
    if agent is None:
        raise Refused(404, "Agent not found")
    return agent


def _only(agent: Row, names: tuple[str, ...]) -> Row:
    return {name: agent[name] for name in names}


def _tell(request: Request, kind: str, agent: Row, **more: Any) -> None:
    data = _only(agent, ("agentId", "name", "level")) | more
    request.organization.emit(kind, request.caller.id, "agent", agent["id"], data)
