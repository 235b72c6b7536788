"""Where, beside its vault, the daemon finds an API key: part of the vocabulary of contracts."""

from dataclasses import dataclass
from typing import Final, TypeAlias

DEFAULT_IDENTITY: Final = "default"
"""The identity of a destination whose key a person gave to the daemon, in the vault or its environment."""


@dataclass(frozen=True, slots=True)
class EnvironmentKey:
    """A variable of the daemon's environment; goes before what the vault has for the same identity."""

    variable: str
    identity: str = DEFAULT_IDENTITY


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A JSON file that another program of the service keeps in the user's configuration directory."""

    identity: str
    path: tuple[str, ...]
    """Below ``$XDG_CONFIG_HOME``, by default ``~/.config``."""

    key_field: str
    base_url_field: str
    """Optional in the file: where the key is valid, in place of `base_url`."""

    base_url: str


KeySource: TypeAlias = EnvironmentKey | KeyFile
