"""Lets connections in: of this user's processes only, and so many at a time."""

import asyncio
import logging
import os
import socket
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final

from swarm_analyticsd import policy
from swarm_analyticsd.intake.peer import Peer, peer_of

log: Final = logging.getLogger(__name__)


class Gate:
    """Accepts on one listening socket and serves each connection in a task; closes it when that is done."""

    def __init__(self, listening: socket.socket, serve: Callable[[socket.socket], Awaitable[None]]) -> None:
        self._listening = listening
        self._serve = serve
        self._connections: set[asyncio.Task[None]] = set()
        self._by_process: Counter[int] = Counter()
        self._accepting: asyncio.Task[None] | None = None

    def open(self) -> None:
        self._accepting = asyncio.create_task(self._accept())

    async def close(self) -> None:
        """Accept no more, and end what is open."""
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.wait([self._accepting])
        for connection in self._connections:
            connection.cancel()
        if self._connections:
            await asyncio.wait(tuple(self._connections), timeout=policy.STOP_STEP_S)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(self._listening)
            except OSError as error:
                log.warning("no connection can be accepted: %s", error)
                await asyncio.sleep(policy.ACCEPT_PAUSE_S)
                continue
            self._let_in(connection)

    def _let_in(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        try:
            process = self._check(connection)
        except (PermissionError, OSError) as error:
            log.warning("a connection was turned away: %s", error)
            connection.close()
            return
        self._by_process[process] += 1
        task = asyncio.create_task(self._serve_one(connection))
        self._connections.add(task)
        task.add_done_callback(lambda done: self._let_out(done, process))

    def _check(self, connection: socket.socket) -> int:
        """The peer's process id. Raises PermissionError, OSError."""
        peer = peer_of(connection) if connection.family is not socket.AF_INET else Peer(uid=None, pid=None)
        if peer.uid is not None and peer.uid != os.geteuid():
            raise PermissionError(f"user id {peer.uid} is not ours")
        if len(self._connections) >= policy.MAX_CONNECTIONS:
            raise PermissionError(f"{policy.MAX_CONNECTIONS} connections are open")
        process = peer.pid or 0
        if process and self._by_process[process] >= policy.MAX_CONNECTIONS_PER_PROCESS:
            raise PermissionError(
                f"process {process} has {policy.MAX_CONNECTIONS_PER_PROCESS} connections open"
            )
        return process

    async def _serve_one(self, connection: socket.socket) -> None:
        try:
            await self._serve(connection)
        except Exception:
            log.exception("a connection failed")
        finally:
            connection.close()

    def _let_out(self, task: asyncio.Task[None], process: int) -> None:
        self._connections.discard(task)
        self._by_process[process] -= 1
        if not self._by_process[process]:
            del self._by_process[process]
