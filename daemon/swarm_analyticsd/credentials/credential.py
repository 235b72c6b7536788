"""One destination's own secret, and what is known of it, wherever it comes from."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from pydantic import SecretStr

from swarm_analytics_models.identifiers import IdentityKind
from swarm_analytics_models.status import CredentialState
from swarm_analyticsd import policy
from swarm_analyticsd.clock import Clock
from swarm_analyticsd.credentials.secret import secret_for
from swarm_analyticsd.credentials.vault import Vault, VaultError
from swarm_analyticsd.outbox.rows import KnownDestination

_log = logging.getLogger(__name__)

_REMEDIES: Final = {
    IdentityKind.INSTALL: "pass a token to the client, or register with an install id",
    IdentityKind.TOKEN: "pass a token to the client",
    IdentityKind.KEY: "pass a key to the client, or give it one (swarm-analyticsd credential set)",
    IdentityKind.AGENT: "pass the agent's secret to the client",
    IdentityKind.SESSION: "start the app that has this user",
}


def absent(kind: IdentityKind) -> str:
    """What to say where no secret is known."""
    return f"no credential is known; {_REMEDIES[kind]}"


@dataclass(frozen=True, slots=True)
class Held:
    """A secret to send."""

    secret: SecretStr = field(repr=False)
    generation: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the latest secret is not used."""

    error: str
    status: int | None = None
    """Of the service's answer."""


class Credential(ABC):
    """Holds the secret and its state. `changed` is called, on the loop, whenever either is new."""

    def __init__(
        self,
        known: KnownDestination,
        *,
        vault: Vault,
        clock: Clock,
        record: Callable[[CredentialState, str | None], Awaitable[None]],
        changed: Callable[[], None],
    ) -> None:
        self.state = known.credential
        self.error = known.credential_error
        self.secret: SecretStr | None = None
        self.generation = 0
        """Counts secrets; a refusal of an earlier one means nothing."""

        self.refusal: Refusal | None = None
        """Set while the latest secret is refused."""

        self.aside: SecretStr | None = None
        """The secret that was refused, where only who gave it can renew it."""

        self.next_try_at: float | None = None
        """When it is renewed, in monotonic seconds."""

        self._destination = known.destination
        self._ref = known.ref
        self._vault = vault
        self._clock = clock
        self._record = record
        self._changed = changed
        self._stored = False
        """The vault has the secret that is in use."""

        self._unrecorded = False
        self._looking_up = asyncio.Lock()
        self._looked_up = False
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Look for the secret, then renew it whenever there is need. Ends only by cancellation."""
        await self.look_up()
        while True:
            if self._unrecorded:
                self._unrecorded = False
                await self._record(self.state, self.error)
            pause = self._pause()
            if pause is not None and pause <= 0:
                await self._renew()
                continue
            try:
                async with asyncio.timeout(None if pause is None else min(pause, policy.LONGEST_NAP_S)):
                    await self._wake.wait()
            except TimeoutError:
                continue
            self._wake.clear()

    async def look_up(self) -> None:
        """Look for the secret where it is kept, if nobody has done so yet."""
        async with self._looking_up:
            if not self._looked_up:
                self._looked_up = True
                await self._load()

    async def held(self) -> Held | None:
        """The secret to send now; None: `refusal` says why, or there is none."""
        if self.secret is None:
            await self.look_up()
        return None if self.secret is None else Held(self.secret, self.generation)

    async def adopt(self, secret: SecretStr) -> None:
        """Take a secret that an app or a person has. Raises UnusableSecret, VaultError."""
        secret = secret_for(self._destination, secret)
        if self._stored and secret == self.secret:
            return
        await self._keep(secret)  # first, so that none is minted while the vault is written
        await self._vault.put(self._ref, secret)
        self._stored = secret == self.secret

    async def forget(self) -> None:
        """Use and keep the secret no more. Raises VaultError."""
        await self._lose(absent(self._destination.kind))
        await self._vault.delete(self._ref)

    def refused(self, generation: int, error: str, status: int | None = None) -> None:
        """The service will not have the secret of `generation`, or it cannot be used."""
        if generation != self.generation or (self.secret is None and self.refusal is None):
            return
        self.refusal = Refusal(error, status)
        if self.secret is None:
            return
        self._lay_aside(self.secret)
        self.secret = None
        self.state, self.error = CredentialState.HELD, error
        self._unrecorded = True
        self._wake.set()

    @abstractmethod
    def proven(self, generation: int) -> None:
        """The service took a request with the secret of `generation`."""

    def rouse(self) -> None:  # noqa: B027 - only what is minted may sleep
        """Somebody needs the destination again that was forgotten."""

    @abstractmethod
    def hasten(self) -> None:
        """Somebody waits: try now what does no harm to try."""

    @abstractmethod
    async def settled(self, timeout: float) -> tuple[CredentialState, str | None]:
        """Wait until the credential is there, the service has refused it, or the time is up."""

    @abstractmethod
    def _lay_aside(self, secret: SecretStr) -> None:
        """It was refused."""

    @abstractmethod
    def _pause(self) -> float | None:
        """Seconds until it is to be renewed; None when there is nothing to do."""

    @abstractmethod
    async def _renew(self) -> None: ...

    @abstractmethod
    async def _loaded(self, found: SecretStr | None) -> None:
        """The vault has `found`; no secret has come from elsewhere meanwhile."""

    async def _load(self) -> None:
        try:
            found = await self._vault.get(self._ref)
        except VaultError as error:
            found = None
            self.error = str(error)
            _log.warning("%s", error)
        if self.secret is None:
            self._stored = found is not None
            await self._loaded(found)

    async def _keep(self, secret: SecretStr, *, stored: bool = False) -> None:
        self.secret = secret
        self.generation += 1
        self.next_try_at = None
        self.refusal = None
        self._stored = stored
        await self._set(CredentialState.PRESENT, None)

    async def _lose(self, error: str) -> None:
        self.secret = None
        self.generation += 1
        self.refusal = None
        self._stored = False
        self._wake.set()
        await self._set(CredentialState.ABSENT, error)

    async def _set(self, state: CredentialState, error: str | None) -> None:
        self.state, self.error = state, error
        await self._record(state, error)
        self._changed()
