"""The daemon put together: what starts in which order, what stops it, and in what time it has stopped."""

import asyncio
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Final, cast

from swarm_analytics_models.exits import Exit
from swarm_analytics_models.handoff import PROTOCOL
from swarm_analytics_models.home import Home
from swarm_analytics_models.private import UnsafePath
from swarm_analytics_models.services import contracts
from swarm_analyticsd import VERSION, policy
from swarm_analyticsd.clock import SystemClock, system_chance
from swarm_analyticsd.homedir import HomeLock, HomeTaken, prepare_home, take_home
from swarm_analyticsd.intake.late import LateDispatcher
from swarm_analyticsd.intake.listener import Listeners, announce, listen_loopback, listen_unix
from swarm_analyticsd.intake.reception import Reception
from swarm_analyticsd.logs import configure_logging
from swarm_analyticsd.outbox.context import Limits
from swarm_analyticsd.outbox.errors import OutboxError
from swarm_analyticsd.settings import Configuration, UnfitSettings, load_configuration
from swarm_analyticsd.upkeep import Upkeep
from swarm_analyticsd.watched import WatchedOutbox

if TYPE_CHECKING:
    from swarm_analyticsd.outward import Outward

log: Final = logging.getLogger(__name__)
DAY_S: Final = 86_400.0


def serve(home: Home, flags: Mapping[str, object]) -> int:
    """Serve a home until told to stop; the exit code. `flags` that are None or absent were not given."""
    _harden()
    settings = {name: value for name, value in flags.items() if name != "parent_pipe"}
    try:
        prepare_home(home)
        lock = take_home(home)
    except HomeTaken as taken:
        hint = "Use that daemon, or stop it: swarm-analyticsd stop --wait; if it hangs: kill -9 "
        hint += str(taken.pid or "its id")
        return _explain(str(taken), hint, Exit.HOME_TAKEN)
    except UnsafePath as error:
        return _explain(error.message, error.hint, Exit.UNFIT)
    except OSError as error:
        return _explain(f"the home cannot be used: {error}", "Choose a writable one with --home.", Exit.UNFIT)
    try:
        configuration = load_configuration(home, settings)
        configure_logging(configuration.settings.log_level)
        daemon = Daemon(home, lock, configuration, parent_pipe=bool(flags.get("parent_pipe")))
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(daemon.run())
    except (UnsafePath, UnfitSettings, OutboxError) as error:
        return _explain(error.message, error.hint, Exit.UNFIT)
    except Exception:
        log.exception("the daemon failed")
        return Exit.INTERNAL
    finally:
        lock.release()
    return Exit.FINE


