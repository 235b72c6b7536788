"""Options that several commands take, declared once."""

from pathlib import Path
from typing import Annotated

import typer

from swarm_analyticsd import policy
from swarm_analyticsd.outbox.lifecycle import State

HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home",
        metavar="DIR",
        readable=False,  # not for the parser to judge: an unfit home has an exit code and a remedy of its own
        help="The daemon's home. Default: SWARM_ANALYTICSD_HOME, else the user's own.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON (in ASCII) for programs.")]
ServiceOption = Annotated[
    str | None, typer.Option("--service", metavar="NAME", help="Only this service.", show_default=False)
]
LimitOption = Annotated[
    int,
    typer.Option(
        "--limit", metavar="N", min=1, max=policy.EVENTS_LISTED, help="At most so many, the newest first."
    ),
]
BodyOption = Annotated[bool, typer.Option("--body", help="Also show the event's body, as JSON in ASCII.")]
OptionalService = Annotated[
    str | None, typer.Argument(metavar="SERVICE", help="Only this service; else all.", show_default=False)
]
EventId = Annotated[
    str, typer.Argument(metavar="ID", help="The submission id that the call returned.", show_default=False)
]
StateOption = Annotated[
    State | None,
    typer.Option("--state", metavar="STATE", help="Only events in this state.", show_default=False),
]
