"""The table of commands."""

from collections.abc import Sequence
from typing import Final

import typer

from swarm_analyticsd.cli import credential as credentials
from swarm_analyticsd.cli import look, provide, run, steer, tools

PASS_ON: Final = {"allow_extra_args": True, "ignore_unknown_options": True}
"""Context of a command whose further arguments another parser reads."""


def _table(help_text: str) -> typer.Typer:
    return typer.Typer(
        help=help_text,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


app: Final = _table("Takes analytics events from apps and loses none on the way to their service.")
dead: Final = _table("Rejected events: list, show, retry, drop.")
credential: Final = _table("Secrets of destinations: they go in, never out.")


@app.command("run", context_settings=PASS_ON, add_help_option=False, help=run.DESCRIPTION)
def _run(context: typer.Context) -> None:
    raise typer.Exit(run.run(context.args))


app.command("status")(look.status)
app.command("why")(look.why)
app.command("events")(look.events)
app.add_typer(dead, name="dead")
dead.command("list")(look.dead_list)
dead.command("show")(look.dead_show)
dead.command("retry")(steer.dead_retry)
dead.command("drop")(steer.dead_drop)
app.command("flush")(steer.flush)
app.command("pause")(steer.pause)
app.command("resume")(steer.resume)
app.command("stop")(steer.stop)
app.command("register")(provide.register)
app.command("consent")(provide.consent)
app.add_typer(credential, name="credential")
credential.command("set")(credentials.set_)
credential.command("list")(credentials.list_)
credential.command("remove")(credentials.remove)
app.command("config")(look.config)
app.command("sandbox", context_settings=PASS_ON)(tools.sandbox)
app.command("demo")(tools.demo)
app.command("version")(look.version)


def run_app(arguments: Sequence[str]) -> int:
    """Run one command. Ends in SystemExit with its exit code: 2 for wrong usage, explained on stderr."""
    app(args=list(arguments), prog_name="swarm-analyticsd")
    return 0
