"""Commands that tell the daemon what it needs to know: register, consent."""

from typing import Annotated

import typer
from pydantic import ValidationError

from swarm_analytics_models.api import RegisterRequest
from swarm_analytics_models.categories import ConsentMode
from swarm_analytics_models.home import resolve_home
from swarm_analyticsd.cli import policy
from swarm_analyticsd.cli.exits import CommandError, Exit
from swarm_analyticsd.cli.link import Daemon
from swarm_analyticsd.cli.options import HomeOption, JsonOption, OptionalService
from swarm_analyticsd.cli.screen import remark, say, say_json
from swarm_analyticsd.cli.source import source
from swarm_analyticsd.cli.words import amount, visible


def register(
    service: Annotated[
        str, typer.Option("--service", metavar="NAME", help="The service, such as openswarm.")
    ],
    base_url: Annotated[str, typer.Option("--base-url", metavar="URL", help="Where the service is.")],
    install_id: Annotated[
        str, typer.Option("--install-id", metavar="ID", help="Who this installation is to the service.")
    ],
    home: HomeOption = None,
) -> None:
    """Make a destination known and get its credential.

    Prints the reference that stands for the credential in apps; it holds no secret.
    """
    try:
        request = RegisterRequest(
            service=service, base_url=base_url, identity=install_id, wait_s=policy.REGISTER_WAIT_S
        )
    except ValidationError as error:
        raise CommandError(
            f"--install-id has {len(install_id)} characters.", "It must have 1 to 128.", Exit.USAGE
        ) from error
    answer = Daemon(resolve_home(home)).register(request)
    say(visible(answer.reference))
    remark(f"Destination {visible(answer.destination)}: credential {visible(answer.credential)}.")


def consent(
    mode: Annotated[
        ConsentMode, typer.Argument(metavar="MODE", help="full, minimal or hold.", show_default=False)
    ],
    service: OptionalService = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set what a service may be sent.

    full: everything. minimal: no product events; those that wait are erased before this returns.
    hold: product events are kept back until you decide.
    """
    with source(resolve_home(home)) as known:
        answer = known.consent(mode, service)
        if as_json:
            say_json(answer)
        else:
            meant = [name for name in sorted(answer.consent) if service in (None, name)]
            for name in meant:
                say(f"{visible(name)}: {answer.consent[name]}")
            if mode is ConsentMode.MINIMAL:
                say(f"{amount(answer.withdrawn)} withdrawn and erased.")
        if answer.journals_left:
            remark(
                f"{len(answer.journals_left)} journals of running apps hold lines that were not taken yet; "
                "what they hold is muted and erased as soon as it is taken."
            )
        known.end(Exit.FINE)
