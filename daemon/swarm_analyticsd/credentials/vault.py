"""Where secrets are kept: the system's keyring where there is one, else a file that only its owner may read.

A secret is filed under a destination's `ref`, which is made from service, origin and identity, so that it
cannot be found, and so not be sent, for another origin; the destination's minted tokens are filed beside it.
"""

from typing import Protocol

from pydantic import SecretStr

from swarm_analytics_models.explained import Explained


class VaultError(Explained):
    """Secrets cannot be read or kept. Says why and what to do, never a secret."""


class NoKeyring(VaultError):
    """This system has no keyring, so there is nothing in it."""


class Vault(Protocol):
    """Keeps one secret for each destination. Every method may raise VaultError."""

    @property
    def description(self) -> str:
        """Where the secrets are, for a person."""
        ...

    async def get(self, ref: str) -> SecretStr | None: ...

    async def put(self, ref: str, secret: SecretStr) -> None: ...

    async def delete(self, ref: str) -> None:
        """Forget a secret; nothing happens where there is none."""
        ...


class MemoryVault:
    """A double for tests: what it keeps is forgotten when it is."""

    description = "memory"

    def __init__(self) -> None:
        self._secrets: dict[str, SecretStr] = {}

    async def get(self, ref: str) -> SecretStr | None:
        return self._secrets.get(ref)

    async def put(self, ref: str, secret: SecretStr) -> None:
        self._secrets[ref] = secret

    async def delete(self, ref: str) -> None:
        self._secrets.pop(ref, None)
