"""Keys that the daemon finds beside its vault: in its own environment, or in another program's file.

A key belongs to one origin, as a secret of the vault does: a variable's to where its service is configured
to be, else to the contract's default; a file's to the place that the file names.
"""

import asyncio
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias, assert_never

from pydantic import SecretStr

from swarm_analytics_models.contract import ServiceContract
from swarm_analytics_models.identifiers import Destination, IdentityKind, InvalidBaseUrl, parse_base_url
from swarm_analytics_models.key_sources import EnvironmentKey, KeyFile
from swarm_analyticsd.credentials.secret import UnusableSecret, checked_secret


@dataclass(frozen=True, slots=True)
class Found:
    secret: SecretStr = field(repr=False)


@dataclass(frozen=True, slots=True)
class NotFound:
    error: str


Reading: TypeAlias = Found | NotFound


class Source(Protocol):
    """Where one destination's key is read."""

    @property
    def place(self) -> str:
        """For a person."""
        ...

    async def read(self) -> Reading: ...


KeySources: TypeAlias = Callable[[ServiceContract, Destination], Source | None]
"""Where the key of a destination is read; None: in the vault alone."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the daemon finds around it when it starts."""

    environment: Mapping[str, str] = field(repr=False)
    folder: Path
    """Where programs of this user keep their configuration."""

    base_urls: Mapping[str, str]
    """Where a person said that a service is."""

    def source(self, contract: ServiceContract, destination: Destination) -> Source | None:
        """Where the key of `destination` is read; None: in the vault alone."""
        for known in contract.key_sources:
            if destination.kind is not IdentityKind.KEY or known.identity != destination.identity:
                continue
            match known:
                case EnvironmentKey(variable):
                    text = self.environment.get(variable, "").strip()
                    if text and self._is_at_home(contract, destination):
                        return VariableSource(variable, SecretStr(text))
                case KeyFile():
                    return FileSource(known, self.folder.joinpath(*known.path), destination)
                case _:
                    assert_never(known)
        return None

    def file_base_url(self, contract: ServiceContract, identity: str) -> str | None:
        """Where the key file of this name says that its service is. Blocking; None: no file has this name."""
        for known in contract.key_sources:
            if isinstance(known, KeyFile) and known.identity == identity:
                try:
                    return _place_in(known, _content(self.folder.joinpath(*known.path)))
                except _Unreadable:
                    return known.base_url
        return None

    def _is_at_home(self, contract: ServiceContract, destination: Destination) -> bool:
        base_url = self.base_urls.get(contract.name, contract.default_base_url)
        return base_url is not None and _origin(base_url) == _origin(destination.base_url)


def surroundings(base_urls: Mapping[str, str]) -> Surroundings:
    """The daemon's own."""
    named = os.environ.get("XDG_CONFIG_HOME", "")
    folder = Path(named) if os.path.isabs(named) else Path.home() / ".config"
    return Surroundings(dict(os.environ), folder, dict(base_urls))


@dataclass(frozen=True, slots=True)
class VariableSource:
    variable: str
    secret: SecretStr = field(repr=False)

    @property
    def place(self) -> str:
        return f"the variable {self.variable} of the daemon's environment"

    async def read(self) -> Reading:
        try:
            return Found(checked_secret(self.secret))
        except UnusableSecret as error:
            return NotFound(f"{self.variable} cannot be used: {error}")


@dataclass(frozen=True, slots=True)
class FileSource:
    """Read anew for each request, since another program may renew the key at any time."""

    file: KeyFile
    path: Path
    destination: Destination

    @property
    def place(self) -> str:
        return str(self.path)

    async def read(self) -> Reading:
        return await asyncio.to_thread(self._read)

    def _read(self) -> Reading:
        try:
            content = _content(self.path)
            place = _place_in(self.file, content)
            if _origin(place) != _origin(self.destination.base_url):
                raise _Unreadable(
                    f"its key is for {_origin(place)} and goes nowhere else; name that base URL, or none"
                )
            key = content.get(self.file.key_field)
            if not isinstance(key, str) or not key.strip():
                raise _Unreadable(
                    f"it has no {self.file.key_field!r}; log in with the program that writes it"
                )
            return Found(checked_secret(SecretStr(key)))
        except (_Unreadable, UnusableSecret) as error:
            return NotFound(f"{self.path}: {error}")


class _Unreadable(ValueError):
    """Why a key file does not do."""


def _content(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise _Unreadable("there is no such file; log in with the program that writes it") from None
    except OSError as error:
        raise _Unreadable(f"it cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError):
        raise _Unreadable("it is not JSON; log in anew with the program that writes it") from None
    if not isinstance(content, dict):
        raise _Unreadable("it is not a JSON object; log in anew with the program that writes it")
    return content


def _place_in(file: KeyFile, content: Mapping[str, Any]) -> str:
    place = content.get(file.base_url_field)
    if place is None:
        return file.base_url
    try:
        return parse_base_url(place).base_url if isinstance(place, str) else file.base_url
    except InvalidBaseUrl as error:
        raise _Unreadable(f"its {file.base_url_field!r} is of no use: {error}") from None


def _origin(base_url: str) -> str:
    return parse_base_url(base_url).origin
