"""Commands about secrets: they go in at a prompt or on stdin, and never come out."""

import sys
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from swarm_analytics_models.api import (
    CredentialRemoval,
    CredentialRequest,
    CredentialsAnswer,
    CredentialView,
)
from swarm_analytics_models.home import resolve_home
from swarm_analytics_models.identifiers import DESTINATION_PREFIX
from swarm_analytics_models.key_sources import DEFAULT_IDENTITY
from swarm_analytics_models.status import DestinationStatus
from swarm_analyticsd.cli.exits import CommandError, Exit
from swarm_analyticsd.cli.link import Daemon
from swarm_analyticsd.cli.options import HomeOption, JsonOption, OptionalService
from swarm_analyticsd.cli.screen import remark, say, say_json
from swarm_analyticsd.cli.source import source
from swarm_analyticsd.cli.words import visible

TargetArgument = Annotated[
    str,
    typer.Argument(
        metavar="SERVICE",
        help="A service, or a destination as `credential list` names it: d_...",
        show_default=False,
    ),
]
BaseUrlOption = Annotated[
    str | None,
    typer.Option(
        "--base-url",
        metavar="URL",
        help="Where the service is, if not where it usually is.",
        show_default=False,
    ),
]
IdentityOption = Annotated[
    str | None,
    typer.Option(
        "--identity", metavar="NAME", help=f"The key's name. Default: {DEFAULT_IDENTITY}.", show_default=False
    ),
]


def set_(
    target: TargetArgument,
    base_url: BaseUrlOption = None,
    identity: IdentityOption = None,
    home: HomeOption = None,
) -> None:
    """Give the daemon a service's key, or a destination a new secret, at a prompt or on stdin.

    Never as an argument, which other users of this machine could read.
    """
    named = _named(target, base_url, identity)
    daemon = Daemon(resolve_home(home))
    daemon.version()
    if sys.stdin.isatty():
        secret = typer.prompt(f"Secret for {visible(target)}", hide_input=True, err=True)
    else:
        secret = sys.stdin.readline()
    if not secret.strip():
        raise CommandError(
            "No secret was given.", "Type it at the prompt, or pipe it in as one line on stdin.", Exit.USAGE
        )
    answer = daemon.set_credential(CredentialRequest(**named, secret=secret.strip()))
    say(f"The daemon has the credential for {visible(answer.destination)} ({visible(answer.base_url)}).")


def list_(service: OptionalService = None, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the destinations and whether each has a credential."""
    with source(resolve_home(home)) as known:
        services = known.status().services
        found = [
            (name, each)
            for name, status in sorted(services.items())
            for each in status.destinations
            if service in (None, name) and each.ref
        ]
        if as_json:
            say_json(CredentialsAnswer(credentials=[_view(name, each) for name, each in found]))
        elif not found:
            remark("No destination is known yet.")
        else:
            for name, each in found:
                say(
                    f"{visible(each.ref)}  {visible(name)}  {visible(each.base_url)}  "
                    f"{visible(each.identity)}  {each.credential}"
                )
        known.end(Exit.FINE)


def remove(
    target: TargetArgument,
    base_url: BaseUrlOption = None,
    identity: IdentityOption = None,
    home: HomeOption = None,
) -> None:
    """Use and keep a secret no more.

    A destination that has no events is forgotten with it, until somebody names it again.
    """
    named = _named(target, base_url, identity)
    answer = Daemon(resolve_home(home)).remove_credential(CredentialRemoval(**named))
    say(f"No credential any more: {visible(answer.destination)} ({visible(answer.base_url)}).")
    if not answer.forgotten:
        remark("It has events, which are kept: they wait for a new credential.")


def _named(target: str, base_url: str | None, identity: str | None) -> dict[str, Any]:
    """The fields of a `NamedDestination`."""
    if not target.startswith(DESTINATION_PREFIX):
        chosen = {"service": target, "base_url": base_url, "identity": identity}
        named = {name: value for name, value in chosen.items() if value is not None}
        try:
            CredentialRemoval(**named)
        except ValidationError as error:
            raise CommandError(
                f"--identity has {len(identity or '')} characters.", "It must have 1 to 128.", Exit.USAGE
            ) from error
        return named
    if base_url is not None or identity is not None:
        raise CommandError(
            f"{visible(target)} is a destination: it has a base URL and an identity.",
            "Name it alone, or a service with --base-url and --identity.",
            Exit.USAGE,
        )
    return {"destination": target}


def _view(service: str, destination: DestinationStatus) -> CredentialView:
    return CredentialView(
        destination=destination.ref,
        service=service,
        base_url=destination.base_url,
        identity=destination.identity,
        credential=destination.credential,
        last_error=destination.last_error,
    )
