"""Tasks and their transitions."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from swarm_analytics_sandbox.stand_ins.openspawn.organization import ORGANIZATION, Row
from swarm_analytics_sandbox.stand_ins.openspawn.refused import Refused, crashed
from swarm_analytics_sandbox.stand_ins.openspawn.request import Request
from swarm_analytics_sandbox.stand_ins.openspawn.rules import stored_uuid

MOVES: Final[Mapping[str, tuple[str, ...]]] = {
    "backlog": ("todo", "cancelled"),
    "todo": ("in_progress", "blocked", "cancelled"),
    "in_progress": ("review", "blocked", "cancelled"),
    "review": ("done", "in_progress", "cancelled"),
    "blocked": ("todo", "in_progress", "cancelled"),
    "done": (),
    "cancelled": (),
}
_FILTERS: Final = ("assigneeId", "creatorId", "parentTaskId")


def create(request: Request) -> dict[str, Any]:
    organization, body = request.organization, request.body
    assignee, parent = body.get("assigneeId"), body.get("parentTaskId")
    if (assignee and assignee not in organization.agents) or (parent and parent not in organization.tasks):
        raise crashed()
    at, task_id = organization.stamp(), str(uuid.uuid4())
    task = {
        "id": task_id,
        "orgId": ORGANIZATION,
        "identifier": f"TASK-{len(organization.tasks) + 1}",
        "title": body["title"],
        "description": body.get("description"),
        "status": "backlog",
        "priority": body.get("priority") or "normal",
        "assigneeId": assignee,
        "creatorId": request.acting(),
        "parentTaskId": parent,
        "approvalRequired": bool(body.get("approvalRequired")),
        "approvedBy": None,
        "approvedAt": None,
        "dueDate": body.get("dueAt"),
        "completedAt": None,
        "metadata": body.get("metadata") or {},
        "deletedAt": None,
        "createdAt": at,
        "updatedAt": at,
        "tags": [
            {"id": str(uuid.uuid4()), "taskId": task_id, "tag": tag, "createdAt": at}
            for tag in body.get("tags") or ()
        ],
        "dependencies": [],
        "dependents": [],
    }
    organization.tasks[task_id] = task
    _tell(request, "task.created", task, title=task["title"], identifier=task["identifier"])
    return {"data": task}


def list_tasks(request: Request) -> dict[str, Any]:
    wanted = {name: stored_uuid(request.query[name]) for name in _FILTERS if request.query.get(name)}
    if request.query.get("status"):
        wanted["status"] = request.query["status"]
    tasks = [
        task
        for task in request.organization.tasks.values()
        if all(task[name] == value for name, value in wanted.items())
    ]
    return {"data": tasks[::-1]}


def get(request: Request) -> dict[str, Any]:
    return {"data": _found(request)}


def transition(request: Request) -> dict[str, Any]:
    task, status = _found(request), request.body["status"]
    before = task["status"]
    if status not in MOVES[before]:
        raise Refused(422, f"Invalid transition: {before} → {status}")
    if status == "done":
        if task["approvalRequired"] and not task["approvedAt"]:
            raise Refused(403, "Task requires approval before completion")
        task["completedAt"] = request.organization.stamp()
    _change(request, task, status=status)
    _tell(
        request, "task.transitioned", task, to=status, reason=request.body.get("reason"), **{"from": before}
    )
    return {"data": task}


def assign(request: Request) -> dict[str, Any]:
    task, assignee = _found(request), request.body["assigneeId"]
    if assignee not in request.organization.agents:
        raise crashed()
    before = task["assigneeId"]
    _change(request, task, assigneeId=assignee)
    _tell(request, "task.assigned", task, previousAssignee=before, newAssignee=assignee)
    return {"data": task}


def approve(request: Request) -> dict[str, Any]:
    task = _found(request)
    if not task["approvalRequired"]:
        raise Refused(409, "Task does not require approval")
    if task["approvedAt"]:
        raise Refused(409, "Task is already approved")
    _change(request, task, approvedAt=request.organization.stamp(), approvedBy=request.caller.id)
    _tell(request, "task.approved", task, identifier=task["identifier"])
    return {"data": task}


def _found(request: Request) -> Row:
    task = request.organization.tasks.get(request.row_id)
    if task is None:
        raise Refused(404, "Task not found")
    return task


def _change(request: Request, task: Row, **changes: Any) -> None:
    task.update(changes, updatedAt=request.organization.stamp())


def _tell(request: Request, kind: str, task: Row, **data: Any) -> None:
    request.organization.emit(kind, request.acting(), "task", task["id"], data)
