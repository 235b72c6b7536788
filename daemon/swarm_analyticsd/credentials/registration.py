"""One destination's credential: found in the vault, minted where it can be, renewed when it is refused.

Minting is single-flight. What a first refusal asks for is done at once; a token that is refused without ever
having worked is waited for longer and longer, so that a service that hands out bad tokens is not hammered.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias, assert_never

from pydantic import SecretStr

from swarm_analytics_models.identifiers import IdentityKind
from swarm_analytics_models.status import CredentialState
from swarm_analyticsd import policy
from swarm_analyticsd.clock import Clock
from swarm_analyticsd.credentials.schemes import UnusableSecret, checked_secret
from swarm_analyticsd.credentials.vault import Vault, VaultError
from swarm_analyticsd.outbox.rows import KnownDestination

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Minted:
    secret: SecretStr = field(repr=False)


@dataclass(frozen=True, slots=True)
class MintRefused:
    """The service answered, and would not have this identity."""

    error: str


@dataclass(frozen=True, slots=True)
class MintDelayed:
    """No verdict: no network, a service in trouble, a portal."""

    error: str
    retry_after_s: float | None = None


MintResult: TypeAlias = Minted | MintRefused | MintDelayed
Mint: TypeAlias = Callable[[], Awaitable[MintResult]]
Wait: TypeAlias = Callable[[int, float], float]
"""Seconds to wait after so many failures in a row, up to the cap."""

WAITS_FOR_TOKEN = "no credential is known; pass a token to the client, or register with an install id"  # noqa: S105


class Registration:
    """Holds the secret and its state. `changed` is called, on the loop, whenever either is new."""

    def __init__(
        self,
        known: KnownDestination,
        *,
        vault: Vault,
        mint: Mint | None,
        clock: Clock,
        wait: Wait,
        record: Callable[[CredentialState, str | None], Awaitable[None]],
        asked_to_wait: Callable[[float, str], Awaitable[None]],
        changed: Callable[[], None],
        floor: float = 0.0,
    ) -> None:
        """`mint`: None where the service has no registration. `asked_to_wait` keeps a Retry-After over
        restarts; `floor` is when one ends that an earlier daemon was told (monotonic seconds).
        """
        self.state = known.credential
        self.error = known.credential_error
        self.secret: SecretStr | None = None
        self.generation = 0
        """Counts secrets; a refusal of an earlier one means nothing."""

        self.next_try_at: float | None = None
        """Monotonic seconds."""

        self._ref = known.ref
        self._vault = vault
        self._mint = mint if known.destination.kind is IdentityKind.INSTALL else None
        self._clock = clock
        self._wait = wait
        self._record = record
        self._asked_to_wait = asked_to_wait
        self._changed = changed
        self._unproven = False
        """The secret was minted by us and has never worked yet."""

        self._fruitless = 0
        """Tokens minted in a row that were refused before they ever worked."""

        self._failures = 0
        self._floor = floor
        self._tries = 0
        self._unrecorded = False
        self._wake = asyncio.Event()
        self._news = asyncio.Condition()

    async def run(self) -> None:
        """Look in the vault, then mint whenever there is need. Ends only by cancellation."""
        await self._load()
        while True:
            if self._unrecorded:
                self._unrecorded = False
                await self._record(self.state, self.error)
            pause = self._pause()
            if pause is not None and pause <= 0:
                await self._try()
                continue
            try:
                async with asyncio.timeout(None if pause is None else min(pause, policy.LONGEST_NAP_S)):
                    await self._wake.wait()
            except TimeoutError:
                continue
            self._wake.clear()

    async def adopt(self, secret: SecretStr) -> None:
        """Take a secret that an app or a person has. Raises UnusableSecret, VaultError."""
        secret = checked_secret(secret)
        await self._keep(secret)  # first, so that none is minted while the vault is written
        await self._vault.put(self._ref, secret)

    def refused(self, generation: int, error: str) -> None:
        """The service answered 401 to a request that carried the secret of `generation`."""
        if generation != self.generation or self.secret is None:
            return
        self._fruitless = self._fruitless + 1 if self._unproven else 0
        self.secret = None
        self.state, self.error = CredentialState.HELD, error
        self._unrecorded = True
        self.next_try_at = self._clock.monotonic() + (
            max(self._wait(self._fruitless, policy.REGISTRATION_REFUSED_MOST_S), policy.REGISTRATION_LEAST_S)
            if self._fruitless
            else 0.0
        )
        self._wake.set()

    def proven(self, generation: int) -> None:
        """An event was delivered with the secret of `generation`."""
        if generation == self.generation:
            self._unproven, self._fruitless = False, 0

    def hasten(self) -> None:
        """Somebody waits: try now, but not before the service's own time, nor hotly a token that fails."""
        if self.next_try_at is not None and not self._fruitless:
            self.next_try_at = max(self._clock.monotonic(), self._floor)
        self._wake.set()

    async def settled(self, timeout: float) -> tuple[CredentialState, str | None]:
        """Wait until the credential is there, the service has refused it, or the time is up."""
        self.hasten()
        tries = self._tries

        def decided() -> bool:
            return self.state is CredentialState.PRESENT or (
                self.state is CredentialState.HELD and self._tries > tries
            )

        if self._mint is not None:
            try:
                async with asyncio.timeout(timeout), self._news:
                    await self._news.wait_for(decided)
            except TimeoutError:
                pass
        return self.state, self.error

    async def _load(self) -> None:
        try:
            found = await self._vault.get(self._ref)
        except VaultError as error:
            found = None
            self.error = str(error)
            _log.warning("%s", error)
        if self.secret is not None:
            return
        if found is not None and self.state is not CredentialState.HELD:
            await self._keep(found)
        elif self._mint is not None:
            self.next_try_at = max(self._clock.monotonic(), self._floor)
            if self.state is not CredentialState.HELD:
                await self._set(CredentialState.PENDING, self.error)
        elif self.state is not CredentialState.HELD:
            await self._set(CredentialState.ABSENT, self.error or WAITS_FOR_TOKEN)

    def _pause(self) -> float | None:
        """Seconds until the next try; None when there is nothing to try."""
        if self._mint is None or self.secret is not None or self.next_try_at is None:
            return None
        return self.next_try_at - self._clock.monotonic()

    async def _try(self) -> None:
        if self._mint is None:
            return
        try:
            result = await self._mint()
        except Exception as bug:
            _log.exception("a registration failed in a way that nobody foresaw; it is tried again")
            result = MintDelayed(f"registration failed: internal {type(bug).__name__}")
        self._tries += 1
        if self.secret is not None:  # adopted meanwhile
            return
        match result:
            case Minted(secret):
                await self._take(secret)
            case MintRefused(error):
                self._put_off(policy.REGISTRATION_REFUSED_MOST_S, None)
                await self._set(CredentialState.HELD, error)
            case MintDelayed(error, retry_after_s):
                self._put_off(policy.REGISTRATION_MOST_S, retry_after_s)
                if retry_after_s is not None:
                    await self._asked_to_wait(retry_after_s, error)
                held = self.state is CredentialState.HELD
                await self._set(CredentialState.HELD if held else CredentialState.PENDING, error)
            case _:
                assert_never(result)

    async def _take(self, secret: SecretStr) -> None:
        try:
            secret = checked_secret(secret)
        except UnusableSecret as error:
            self._put_off(policy.REGISTRATION_REFUSED_MOST_S, None)
            await self._set(CredentialState.HELD, f"the service's token cannot be used: {error}")
            return
        try:
            await self._vault.put(self._ref, secret)
        except VaultError as error:
            _log.warning("%s; the token is kept in memory and minted again at the next start", error)
        await self._keep(secret, minted=True)

    def _put_off(self, most: float, retry_after_s: float | None) -> None:
        now = self._clock.monotonic()
        self._failures += 1
        self._floor = now + retry_after_s if retry_after_s is not None else self._floor
        wait = max(self._wait(self._failures, most), policy.REGISTRATION_LEAST_S)
        self.next_try_at = max(now + wait, self._floor)

    async def _keep(self, secret: SecretStr, *, minted: bool = False) -> None:
        self.secret = secret
        self.generation += 1
        self.next_try_at = None
        self._unproven, self._failures = minted, 0
        await self._set(CredentialState.PRESENT, None)

    async def _set(self, state: CredentialState, error: str | None) -> None:
        self.state, self.error = state, error
        await self._record(state, error)
        self._changed()
        async with self._news:
            self._news.notify_all()
