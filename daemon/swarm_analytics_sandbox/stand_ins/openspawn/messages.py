"""Messages in channels."""

import uuid
from typing import Any

from swarm_analytics_sandbox.stand_ins.openspawn.organization import ORGANIZATION
from swarm_analytics_sandbox.stand_ins.openspawn.refused import crashed
from swarm_analytics_sandbox.stand_ins.openspawn.request import Request
from swarm_analytics_sandbox.stand_ins.openspawn.rules import stored_uuid


def send(request: Request) -> dict[str, Any]:
    organization, body = request.organization, request.body
    parent = body.get("parentMessageId")
    if body["channelId"] not in organization.channels or (parent and parent not in organization.messages):
        raise crashed()
    message = {
        "id": str(uuid.uuid4()),
        "orgId": ORGANIZATION,
        "channelId": body["channelId"],
        "senderId": request.acting(),
        "recipientId": None,
        "type": body["type"],
        "body": body["body"],
        "parentMessageId": parent,
        "metadata": body.get("metadata") or {},
        "createdAt": organization.stamp(),
    }
    organization.messages[message["id"]] = message
    data = {"channelId": message["channelId"], "type": message["type"], "hasParent": parent is not None}
    organization.emit("message.sent", message["senderId"], "message", message["id"], data)
    return {"data": message}


def list_messages(request: Request) -> dict[str, Any]:
    """In the order in which they were sent; of no channel where none is named."""
    limit, channel = request.whole("limit", 50), request.query.get("channelId")
    if not channel:
        return {"data": []}
    channel_id = stored_uuid(channel)
    known = [
        message for message in request.organization.messages.values() if message["channelId"] == channel_id
    ]
    if before := request.query.get("before"):
        before_id = stored_uuid(before)
        ids = [message["id"] for message in known]
        known = known[: ids.index(before_id)] if before_id in ids else known
    return {"data": known[-limit:]}


def thread(request: Request) -> dict[str, Any]:
    parent = request.row_id
    messages = request.organization.messages.values()
    return {"data": [message for message in messages if message["parentMessageId"] == parent]}
