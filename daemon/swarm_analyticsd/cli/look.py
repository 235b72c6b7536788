"""Commands that look and change nothing: status, why, events, dead list, dead show, config, version."""

import time
from typing import Annotated

import typer

from swarm_analytics_models.api import EventAnswer
from swarm_analytics_models.handoff import PROTOCOL
from swarm_analytics_models.home import Home, resolve_home
from swarm_analyticsd import VERSION
from swarm_analyticsd.cli.event_page import body_text, event_list, setting_list, story
from swarm_analyticsd.cli.exits import CommandError, Exit
from swarm_analyticsd.cli.link import Daemon, NoDaemon
from swarm_analyticsd.cli.options import (
    BodyOption,
    EventId,
    HomeOption,
    JsonOption,
    LimitOption,
    ServiceOption,
    StateOption,
)
from swarm_analyticsd.cli.screen import remark, say, say_json, say_page
from swarm_analyticsd.cli.source import source
from swarm_analyticsd.cli.status_page import status_page
from swarm_analyticsd.cli.words import visible


def status(
    home: HomeOption = None,
    as_json: JsonOption = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show it anew every second until Ctrl-C.")] = False,
) -> None:
    """Say whether all is well, and if not, what to do.

    Exit 1 when the ledger does not balance.
    """
    chosen = resolve_home(home)
    if watch:
        from swarm_analyticsd.cli.watch import watch_status

        watch_status(Daemon(chosen), as_json=as_json)
        return
    with source(chosen) as known:
        found = known.status()
        if as_json:
            say_json(found)
        else:
            say_page(status_page(found, time.time()))
        known.end(Exit.FINE if found.ledger.balanced else Exit.NO)


def events(
    home: HomeOption = None,
    state: StateOption = None,
    service: ServiceOption = None,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
) -> None:
    """List events, the newest first, never their bodies."""
    _list(resolve_home(home), state and state.value, service, limit, as_json=as_json)


def dead_list(
    home: HomeOption = None,
    service: ServiceOption = None,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
) -> None:
    """List the events that were rejected, with the reason."""
    _list(resolve_home(home), "dead", service, limit, as_json=as_json)


def _list(home: Home, state: str | None, service: str | None, limit: int, *, as_json: bool) -> None:
    with source(home) as known:
        answer = known.events(state, service, limit)
        if as_json:
            say_json(answer)
        elif answer.events:
            say("\n".join(event_list(answer.events, time.time())))
        else:
            remark("No such events.")
        known.end(Exit.FINE)


def why(
    event_id: EventId, home: HomeOption = None, body: BodyOption = False, as_json: JsonOption = False
) -> None:
    """Tell where an event is, why, and what happens next.

    Exit 1 when the id is unknown.
    """
    _tell(resolve_home(home), event_id, body=body, as_json=as_json, state=None)


def dead_show(
    event_id: EventId, home: HomeOption = None, body: BodyOption = False, as_json: JsonOption = False
) -> None:
    """Tell a dead event's story; --body shows what was rejected."""
    _tell(resolve_home(home), event_id, body=body, as_json=as_json, state="dead")


def _tell(home: Home, event_id: str, *, body: bool, as_json: bool, state: str | None) -> None:
    with source(home) as known:
        found = tuple(
            event for event in known.event(event_id, body=body).events if state in (None, event.state)
        )
        if not found:
            remark(f"No {state or 'known'} event has the id {visible(event_id)}.")
            remark("Ids are listed by: swarm-analyticsd events. Ended events are forgotten after some days.")
            known.end(Exit.NO)
        elif as_json:
            say_json(EventAnswer(events=list(found)))
        else:
            now = time.time()
            for event in found:
                say("\n".join((*story(event, now), *((body_text(event),) if body else ()))))
        known.end(Exit.FINE)


def config(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the running daemon's settings, and what set each."""
    answer = Daemon(resolve_home(home)).config()
    if as_json:
        say_json(answer)
    else:
        say("\n".join(setting_list(answer)))


def version(home: HomeOption = None) -> None:
    """Print this program's version, and the daemon's if it differs."""
    say(f"swarm-analyticsd {VERSION} (protocol {PROTOCOL})")
    try:
        running = Daemon(resolve_home(home)).version()
    except (NoDaemon, CommandError):
        return
    if running.version != VERSION:
        say(f"running daemon: {visible(running.version)} (protocol {running.protocol}), pid {running.pid}")
