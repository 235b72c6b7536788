"""Commands that steer the running daemon: flush, pause, resume, stop, dead retry, dead drop."""

import time
from typing import Annotated

import typer

from swarm_analytics.channel import START_HINT
from swarm_analytics_models.api import DeadAction, FlushRequest, PauseRequest
from swarm_analytics_models.home import resolve_home
from swarm_analyticsd.cli import policy
from swarm_analyticsd.cli.exits import CommandError, Exit
from swarm_analyticsd.cli.link import Daemon, NoDaemon
from swarm_analyticsd.cli.options import HomeOption, OptionalService, ServiceOption
from swarm_analyticsd.cli.progress import flush_with_progress
from swarm_analyticsd.cli.screen import remark, say
from swarm_analyticsd.cli.words import amount, events, visible, wait

EventIds = Annotated[
    list[str] | None, typer.Argument(metavar="ID", help="These dead events.", show_default=False)
]
AllOption = Annotated[bool, typer.Option("--all", help="All dead events.")]


def flush(
    home: HomeOption = None,
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="S", min=0, max=86_400, help="Seconds to wait at most.")
    ] = policy.FLUSH_TIMEOUT_S,
) -> None:
    """Send what waits, now, and wait until nothing is left.

    Back-off is cut short, but not a delay that the service asked for. Exit 1 when the time is up first.
    """
    answer = flush_with_progress(Daemon(resolve_home(home)), FlushRequest(timeout_s=timeout))
    if answer.drained:
        say("Drained: nothing is left to send.")
        return
    say(f"Not drained: {wait(answer.pending)}.")
    remark("To see why: swarm-analyticsd status")
    raise typer.Exit(Exit.NO)


def pause(service: OptionalService = None, home: HomeOption = None) -> None:
    """Send nothing until `resume`, over restarts too.

    Events are still accepted and kept.
    """
    Daemon(resolve_home(home)).pause(PauseRequest(service=service))
    name = visible(service) if service else ""
    say(f"Paused {name or 'every service'}. To send again: swarm-analyticsd resume {name}".rstrip())


def resume(service: OptionalService = None, home: HomeOption = None) -> None:
    """Send again what `pause` kept back."""
    Daemon(resolve_home(home)).resume(PauseRequest(service=service))
    say(f"Resumed {visible(service) if service else 'every service'}.")


def stop(
    home: HomeOption = None,
    wait_for_end: Annotated[bool, typer.Option("--wait", help="Return only when it has ended.")] = False,
) -> None:
    """End the daemon. What it has not sent stays in the home."""
    daemon = Daemon(resolve_home(home))
    try:
        pid = daemon.stop().pid
    except NoDaemon as none:
        raise NoDaemon(none.message, none.hint.replace(START_HINT, "There is nothing to stop.")) from none
    if not wait_for_end:
        say(f"The daemon (pid {pid}) is stopping.")
        return
    until = time.monotonic() + policy.STOP_PATIENCE_S
    while daemon.holds_home(pid):
        if time.monotonic() > until:
            raise CommandError(
                f"The daemon (pid {pid}) has not ended within {policy.STOP_PATIENCE_S:.0f} s.",
                f"Nothing is lost by ending it the hard way: kill -9 {pid}",
                Exit.NO,
            )
        time.sleep(policy.STOP_POLL_S)
    say(f"The daemon (pid {pid}) has ended.")


def dead_retry(
    ids: EventIds = None,
    home: HomeOption = None,
    service: ServiceOption = None,
    everything: AllOption = False,
) -> None:
    """Send dead events again: by id, of a service, or all.

    They keep their ids.
    """
    changed = Daemon(resolve_home(home)).dead_retry(_chosen(ids, service, everything=everything))
    _report(changed, "sent again", ids)


def dead_drop(
    ids: EventIds = None,
    home: HomeOption = None,
    service: ServiceOption = None,
    everything: AllOption = False,
) -> None:
    """Give dead events up: by id, of a service, or all.

    The ledger counts them as evicted.
    """
    changed = Daemon(resolve_home(home)).dead_drop(_chosen(ids, service, everything=everything))
    _report(changed, "dropped", ids)


def _chosen(ids: list[str] | None, service: str | None, *, everything: bool) -> DeadAction:
    if [bool(ids), service is not None, everything].count(True) != 1:
        raise CommandError(
            "Name either ids, or --service NAME, or --all.",
            "Ids are listed by: swarm-analyticsd dead list",
            Exit.USAGE,
        )
    return DeadAction(ids=ids or [], service=service, everything=everything)


def _report(changed: int, done: str, ids: list[str] | None) -> None:
    if changed == 0:
        raise CommandError("No such dead event.", "They are listed by: swarm-analyticsd dead list", Exit.NO)
    say(f"{events(changed)} {done}.")
    if unknown := len(set(ids or [])) - changed:
        remark(f"{amount(unknown)} of the ids named no dead event.")
