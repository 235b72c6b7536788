"""Sessions, resource keys and held keys on the whole way from the outbox to a service."""

import json
import logging
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from swarm_analytics_models.api import SessionIdentity
from swarm_analytics_models.identifiers import Destination, IdentityKind, session_destination
from swarm_analytics_models.status import CredentialState
from swarm_analyticsd.credentials.file_vault import FileVault
from swarm_analyticsd.credentials.proof import MintResult, Proof
from swarm_analyticsd.delivery import minting
from swarm_analyticsd.outbox.rows import KnownDestination
from tests.credentials.support import BY_KEY, BY_SESSION, CONTRACT, IN_BOX, Sent
from tests.delivery.scripted import Action, ScriptedServer, Seen, answer, eventually, scripted
from tests.schedule.world import World, world

pytestmark = pytest.mark.anyio

CONTRACTS = {CONTRACT.name: CONTRACT}
USER = "u-1"


@dataclass
class Boxes:
    """The service of the toy contract: it mints, knows its tokens, and may revoke them."""

    life_s: float = 900.0
    minted: int = 0
    revoked: set[str] = field(default_factory=set)
    mints_fail: int = 0
    taken: list[tuple[str, str]] = field(default_factory=list)
    """Paths and proofs of the requests that were let in."""

    def __call__(self, seen: Seen) -> Action:
        [proof] = seen.values("Authorization")
        if seen.path in ("/session",) or seen.path.endswith("/keys"):
            if self.mints_fail:
                self.mints_fail -= 1
                return answer(500)
            if proof.removeprefix("ApiKey ") in self.revoked:
                return answer(401)
            self.minted += 1
            return answer(201, json.dumps(self._token(seen.path)).encode())
        if proof.split(" ")[1] in self.revoked:
            return answer(401)
        self.taken.append((seen.path, proof))
        return answer()

    def _token(self, path: str) -> dict[str, Any]:
        token, ends = f"canary-token-{self.minted}", time.time() + self.life_s
        if path == "/session":
            return {"token": token, "expires_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ends))}
        return {"error": None, "data": {"token": token, "key": {"expires_at_ms": int(ends * 1000)}}}


async def user(ours: World, remote: ScriptedServer, *, age_s: int = 0) -> KnownDestination:
    wanted = session_destination(CONTRACT.name, remote.base_url, "canary-pk", USER, None)
    known = await ours.outbox.ensure_destination(wanted)
    ours.dispatcher.destination_added(known)
    await ours.dispatcher.adopt(known.id, signed(age_s))
    return known


def signed(age_s: int = 0) -> SecretStr:
    session = SessionIdentity(
        key="canary-pk", user_id=USER, user_id_sig="0a" * 32, user_id_ts=int(time.time()) - age_s
    )
    return SecretStr(session.model_dump_json())


async def owner(ours: World, remote: ScriptedServer) -> KnownDestination:
    wanted = Destination(CONTRACT.name, remote.base_url, IdentityKind.KEY, "mine")
    known = await ours.outbox.ensure_destination(wanted)
    ours.dispatcher.destination_added(known)
    await ours.dispatcher.adopt(known.id, SecretStr("canary-key"))
    return known


def things(count: int, box: str = "b1") -> list[dict[str, Any]]:
    return [{"box": box, "text": str(number)} for number in range(count)]


async def test_one_session_carries_all_of_a_users_events_over_a_restart_too() -> None:
    service = Boxes()
    async with world(known_contracts=CONTRACTS) as ours, scripted(service) as remote:
        known = await user(ours, remote)
        await ours.hand_off(known, BY_SESSION.key, *things(50))
        await ours.settled(delivered=50)
        assert (service.minted, {proof for _, proof in service.taken}) == (1, {"Bearer canary-token-1"})
        await ours.restart()
        await ours.hand_off(known, BY_SESSION.key, *things(5))
        await ours.settled(delivered=55)
        assert service.minted == 1


async def test_each_resource_has_a_key_of_its_own() -> None:
    service = Boxes()
    async with world(known_contracts=CONTRACTS) as ours, scripted(service) as remote:
        known = await owner(ours, remote)
        await ours.hand_off(known, IN_BOX.key, *things(10), *things(10, "b/2"))
        await ours.settled(delivered=20)
        proofs = {path: {proof for at, proof in service.taken if at == path} for path, _ in service.taken}
        assert {path: len(found) for path, found in proofs.items()} == {
            "/boxes/b1/items": 1,
            "/boxes/b%2F2/items": 1,
        }
        assert service.minted == 2


async def test_a_token_revoked_in_mid_queue_costs_one_mint_and_no_event() -> None:
    service = Boxes()
    async with world(known_contracts=CONTRACTS) as ours, scripted(service) as remote:
        known = await owner(ours, remote)
        await ours.hand_off(known, IN_BOX.key, *things(40))
        await eventually(lambda: len(service.taken) >= 5)
        service.revoked.add("canary-token-1")
        await ours.hand_off(known, IN_BOX.key, *things(20))
        await ours.settled(delivered=60)
        assert service.minted == 2
        assert len(service.taken) == 60
        assert ours.view(known).credential is CredentialState.PRESENT


async def test_a_service_that_cannot_mint_is_waited_for_and_costs_no_event() -> None:
    service = Boxes(mints_fail=3)
    async with world(known_contracts=CONTRACTS) as ours, scripted(service) as remote:
        known = await owner(ours, remote)
        await ours.hand_off(known, IN_BOX.key, *things(5))
        await ours.settled(delivered=5)
        assert service.minted == 1
        assert (await ours.ledger()) == {"accepted": 5, "delivered": 5}


async def test_a_key_that_may_mint_no_more_is_held_until_there_is_another() -> None:
    service = Boxes(revoked={"canary-key"})
    async with world(known_contracts=CONTRACTS) as ours, scripted(service) as remote:
        known = await owner(ours, remote)
        await ours.hand_off(known, IN_BOX.key, *things(5))
        await eventually(lambda: ours.view(known).credential is CredentialState.HELD)
        assert ours.view(known).held_reason == "credential"
        await ours.dispatcher.adopt(known.id, SecretStr("another"))
        await ours.settled(delivered=5)


async def test_a_stale_signature_holds_a_users_events_until_an_app_gives_a_fresh_one() -> None:
    service = Boxes()
    async with world(known_contracts=CONTRACTS) as ours, scripted(service) as remote:
        known = await user(ours, remote, age_s=301)
        await ours.hand_off(known, BY_SESSION.key, *things(5))
        await eventually(lambda: ours.signatures)
        assert ours.signatures == [known.ref]
        await eventually(lambda: ours.dispatcher.signatures_wanted() == (known.ref,))
        assert service.minted == 0

        await ours.restart()
        await eventually(lambda: ours.dispatcher.signatures_wanted() == (known.ref,))
        await ours.dispatcher.adopt(known.id, signed())
        await ours.settled(delivered=5)
        assert ours.dispatcher.signatures_wanted() == ()
        assert service.minted == 1


async def test_what_a_call_learns_of_a_key_holds_and_frees_the_events_too() -> None:
    service = Boxes()
    async with world(known_contracts=CONTRACTS) as ours, scripted(service) as remote:
        known = await owner(ours, remote)
        calls = ours.dispatcher.authenticator(known.id)
        proof = await calls.prove(BY_KEY, Sent())
        assert isinstance(proof, Proof)
        calls.refused(proof, 401, "HTTP 401 Unauthorized")
        await ours.hand_off(known, BY_KEY.key, *things(3))
        await eventually(lambda: ours.view(known).held_reason == "credential")
        assert service.taken == []
        calls.accepted(proof)
        await ours.settled(delivered=3)


def stumbling() -> Callable[..., MintResult]:
    """Our own code, which stumbles over the first token."""
    stumbles = iter([True])

    def read(*given: Any) -> MintResult:
        if next(stumbles, False):
            raise RuntimeError(given)
        return read_token(*given)

    read_token = minting._token
    return read


async def test_secrets_and_tokens_are_in_the_vaults_file_and_nowhere_else(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S11: with every log line, after mints, refusals, holds, a restart and a bug of ours."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(minting, "_token", stumbling())
    service = Boxes()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "credentials.json"
        async with (
            world(known_contracts=CONTRACTS, vault=FileVault(path)) as ours,
            scripted(service) as remote,
        ):
            mine, theirs = await owner(ours, remote), await user(ours, remote)
            await ours.hand_off(mine, IN_BOX.key, *things(3))
            await ours.hand_off(theirs, BY_SESSION.key, *things(3))
            await ours.settled(delivered=6)
            service.revoked |= {"canary-token-1", "canary-token-2", "canary-token-3", "canary-key"}
            await ours.hand_off(mine, IN_BOX.key, *things(3))
            await ours.hand_off(theirs, BY_SESSION.key, *things(3))
            await eventually(lambda: ours.view(mine).credential is CredentialState.HELD)
            await ours.settled(delivered=9)
            shown = f"{ours.view(mine)} {ours.view(theirs)} {await ours.states()}"
            await ours.restart()
            holding = found_in(ours.home.root)
        assert b"canary-pk" in path.read_bytes()
    assert holding == []
    assert "canary" not in shown
    assert "canary" not in caplog.text
    assert "a token could not be minted" in caplog.text


def found_in(root: Path) -> list[str]:
    return [
        str(path) for path in sorted(root.rglob("*")) if path.is_file() and b"canary" in path.read_bytes()
    ]
