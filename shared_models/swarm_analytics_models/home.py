"""A home: one directory, one daemon, one outbox. Every file in it has its name here.

| name | what | written by |
|---|---|---|
| ``lock`` | held (flock) by the one daemon, or by a command that works without one | daemon |
| ``address.json`` | where the daemon listens; stale when nobody holds the lock | daemon |
| ``capability`` | the key to the loopback listener, new at every start | daemon |
| ``daemon.sock``, ``handoff.sock`` | HTTP and hand-off (in a runtime directory for a long home) | daemon |
| ``outbox.db`` with ``-wal`` and ``-shm`` | the outbox | daemon |
| ``ballast`` | 256 KiB to delete when the disk is full, so that deletes can commit | daemon |
| ``consent.json`` | what the user allows, should the outbox be lost | daemon |
| ``inbox/`` | one journal per app process and segment | apps |
| ``credentials.json`` | secrets, where the system has no keyring | daemon |
| ``config.toml`` | settings | a person |
| ``daemon.log`` | what the daemon has to say when an app started it | daemon |
| ``set-aside-*`` | a corrupt outbox, kept until an opt-out erases it | daemon |
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

HOME_VARIABLE: Final = "SWARM_ANALYTICSD_HOME"
AUTOSTART_VARIABLE: Final = "SWARM_ANALYTICSD_AUTOSTART"
MAX_SOCKET_PATH_BYTES: Final = 104
"""Longest path of a Unix socket that every supported system takes (macOS; Linux takes 108)."""

Durability: TypeAlias = Literal["durable", "fast", "memory"]
"""What an accepted event survives: loss of power; kill -9; nothing."""

Listen: TypeAlias = Literal["unix", "loopback"]
"""Where a daemon listens: on Unix sockets, or on a port of 127.0.0.1 whose key is in a private file."""


@dataclass(frozen=True, slots=True)
class Home:
    """The paths in a home. Making one touches nothing."""

    root: Path

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def address(self) -> Path:
        return self.root / "address.json"

    @property
    def capability(self) -> Path:
        return self.root / "capability"

    @property
    def outbox(self) -> Path:
        return self.root / "outbox.db"

    @property
    def ballast(self) -> Path:
        return self.root / "ballast"

    @property
    def consent(self) -> Path:
        return self.root / "consent.json"

    @property
    def inbox(self) -> Path:
        return self.root / "inbox"

    @property
    def credentials(self) -> Path:
        return self.root / "credentials.json"

    @property
    def config(self) -> Path:
        return self.root / "config.toml"

    @property
    def log(self) -> Path:
        return self.root / "daemon.log"


def resolve_home(explicit: str | os.PathLike[str] | None = None) -> Home:
    """The home meant: the argument, else SWARM_ANALYTICSD_HOME, else the user's own. Touches no disk."""
    chosen = explicit if explicit is not None else os.environ.get(HOME_VARIABLE)
    if chosen:
        return Home(Path(os.path.abspath(Path(chosen).expanduser())))
    from platformdirs import user_data_path

    return Home(user_data_path("swarm-analyticsd", appauthor=False))


class AddressFile(BaseModel):
    """Content of ``address.json``."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    address: str
    """``unix:PATH`` of the HTTP socket, or ``http://127.0.0.1:PORT``."""

    handoff: str | None
    """Path of the hand-off socket; None on a loopback listener, whose hand-off is ``POST /v1/hand-off``."""

    pid: int
    version: str
    protocol: int


def read_address(home: Home) -> AddressFile | None:
    """What ``address.json`` says, or None when there is none or it is damaged (then nobody listens)."""
    try:
        return AddressFile.model_validate(json.loads(home.address.read_bytes()))
    except (OSError, ValueError):
        return None
