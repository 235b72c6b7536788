"""A secret that an app or a person gave, or that another program keeps: nobody but they can renew it."""

from collections.abc import Awaitable, Callable
from typing import assert_never

from pydantic import SecretStr

from swarm_analytics_models.explained import Explained
from swarm_analytics_models.status import CredentialState
from swarm_analyticsd import policy
from swarm_analyticsd.clock import Clock
from swarm_analyticsd.credentials.credential import Credential, Held, Refusal, absent
from swarm_analyticsd.credentials.sources import Found, NotFound, Source
from swarm_analyticsd.credentials.vault import Vault
from swarm_analyticsd.outbox.rows import KnownDestination


class KeptElsewhere(Explained):
    """The key is read from a place that is not the daemon's to write."""


class GivenSecret(Credential):
    """In the vault or, with a `source`, there alone.

    A refused one is put aside. It is lent to whoever sends anyway, a call, after 1, 2, 4 ... 30 seconds: so
    it is found out when the service takes it again.
    """

    def __init__(
        self,
        known: KnownDestination,
        *,
        vault: Vault,
        clock: Clock,
        record: Callable[[CredentialState, str | None], Awaitable[None]],
        changed: Callable[[], None],
        source: Source | None = None,
    ) -> None:
        super().__init__(known, vault=vault, clock=clock, record=record, changed=changed)
        self._source = source
        self._look_at = 0.0
        self._lent = 0
        self._lend_at = 0.0
        self._reinstate = False

    async def held(self) -> Held | None:
        await self.look_up()
        await self._look()
        now = self._clock.monotonic()
        if self.secret is not None or self.aside is None or now < self._lend_at:
            return await super().held()
        self._lend_at = now + self._wait()
        return Held(self.aside, self.generation)

    async def adopt(self, secret: SecretStr) -> None:
        """Take a secret that an app or a person has. Raises UnusableSecret, KeptElsewhere, VaultError."""
        self._is_ours()
        await super().adopt(secret)

    async def forget(self) -> None:
        """Use and keep the secret no more. Raises KeptElsewhere, VaultError."""
        self._is_ours()
        await super().forget()

    def proven(self, generation: int) -> None:
        if generation == self.generation and self.aside is not None:
            self._reinstate = True
            self._wake.set()

    def hasten(self) -> None:
        self._look_at = 0.0
        self._wake.set()

    async def settled(self, timeout: float) -> tuple[CredentialState, str | None]:
        await self.look_up()
        await self._look()
        return self.state, self.error

    def _lay_aside(self, secret: SecretStr) -> None:
        self.aside = secret
        self._lent = 0
        self._lend_at = self._clock.monotonic() + self._wait()

    def _is_ours(self) -> None:
        if self._source is not None:
            raise KeptElsewhere(
                f"this key comes from {self._source.place}, and the daemon keeps no other for it",
                "Change it there. A variable of the daemon's environment is read when the daemon starts.",
            )

    def _wait(self) -> float:
        self._lent += 1
        return min(policy.REFUSED_KEY_LENT_MOST_S, policy.REFUSED_KEY_LENT_FIRST_S * 2.0 ** (self._lent - 1))

    def _pause(self) -> float | None:
        if self._reinstate:
            return 0.0
        if self._source is None or self.secret is not None:
            return None
        return self._look_at - self._clock.monotonic()

    async def _renew(self) -> None:
        if self._reinstate:
            self._reinstate = False
            if self.secret is None and self.aside is not None:
                await self._keep(self.aside, stored=self._stored)
            return
        await self._look()

    async def _load(self) -> None:
        if self._source is None:
            await super()._load()

    async def _loaded(self, found: SecretStr | None) -> None:
        if found is None:
            if self.state is not CredentialState.HELD:
                await self._set(CredentialState.ABSENT, self.error or absent(self._destination.kind))
        elif self.state is CredentialState.HELD:
            self.aside = found
            self.refusal = Refusal(self.error or "the service refused it")
        else:
            await self._keep(found, stored=True)

    async def _look(self) -> None:
        """Read the source again, where there is one, and go by what it says now."""
        if self._source is None:
            return
        self._look_at = self._clock.monotonic() + policy.KEY_FILE_LOOK_S
        found = await self._source.read()
        match found:
            case Found(secret):
                if secret not in (self.secret, self.aside):
                    await self._keep(secret)
            case NotFound(error):
                if self.state is not CredentialState.ABSENT or self.error != error:
                    self.aside = None
                    await self._lose(error)
            case _:
                assert_never(found)

    async def _keep(self, secret: SecretStr, *, stored: bool = False) -> None:
        self.aside = None
        await super()._keep(secret, stored=stored)

    async def _lose(self, error: str) -> None:
        self.aside = None
        await super()._lose(error)