class Daemon:
    """One run over one home, whose lock the caller holds."""

    def __init__(
        self, home: Home, lock: HomeLock, configuration: Configuration, *, parent_pipe: bool
    ) -> None:
        self._home = home
        self._lock = lock
        self._configuration = configuration
        self._parent_pipe = parent_pipe
        self._clock = SystemClock()
        self._chance = system_chance()
        self._started_at = self._clock.monotonic()
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Begin to stop. From here on the process ends in bounded time, whatever hangs."""
        if not self._stopping.is_set():
            self._stopping.set()
            log.info("stopping")
            watchdog = threading.Timer(policy.STOP_TOTAL_S, os._exit, (Exit.FINE,))
            watchdog.daemon = True
            watchdog.start()

    async def run(self) -> None:
        """Returns when it was told to stop and has. Raises UnsafePath and OutboxError before it is ready."""
        self._watch_signals()
        if self._parent_pipe:
            self._watch_parent()
        outbox = await self._open_outbox()
        try:
            listeners = self._listen()
            try:
                await self._serve(outbox, listeners)
            finally:
                self._withdraw(listeners)
                listeners.close()
        finally:
            await _within_step("the outbox", outbox.close())

    async def _serve(self, outbox: WatchedOutbox, listeners: Listeners) -> None:
        late = LateDispatcher()
        reception = Reception(
            self._home,
            outbox=outbox,
            dispatcher=late,
            contracts=contracts(),
            consent=outbox.recovery.consent,
            decided=outbox.recovery.decided,
            clock=self._clock,
            chance=self._chance,
        )
        outward: Outward | None = None
        upkeep = Upkeep(outbox, self._clock, on_dropped=reception.dropped, on_jump=late.nudge)
        ticking = asyncio.create_task(self._tick(upkeep, reception))
        try:
            reception.open(listeners.handoff)
            announce(self._home, listeners)
            if listeners.handoff is not None:
                self._say_ready(listeners)
            outward = await self._load_outward(outbox, listeners, reception, late)
            await outward.start()
            if listeners.handoff is None:
                self._say_ready(listeners)
            await self._stopping.wait()
        finally:
            ticking.cancel()
            await asyncio.wait([ticking])
            self._withdraw(listeners)
            if outward is not None:
                await _within_step("the HTTP API", outward.stop_serving())
            await _within_step("hand-off", reception.close())
            if outward is not None:
                await _within_step("delivery", outward.stop_delivering())

    async def _open_outbox(self) -> WatchedOutbox:
        settings = self._configuration.settings
        limits = Limits(
            max_bytes=settings.max_outbox_bytes,
            max_age_s=settings.max_age_days * DAY_S,
            trail_age_s=settings.trail_days * DAY_S,
        )
        opened = await WatchedOutbox.open(
            self._home, durability=settings.durability, clock=self._clock, limits=limits
        )
        outbox = cast("WatchedOutbox", opened)
        for warning in outbox.warnings:
            log.warning("%s", warning)
        return outbox

    def _listen(self) -> Listeners:
        if self._configuration.settings.listen == "loopback":
            return listen_loopback(self._home)
        return listen_unix(self._home)

    def _withdraw(self, listeners: Listeners) -> None:
        """Let nobody find us any more. In a wiped home the files of these names are our successor's."""
        if self._lock.in_place:
            listeners.withdraw()

    async def _load_outward(
        self, outbox: WatchedOutbox, listeners: Listeners, reception: Reception, late: LateDispatcher
    ) -> "Outward":
        """Import, in a thread, what hand-off can do without, and build it. HTTP waits in the backlog."""
        outward = await asyncio.to_thread(import_module, "swarm_analyticsd.outward")
        parts = outward.Parts(
            home=self._home,
            configuration=self._configuration,
            listeners=listeners,
            outbox=outbox,
            reception=reception,
            late=late,
            clock=self._clock,
            chance=self._chance,
            started_at=self._started_at,
            stop=self.stop,
        )
        built: Outward = outward.Outward(parts)
        return built

    async def _tick(self, upkeep: Upkeep, reception: Reception) -> None:
        """The one wake-up a minute; also when the process goes on after it was stopped."""
        loop = asyncio.get_running_loop()
        continued = asyncio.Event()
        if sys.platform != "win32":
            loop.add_signal_handler(signal.SIGCONT, continued.set)
        while True:
            if not self._lock.in_place:
                log.warning("%s was wiped: the daemon ends, for another one to serve it", self._home.root)
                self.stop()
                return
            reception.journals.scan_soon()
            reception.erasure.make_up()
            try:
                await upkeep.round()
            except Exception:
                log.exception("upkeep failed; it is tried again in a minute")
            continued.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(policy.SCAN_INTERVAL_S):
                    await continued.wait()

    def _say_ready(self, listeners: Listeners) -> None:
        ready = {
            "ready": True,
            "pid": os.getpid(),
            "address": listeners.address,
            "home": str(self._home.root),
            "version": VERSION,
            "protocol": PROTOCOL,
        }
        try:
            print(json.dumps(ready), flush=True)  # noqa: T201  the one line that `run` promises on stdout
        except OSError as error:
            log.warning("nobody reads that the daemon is ready: %s", error)

    def _watch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK"):
            number = getattr(signal, name, None)
            if number is None:
                continue
            if sys.platform == "win32":
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(self.stop))
            else:
                loop.add_signal_handler(number, self.stop)

    def _watch_parent(self) -> None:
        """Stop when stdin closes: whoever started us is gone, or wants us to be."""
        loop = asyncio.get_running_loop()

        def watch() -> None:
            with suppress(OSError):
                while os.read(0, 4096):
                    continue
            with suppress(RuntimeError):  # the loop has ended by itself
                loop.call_soon_threadsafe(self.stop)

        threading.Thread(target=watch, name="parent-pipe", daemon=True).start()


async def _within_step(what: str, ending: Awaitable[None]) -> None:
    """Await one step of stopping; the next ones come, whatever becomes of it."""
    try:
        async with asyncio.timeout(policy.STOP_STEP_S):
            await ending
    except TimeoutError:
        log.warning("%s did not stop within %.0f s and is left behind", what, policy.STOP_STEP_S)
    except Exception:
        log.exception("%s did not stop well", what)


def _harden() -> None:
    """Files for this user alone; no core dumps, which would hold credentials; descriptors enough."""
    os.umask(policy.UMASK)
    if sys.platform != "win32":
        import resource

        # One byte, not none: Linux hands cores to a program such as systemd-coredump even at a limit of 0.
        least = 1 if sys.platform == "linux" else 0
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        least = least if hard == resource.RLIM_INFINITY else min(least, hard)
        resource.setrlimit(resource.RLIMIT_CORE, (least, least))
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = policy.DESCRIPTORS if hard == resource.RLIM_INFINITY else min(policy.DESCRIPTORS, hard)
        if soft != resource.RLIM_INFINITY and soft < most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def _explain(message: str, hint: str, code: int) -> int:
    sys.stderr.write(f"swarm-analyticsd: {message}.\n  {hint}\n")
    return code
