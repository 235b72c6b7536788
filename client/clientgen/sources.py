"""Where contracts and OpenAPI documents come from."""

import importlib
import json
import sys
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from swarm_analytics_models.contract import ServiceContract
from swarm_analytics_models.services import contracts

FETCH_TIMEOUT_S: Final = 10.0
"""How long `--against` waits, in all: a document of a few hundred kB takes a second even from far away."""

MAX_DOCUMENT_BYTES: Final = 8 * 1024 * 1024
"""Largest OpenAPI document that is read; the largest public ones have a few MiB."""

SURFACE_FILE: Final = "surface.json"


class Refused(Exception):
    """What was asked cannot be done. The message says the cause and the remedy."""


@dataclass(frozen=True, slots=True)
class Service:
    """A contract, and what it is rendered from and held against."""

    contract: ServiceContract
    payloads: ModuleType
    """Where its models are imported from."""

    surface: Mapping[str, Any]
    """An OpenAPI document of what the service accepts: reviewed by a person, never made from the contract."""


def registered_services() -> tuple[Service, ...]:
    """Every service in the registry of contracts. Raises Refused."""
    return tuple(_service(contract) for contract in contracts().values())


def _service(contract: ServiceContract) -> Service:
    package = f"swarm_analytics_models.services.{contract.name}"
    path = files(package) / SURFACE_FILE
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise Refused(
            f"{path} is missing. Write it from the service's own documentation, as an OpenAPI document: "
            "the contract is held against it"
        ) from None
    return Service(contract, importlib.import_module(f"{package}.payloads"), parse_document(text, str(path)))


def parse_document(text: bytes, origin: str) -> dict[str, Any]:
    """The JSON object in `text`. Raises Refused."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused(f"{origin} is not JSON ({error}). Name an OpenAPI document in JSON") from error
    if not isinstance(document, dict):
        raise Refused(f"{origin} is not a JSON object. Name an OpenAPI document in JSON")
    return document


def fetch_document(url: str) -> dict[str, Any]:
    """The OpenAPI document of the service at `url`, or at `url` itself where that ends in ``.json``."""
    if not url.startswith(("http://", "https://")):
        raise Refused(f"{url!r} is not a URL. Write it as http://host[:port] or https://host")
    where = url if url.endswith(".json") else url.rstrip("/") + "/openapi.json"
    try:
        with urllib.request.urlopen(where, timeout=FETCH_TIMEOUT_S) as response:  # noqa: S310 (scheme checked)
            return parse_document(_read_within_limits(response, where), where)
    except (OSError, HTTPException, ValueError) as error:
        raise Refused(
            f"{where} could not be read ({error}). Check that the service runs and publishes its OpenAPI "
            "document, or name the document's own URL, which ends in .json"
        ) from error


def _read_within_limits(response: Any, where: str) -> bytes:
    deadline = time.monotonic() + FETCH_TIMEOUT_S
    text = bytearray()
    while chunk := response.read1(64 * 1024):
        text += chunk
        if len(text) > MAX_DOCUMENT_BYTES:
            raise Refused(
                f"{where} is larger than {MAX_DOCUMENT_BYTES} bytes. Name the OpenAPI document alone"
            )
        if time.monotonic() > deadline:
            raise Refused(
                f"{where} took longer than {FETCH_TIMEOUT_S:g} s. Try again, or save it and name a copy"
            )
    return bytes(text)


def app_document(target: str) -> dict[str, Any]:
    """The OpenAPI document of an application named ``module:app`` or ``module:factory``."""
    module_name, _, attribute = target.partition(":")
    if not module_name or not attribute:
        raise Refused(f"{target!r} names no application. Write it as module:app or module:factory")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    try:
        found = getattr(importlib.import_module(module_name), attribute)
        app = found if hasattr(found, "openapi") else found()
        document = app.openapi()
    except (ImportError, AttributeError, TypeError) as error:
        raise Refused(
            f"{target} gives no OpenAPI document ({error}). Name a FastAPI application, or a function that "
            "returns one and needs no argument"
        ) from error
    return parse_document(json.dumps(document).encode(), target)
