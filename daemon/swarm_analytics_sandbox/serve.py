"""The sandbox as a process: one JSON line when it is ready, then it serves until it is stopped."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import struct
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from swarm_analytics_models.services import contracts
from swarm_analytics_sandbox.app import ABORT, SandboxApp
from swarm_analytics_sandbox.faults import ScriptError, load_script
from swarm_analytics_sandbox.service import KEPT, Service
from swarm_analytics_sandbox.tokens import TOKEN_LIFE_S

USAGE: Final = 2
FAILURE: Final = 1


class ResettableProtocol(HttpToolsProtocol):
    """Lets the application reset its connection."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"call": self._reset}}

    def _reset(self) -> None:
        connection = self.transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


def run(
    port: int = 0,
    script: Path | None = None,
    *,
    ledger: Path | None = None,
    token_life_s: float = TOKEN_LIFE_S,
    keep: int = KEPT,
    parent_pipe: bool = False,
    names: Sequence[str] | None = None,
) -> int:
    """Serve on 127.0.0.1 until SIGTERM, Ctrl-C or, with `parent_pipe`, the end of stdin.

    `names` are the services that it stands in for; None: all. Returns the exit code; errors are said on
    stderr.
    """
    known = contracts()
    if unknown := sorted(set(names or ()) - set(known)):
        return _fail(f"no service {', '.join(unknown)}. Name some of {', '.join(known)}.", USAGE)
    chosen = {name: known[name] for name in names or known}
    try:
        faults = None if script is None else load_script(script)
        service = Service(chosen, script=faults, ledger=ledger, token_life_s=token_life_s, keep=keep)
    except ScriptError as error:
        return _fail(str(error), USAGE)
    except (OSError, ValueError) as error:
        return _fail(
            f"ledger {ledger} cannot be used ({error}). Name another file, or remove this one.", FAILURE
        )
    try:
        listener = _listen(port)
    except OSError as error:
        return _fail(
            f"port {port} cannot be used ({error.strerror}). Choose another, or leave --port out.", FAILURE
        )
    with asyncio.Runner(loop_factory=_loop_factory()) as runner, contextlib.suppress(KeyboardInterrupt):
        runner.run(_serve(SandboxApp(service), listener, parent_pipe))
    return 0


def _fail(message: str, code: int) -> int:
    sys.stderr.write(f"sandbox: {message}\n")
    return code


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
    except (OSError, OverflowError):
        listener.close()
        raise
    return listener


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _serve(app: SandboxApp, listener: socket.socket, parent_pipe: bool) -> None:
    """Drive uvicorn's protocol on a server of our own: it stops at once, whatever hangs in it."""
    config = uvicorn.Config(
        app, http=ResettableProtocol, ws="none", lifespan="off", access_log=False, log_level="warning"
    )
    config.load()
    state = ServerState()
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):  # Windows' loops have none; there the process just ends
        loop.add_signal_handler(signal.SIGTERM, stopped.set)
    if parent_pipe:
        threading.Thread(target=_await_end_of_stdin, args=(loop, stopped), daemon=True).start()
    server = await loop.create_server(
        lambda: ResettableProtocol(config, state, {}), sock=listener, backlog=1024
    )
    host, port = listener.getsockname()
    ready = {"ready": True, "pid": os.getpid(), "base_url": f"http://{host}:{port}"}
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    try:
        await stopped.wait()
    finally:
        server.close()


def _await_end_of_stdin(loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> None:
    while os.read(0, 4096):
        pass
    with contextlib.suppress(RuntimeError):  # the loop has ended by itself
        loop.call_soon_threadsafe(stopped.set)
