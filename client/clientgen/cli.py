"""The command: ``python -m clientgen [--check | --against URL | --app MODULE:APP]``.

Exit codes: 0 fine; 1 drift, or output that is stale; 2 a contract that is refused, a source that cannot be
read, or wrong usage.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from clientgen.drift import Drift, compare
from clientgen.emit import differences, swap
from clientgen.lint import lint
from clientgen.plan import plan_service
from clientgen.render import render
from clientgen.schema import InvalidDocument
from clientgen.sources import (
    SURFACE_FILE,
    Refused,
    Service,
    app_document,
    fetch_document,
    registered_services,
)
from clientgen.surface import Surface, below, contract_surface, document_surface

OUTPUT: Final = Path(__file__).parents[1] / "swarm_analytics" / "_generated"

FINE: Final = 0
DRIFT: Final = 1
REFUSED: Final = 2


def main(
    arguments: Sequence[str] | None = None,
    services: Callable[[], Sequence[Service]] = registered_services,
) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options, services())
    except Refused as error:
        _complain([f"clientgen: {error}."])
        return REFUSED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m clientgen",
        description="Write the client's namespaces from the contracts, or hold contracts against a service.",
    )
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--check", action="store_true", help="write nothing; exit 1 if anything is stale")
    action.add_argument("--against", metavar="URL", help="compare with a live service's OpenAPI document")
    action.add_argument("--app", metavar="MODULE:APP", help="compare with an application, or its factory")
    parser.add_argument("--service", metavar="NAME", help="whose contract, where there are several")
    parser.add_argument(
        "--ignore",
        metavar="PREFIX",
        action="append",
        default=[],
        help="pass over the service's own endpoints below this path (health checks, say); may be repeated",
    )
    parser.add_argument("--output", metavar="DIR", type=Path, default=OUTPUT, help="where to write")
    return parser


def _run(options: argparse.Namespace, services: Sequence[Service]) -> int:
    plans = [plan_service(service.contract, service.payloads) for service in services]
    if refusals := [refusal for plan in plans for refusal in lint(plan)]:
        _complain(["clientgen: the contracts are refused:", *refusals])
        return REFUSED
    if options.against or options.app:
        return _compare_live(options, _chosen(services, options.service))
    drifts = [line for service in services for line in _reviewed_drift(service)]
    if drifts:
        _complain(
            [
                *drifts,
                f"A contract and the reviewed {SURFACE_FILE} beside it disagree. Find out from the service "
                "which is right, and change the other by hand.",
            ]
        )
    files = render(plans)
    stale = differences(files, options.output)
    if options.check:
        if stale:
            _complain([*stale, f"{options.output} is stale. To mend it: make generate (python -m clientgen)"])
        return DRIFT if drifts or stale else FINE
    if drifts:
        return DRIFT
    if stale:
        swap(files, options.output)
    print(f"{options.output}: {len(files)} files, {len(stale)} changes")
    return FINE


def _reviewed_drift(service: Service) -> Iterable[Drift]:
    reviewed = _read(document_surface, service.surface, f"{service.contract.name}'s {SURFACE_FILE}")
    return compare(_contract(service), reviewed)


def _compare_live(options: argparse.Namespace, service: Service) -> int:
    document = fetch_document(options.against) if options.against else app_document(options.app)
    live = _read(document_surface, document, options.against or options.app)
    theirs = below(service.contract.base_path, live)
    drifts = compare(_contract(service), theirs, ignore=options.ignore)
    _complain(drifts)
    if not drifts:
        print(f"{service.contract.name}: no drift in {len(service.contract.routes)} endpoints")
    return DRIFT if drifts else FINE


def _contract(service: Service) -> Surface:
    return _read(contract_surface, service.contract, f"the contract of {service.contract.name}")


def _read(reader: Callable[[Any], Surface], source: Any, name: str) -> Surface:
    try:
        return reader(source)
    except InvalidDocument as error:
        raise Refused(f"{name} cannot be read: {error}") from error


def _chosen(services: Sequence[Service], name: str | None) -> Service:
    by_name = {service.contract.name: service for service in services}
    if name is None and len(by_name) == 1:
        return services[0]
    if name not in by_name:
        raise Refused(f"--service must name one of {', '.join(by_name)}")
    return by_name[name]


def _complain(lines: Iterable[object]) -> None:
    for line in lines:
        print(line, file=sys.stderr)
