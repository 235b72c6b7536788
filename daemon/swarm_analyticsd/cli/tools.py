"""Commands that need no daemon: sandbox, demo."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from swarm_analyticsd.cli.options import HomeOption


def sandbox(
    context: typer.Context,
    port: Annotated[
        int, typer.Option("--port", metavar="N", min=0, max=65535, help="Listen here; 0 takes a free port.")
    ] = 0,
    script: Annotated[
        Path | None,
        typer.Option("--script", metavar="FILE", help="JSON file of faults to play.", show_default=False),
    ] = None,
    home: HomeOption = None,
) -> None:
    """Run a stand-in for the services, to develop against.

    It listens on 127.0.0.1, has no home, and prints one JSON line with its base URL. More options are
    listed by: python -m swarm_analytics_sandbox --help
    """
    command = [sys.executable, "-m", "swarm_analytics_sandbox", "--port", str(port)]
    if script is not None:
        command += ["--script", str(script)]
    command += context.args
    if sys.platform == "win32":
        raise typer.Exit(subprocess.run(command, check=False).returncode)
    os.execv(sys.executable, command)  # noqa: S606


def demo(home: HomeOption = None) -> None:
    """Watch real processes fail, and no event get lost.

    It makes a home of its own, and removes it.
    """
    from swarm_analyticsd.cli.demo import demo

    raise typer.Exit(demo())
