"""`status --watch`: the page, drawn anew in place; plain lines where there is no terminal."""

import json
import sys
import time

from swarm_analyticsd.cli import policy
from swarm_analyticsd.cli.link import Daemon, NoDaemon
from swarm_analyticsd.cli.screen import say, styled
from swarm_analyticsd.cli.status_page import Line, Tone, status_page


def watch_status(daemon: Daemon, *, as_json: bool) -> None:
    """Shows until Ctrl-C. While no daemon runs that is said, and one that comes is shown."""
    try:
        if as_json or not sys.stdout.isatty():
            _plainly(daemon, as_json=as_json)
        else:
            _in_place(daemon)
    except KeyboardInterrupt:
        return


def _in_place(daemon: Daemon) -> None:
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(highlight=False), auto_refresh=False) as live:
        while True:
            live.update(styled(_page(daemon)), refresh=True)
            time.sleep(policy.WATCH_INTERVAL_S)


def _plainly(daemon: Daemon, *, as_json: bool) -> None:
    while True:
        if as_json:
            say(_json_line(daemon))
        else:
            say("\n".join((time.strftime("--- %H:%M:%S"), *(line.text for line in _page(daemon)))))
        time.sleep(policy.WATCH_INTERVAL_S)


def _json_line(daemon: Daemon) -> str:
    try:
        return json.dumps(daemon.status().model_dump(mode="json"), ensure_ascii=True)
    except NoDaemon as gone:
        return json.dumps({"daemon": None, "error": gone.message})


def _page(daemon: Daemon) -> tuple[Line, ...]:
    try:
        return status_page(daemon.status(), time.time())
    except NoDaemon as gone:
        return (Line(f"NOT WELL: {gone.message}", Tone.BAD), Line(f"  -> {gone.hint}"))
