"""The command line. `main` is the program; the modules beside it hold the commands, a kind each."""

import io
import itertools
import os
import sys
from collections.abc import Sequence
from typing import Final

from swarm_analyticsd.cli.exits import CommandError, Exit

DEBUG_VARIABLE: Final = "SWARM_ANALYTICSD_DEBUG"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. Never a traceback, unless SWARM_ANALYTICSD_DEBUG is set."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return _dispatch(given)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else Exit.FINE
    except CommandError as error:
        _complain(error.message, error.hint)
        return error.code
    except Exception as error:
        if os.environ.get(DEBUG_VARIABLE):
            raise
        return _internal(error, given)


def _dispatch(arguments: list[str]) -> int:
    if arguments[:1] == ["run"]:
        from swarm_analyticsd.cli.run import run

        return run(arguments[1:])
    from swarm_analyticsd.cli.app import run_app

    return run_app(arguments)


def _internal(error: Exception, arguments: Sequence[str]) -> int:
    from swarm_analytics_models.home import resolve_home
    from swarm_analyticsd.cli.words import visible

    named = [after for option, after in itertools.pairwise(arguments) if option == "--home"]
    log = resolve_home(named[0] if named else None).log

    _complain(
        f"internal error: {type(error).__name__}: {visible(error, 300)}",
        f"The daemon's log is {visible(log)}. For the traceback set {DEBUG_VARIABLE}=1.",
    )
    return Exit.INTERNAL


def _complain(message: str, hint: str) -> None:
    sys.stderr.write(f"swarm-analyticsd: {message}\n  {hint}\n")
