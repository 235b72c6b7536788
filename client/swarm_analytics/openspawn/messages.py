"""``client.messages``"""

import builtins

from swarm_analytics._generated.openspawn.async_namespaces import AsyncMessagesNamespace
from swarm_analytics._generated.openspawn.namespaces import MessagesNamespace
from swarm_analytics.openspawn.models import Message, SendMessageRequest


class Messages:
    """Messages in channels. Ids are the server's UUIDs."""

    def __init__(self, messages: MessagesNamespace) -> None:
        self._messages = messages

    def send(self, request: SendMessageRequest) -> Message:
        """Send a message; a channel that there is not the server answers with a 500."""
        return self._messages.send(
            channel_id=request.channel_id,
            type=request.type,
            body=request.body,
            parent_message_id=request.parent_message_id,
            metadata=request.metadata,
        ).data

    def list(self, channel_id: str, *, limit: int = 50, before: str | None = None) -> builtins.list[Message]:
        """The newest `limit` messages of a channel, of those before the message `before`, in their order."""
        return self._messages.list(channel_id=channel_id, limit=limit, before=before).data

    def get_thread(self, message_id: str) -> builtins.list[Message]:
        """The replies to a message, in their order."""
        return self._messages.get_thread(id=message_id).data


class AsyncMessages:
    """As `Messages`, for asyncio."""

    def __init__(self, messages: AsyncMessagesNamespace) -> None:
        self._messages = messages

    async def send(self, request: SendMessageRequest) -> Message:
        """Send a message; see `Messages.send`."""
        answer = await self._messages.send(
            channel_id=request.channel_id,
            type=request.type,
            body=request.body,
            parent_message_id=request.parent_message_id,
            metadata=request.metadata,
        )
        return answer.data

    async def list(
        self, channel_id: str, *, limit: int = 50, before: str | None = None
    ) -> builtins.list[Message]:
        """The newest messages of a channel; see `Messages.list`."""
        return (await self._messages.list(channel_id=channel_id, limit=limit, before=before)).data

    async def get_thread(self, message_id: str) -> builtins.list[Message]:
        """The replies to a message, in their order."""
        return (await self._messages.get_thread(id=message_id)).data
