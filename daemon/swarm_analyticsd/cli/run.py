"""`run`: serve a home. Parsed here, since importing the rest of the command line would delay `ready`."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from swarm_analytics_models.home import Durability, Home, Listen, resolve_home

DESCRIPTION = "Serve a home until stopped. Prints one JSON line on stdout when it is ready."


def parser() -> argparse.ArgumentParser:
    known = argparse.ArgumentParser(prog="swarm-analyticsd run", description=DESCRIPTION, allow_abbrev=False)
    known.add_argument(
        "--home", metavar="DIR", type=Path, help="default: SWARM_ANALYTICSD_HOME, else the user's own"
    )
    known.add_argument(
        "--service",
        metavar="NAME=BASE_URL",
        action="append",
        type=_service,
        help="where a service is; may be given several times",
    )
    known.add_argument(
        "--listen",
        choices=get_args(Listen),
        help="a Unix socket (default where there are any), or TCP on 127.0.0.1 with a key in a private file",
    )
    known.add_argument("--parent-pipe", action="store_const", const=True, help="end when stdin closes")
    known.add_argument(
        "--durability",
        choices=get_args(Durability),
        help="what an accepted event survives. durable (default): power loss; fast: kill -9; memory: nothing",
    )
    return known


def parse(arguments: Sequence[str]) -> tuple[Home, dict[str, object]]:
    """The home and the settings that flags set; what no flag sets is left out. Exits 2 on bad usage."""
    chosen = vars(parser().parse_args(arguments))
    home, services = chosen.pop("home"), chosen.pop("service")
    flags: dict[str, object] = {name: value for name, value in chosen.items() if value is not None}
    if services is not None:
        flags["services"] = dict(services)
    return resolve_home(home), flags


def _service(text: str) -> tuple[str, str]:
    name, equals, base_url = text.partition("=")
    if not (name and equals and base_url):
        raise argparse.ArgumentTypeError(f"{text!r} must look like openswarm=https://host")
    return name, base_url


def run(arguments: Sequence[str]) -> int:
    home, flags = parse(arguments)
    from swarm_analyticsd.assembly import serve

    return serve(home, flags)
