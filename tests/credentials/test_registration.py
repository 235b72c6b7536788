"""When a token is minted, how often, and what is said of it: with a clock that stands still until told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import pytest
from pydantic import SecretStr

from swarm_analytics_models.identifiers import Destination, IdentityKind
from swarm_analytics_models.status import CredentialState
from swarm_analyticsd import policy
from swarm_analyticsd.credentials.proof import Minted, MintResult, Unproven, Why
from swarm_analyticsd.credentials.registration import Registration
from swarm_analyticsd.credentials.secret import UnusableSecret
from swarm_analyticsd.credentials.vault import MemoryVault, VaultError
from swarm_analyticsd.outbox.rows import KnownDestination
from tests.delivery.support import FakeClock
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.anyio

ABSENT, PENDING, PRESENT, HELD = (
    CredentialState.ABSENT,
    CredentialState.PENDING,
    CredentialState.PRESENT,
    CredentialState.HELD,
)


@dataclass
class Scene:
    clock: FakeClock = field(default_factory=FakeClock)
    vault: MemoryVault = field(default_factory=MemoryVault)
    results: Iterator[MintResult] = field(default_factory=lambda: iter(()))
    mints: int = 0
    recorded: list[tuple[CredentialState, str | None]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    changes: int = 0
    registration: Registration = field(init=False)

    def known(self, state: CredentialState) -> KnownDestination:
        destination = Destination("openswarm", "https://a.example", IdentityKind.INSTALL, "i")
        return KnownDestination(1, destination, state, None, None, 0, None)

    async def mint(self) -> MintResult:
        self.mints += 1
        return next(self.results)

    async def record(self, state: CredentialState, error: str | None) -> None:
        self.recorded.append((state, error))

    async def asked_to_wait(self, seconds: float, _error: str) -> None:
        self.waits.append(seconds)

    def changed(self) -> None:
        self.changes += 1

    async def wait_for(self, state: CredentialState, mints: int) -> None:
        async def there() -> bool:
            told = bool(self.recorded) and self.recorded[-1][0] is state
            return told and self.registration.state is state and self.mints == mints

        await eventually_async(there, 5.0)

    async def advance(self, seconds: float) -> None:
        """Let time pass, and let whoever it wakes run."""
        self.clock.advance(seconds)
        self.registration._wake.set()
        for _ in range(20):
            await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def scene(
    *results: MintResult,
    state: CredentialState = ABSENT,
    stored: str | None = None,
    floor: float = 0.0,
) -> AsyncIterator[Scene]:
    made = Scene(results=iter(results))
    known = made.known(state)
    if stored is not None:
        await made.vault.put(known.ref, SecretStr(stored))
    made.registration = Registration(
        known,
        vault=made.vault,
        register=made.mint,
        clock=made.clock,
        wait=lambda failures, most: min(most, 2.0**failures),
        record=made.record,
        asked_to_wait=made.asked_to_wait,
        changed=made.changed,
        floor=floor,
    )
    running = asyncio.create_task(made.registration.run())
    yield made
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


def delayed(error: str, retry_after_s: float | None = None) -> Unproven:
    why = Why.UNREACHED if retry_after_s is None else Why.ASKED_TO_WAIT
    return Unproven(why, error, retry_after_s=retry_after_s)


def minted(text: str) -> Minted:
    return Minted(SecretStr(text))


def secret(found: Scene) -> str | None:
    held = found.registration.secret
    return None if held is None else held.get_secret_value()


async def test_a_stored_secret_is_used_and_nothing_is_minted() -> None:
    async with scene(stored="t1", state=PRESENT) as found:
        await found.wait_for(PRESENT, 0)
        assert secret(found) == "t1"
        assert found.recorded == [(PRESENT, None)]
        assert found.changes == 1


async def test_an_install_without_a_token_is_registered_at_once() -> None:
    async with scene(minted("t1")) as found:
        await found.wait_for(PRESENT, 1)
        assert secret(found) == "t1"
        assert [state for state, _ in found.recorded] == [PENDING, PRESENT]
        stored = await found.vault.get(found.known(ABSENT).ref)
        assert stored is not None


async def test_a_token_that_the_service_refused_is_not_used_again_after_a_restart() -> None:
    async with scene(minted("t2"), stored="t1", state=HELD) as found:
        await found.wait_for(PRESENT, 1)
        assert secret(found) == "t2"


async def test_off_line_it_is_tried_again_with_growing_waits() -> None:
    async with scene(*[delayed("no network")] * 3, minted("t1")) as found:
        await found.wait_for(PENDING, 1)
        assert found.registration.error == "no network"
        for mints, wait in ((1, 2.0), (2, 4.0), (3, 8.0)):
            await found.advance(wait - 0.1)
            assert found.mints == mints
            await found.advance(0.1)
        await found.wait_for(PRESENT, 4)


async def test_a_refusal_is_said_and_tried_again_slowly() -> None:
    async with scene(Unproven(Why.REFUSED, "HTTP 401", 401), minted("t1")) as found:
        await found.wait_for(HELD, 1)
        assert found.registration.error == "HTTP 401"
        await found.advance(2.0)
        await found.wait_for(PRESENT, 2)


async def test_retry_after_is_obeyed_even_when_somebody_waits() -> None:
    async with scene(delayed("HTTP 429", retry_after_s=100.0), minted("t1")) as found:
        await found.wait_for(PENDING, 1)
        found.registration.hasten()
        await found.advance(99.0)
        assert found.mints == 1
        await found.advance(1.0)
        await found.wait_for(PRESENT, 2)


async def test_a_retry_after_is_kept_for_the_next_start() -> None:
    async with scene(delayed("HTTP 429", retry_after_s=100.0)) as found:
        await found.wait_for(PENDING, 1)
        assert found.waits == [100.0]
    async with scene(minted("t1"), state=PENDING, floor=600.0) as later:
        await later.wait_for(PENDING, 0)
        later.registration.hasten()
        await later.advance(99.0)
        assert later.mints == 0
        await later.advance(1.0)
        await later.wait_for(PRESENT, 1)


async def test_a_mint_that_fails_in_an_unforeseen_way_is_tried_again() -> None:
    async with scene() as found:
        await found.wait_for(PENDING, 1)
        assert found.registration.error == "registration failed: internal RuntimeError"
        found.results = iter((minted("t1"),))
        await found.advance(policy.REGISTRATION_MOST_S)
        await found.wait_for(PRESENT, 2)


async def test_the_first_refusal_of_a_token_renews_it_at_once() -> None:
    async with scene(minted("t2"), stored="t1", state=PRESENT) as found:
        await found.wait_for(PRESENT, 0)
        found.registration.refused(found.registration.generation, "HTTP 401")
        assert secret(found) is None
        await found.wait_for(PRESENT, 1)
        assert secret(found) == "t2"
        assert (HELD, "HTTP 401") in found.recorded


async def test_many_refusals_of_one_token_are_one() -> None:
    async with scene(minted("t2"), stored="t1", state=PRESENT) as found:
        await found.wait_for(PRESENT, 0)
        for _ in range(64):
            found.registration.refused(1, "HTTP 401")
        await found.wait_for(PRESENT, 1)
        found.registration.refused(1, "HTTP 401")
        assert secret(found) == "t2"


async def test_tokens_that_never_work_are_minted_ever_more_slowly() -> None:
    async with scene(*(minted(f"t{n}") for n in range(20))) as found:
        waits = []
        for mints in range(1, 8):
            await found.wait_for(PRESENT, mints)
            found.registration.refused(found.registration.generation, "HTTP 401")
            at = found.registration.next_try_at
            assert at is not None
            waits.append(at - found.clock.monotonic())
            found.registration.hasten()
            assert found.registration.next_try_at == at
            await found.advance(waits[-1])
        assert waits == [2, 4, 8, 16, 32, 64, 128]


async def test_a_token_that_worked_ends_the_waiting() -> None:
    async with scene(minted("t1"), minted("t2"), minted("t3")) as found:
        await found.wait_for(PRESENT, 1)
        found.registration.refused(1, "HTTP 401")
        await found.advance(policy.REGISTRATION_REFUSED_MOST_S)
        await found.wait_for(PRESENT, 2)
        found.registration.proven(2)
        found.registration.refused(2, "HTTP 401")
        await found.wait_for(PRESENT, 3)


async def test_adopting_while_a_mint_is_put_off_ends_the_wait() -> None:
    async with scene(delayed("no network")) as found:
        await found.wait_for(PENDING, 1)
        waiting = asyncio.create_task(found.registration.settled(5.0))
        await asyncio.sleep(0)
        await found.registration.adopt(SecretStr("t1"))
        assert await waiting == (PRESENT, None)
        await found.advance(1e6)
        assert found.mints == 1


async def test_nothing_is_minted_beside_a_token_whose_keeping_takes_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked, kept = asyncio.Event(), asyncio.Event()

    async def look(*_: object) -> None:
        await looked.wait()

    async def keep(*_: object) -> None:
        await kept.wait()

    monkeypatch.setattr(MemoryVault, "get", look)
    monkeypatch.setattr(MemoryVault, "put", keep)
    async with scene(minted("t1")) as found:
        adopting = asyncio.create_task(found.registration.adopt(SecretStr("t2")))
        await found.advance(0.0)
        looked.set()
        await found.advance(1.0)
        assert (found.mints, secret(found)) == (0, "t2")
        kept.set()
        await adopting


async def test_a_mint_under_way_does_not_replace_a_token_adopted_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answered = asyncio.Event()

    async def slow(found: Scene) -> MintResult:
        found.mints += 1
        await answered.wait()
        return minted("t1")

    monkeypatch.setattr(Scene, "mint", slow)
    async with scene() as found:
        await found.advance(0.0)
        assert found.mints == 1
        await found.registration.adopt(SecretStr("t2"))
        answered.set()
        await found.advance(1.0)
        assert (found.mints, secret(found), found.registration.generation) == (1, "t2", 1)


async def test_who_waits_is_told_of_a_refusal_or_that_the_time_is_up() -> None:
    async with scene(Unproven(Why.SHUT, "HTTP 403", 403)) as found:
        assert await found.registration.settled(5.0) == (HELD, "HTTP 403")
    async with scene(*[delayed("no network")] * 9) as found:
        assert await found.registration.settled(0.05) == (PENDING, "no network")


@pytest.mark.parametrize("text", ["", "a\r\nb", "tökén"])
async def test_a_secret_that_no_header_can_carry_is_not_taken(text: str) -> None:
    async with scene(minted(text)) as found:
        await found.wait_for(HELD, 1)
        assert secret(found) is None
        with pytest.raises(UnusableSecret):
            await found.registration.adopt(SecretStr(text))


async def test_a_vault_that_fails_does_not_stop_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise VaultError("the vault is broken", "mend it")

    monkeypatch.setattr(MemoryVault, "get", broken)
    monkeypatch.setattr(MemoryVault, "put", broken)
    async with scene(minted("t1")) as found:
        await found.wait_for(PRESENT, 1)
        assert secret(found) == "t1"
        with pytest.raises(VaultError):
            await found.registration.adopt(SecretStr("t2"))
