"""Proofs for every kind of credential: with a clock and nonces in the test's hand."""

import asyncio
import json
from typing import Any

import pytest
from pydantic import SecretStr

from swarm_analytics_models.api import SessionIdentity
from swarm_analytics_models.identifiers import Destination, IdentityKind, fingerprint
from swarm_analytics_models.status import CredentialState
from swarm_analyticsd import policy
from swarm_analyticsd.credentials.proof import Minted, MintResult, Proof, Unproven, Why
from swarm_analyticsd.credentials.secret import UnusableSecret
from tests.credentials.support import (
    AGENT_DESTINATION,
    BASE,
    BY_KEY,
    BY_SESSION,
    BY_SIGNATURE,
    IN_BOX,
    KEY_DESTINATION,
    Bench,
    Sent,
    session_for,
)

pytestmark = pytest.mark.anyio

HELD, PRESENT = CredentialState.HELD, CredentialState.PRESENT
BOX = {"box": "b1"}


async def bench_of(destination: Destination, secret: str | None, **changes: Any) -> Bench:
    bench = Bench(destination, **changes)
    if secret is not None:
        await bench.credential.adopt(SecretStr(secret))
    return bench


async def key_bench(**changes: Any) -> Bench:
    return await bench_of(KEY_DESTINATION, "k1", **changes)


def identity(bench: Bench | None = None, *, user: str = "u-1", age_s: int = 0) -> str:
    signed_at = int((bench.clock.now() if bench is not None else 1_000_000) - age_s)
    return SessionIdentity(
        key="pk_1", user_id=user, user_id_sig="0a" * 32, user_id_ts=signed_at
    ).model_dump_json()


def proven(found: Proof | Unproven) -> Proof:
    assert isinstance(found, Proof), found
    return found


def unproven(found: Proof | Unproven) -> Unproven:
    assert isinstance(found, Unproven), found
    return found


def values(found: Proof | Unproven) -> dict[str, str]:
    return {header.name: header.value for header in proven(found).headers}


async def test_a_key_travels_as_the_contract_says() -> None:
    bench = await key_bench()
    assert values(await bench.authenticator.prove(BY_KEY, Sent())) == {"Authorization": "ApiKey k1"}


async def test_without_a_secret_there_is_no_proof_but_a_remedy() -> None:
    bench = await bench_of(KEY_DESTINATION, None)
    found = unproven(await bench.authenticator.prove(BY_KEY, Sent()))
    assert found.why is Why.ABSENT
    assert "pass a key to the client" in found.error
    user = await bench_of(session_for("u-1"), identity())
    other = unproven(await user.authenticator.prove(BY_SIGNATURE, Sent()))
    assert (other.why, other.error) == (Why.ABSENT, "agent.act takes no credential of kind session")


async def test_each_attempt_is_signed_anew() -> None:
    bench = await bench_of(AGENT_DESTINATION, "ab" * 32)
    first = values(await bench.authenticator.prove(BY_SIGNATURE, Sent()))
    bench.clock.advance(2.0)
    second = values(await bench.authenticator.prove(BY_SIGNATURE, Sent()))
    assert first["X-Agent-Id"] == second["X-Agent-Id"] == "talent"
    assert int(second["X-Timestamp"]) - int(first["X-Timestamp"]) == 2
    assert len({first["X-Nonce"], second["X-Nonce"]}) == 2
    assert len({first["X-Signature"], second["X-Signature"]}) == 2


async def test_a_caller_may_name_another_of_the_contracts_templates_and_no_other() -> None:
    bench = await bench_of(AGENT_DESTINATION, "ab" * 32)
    named = values(await bench.authenticator.prove(BY_SIGNATURE, Sent(), signature="short"))
    bench.nonces = 0
    usual = values(await bench.authenticator.prove(BY_SIGNATURE, Sent(), signature="server"))
    assert named["X-Nonce"] == usual["X-Nonce"]
    assert named["X-Signature"] != usual["X-Signature"]
    strange = unproven(await bench.authenticator.prove(BY_SIGNATURE, Sent(), signature="none"))
    assert strange.why is Why.REJECTED
    assert bench.credential.state is PRESENT


async def test_a_secret_that_cannot_sign_is_held_and_not_shown() -> None:
    bench = await bench_of(AGENT_DESTINATION, "canary-no-hex")
    found = unproven(await bench.authenticator.prove(BY_SIGNATURE, Sent()))
    assert found.why is Why.REFUSED
    assert "canary" not in repr(found)
    assert bench.credential.state is HELD


async def test_one_mint_serves_all_who_wait_for_it() -> None:
    bench = await key_bench()
    proofs = await asyncio.gather(*(bench.authenticator.prove(IN_BOX, Sent(), BOX) for _ in range(20)))
    assert bench.mints == ["b1"]
    assert {tuple(values(proof).items()) for proof in proofs} == {(("Authorization", "Bearer token-1"),)}
    await bench.authenticator.prove(IN_BOX, Sent(), {"box": "b2"})
    assert bench.mints == ["b1", "b2"]


async def test_all_who_wait_for_a_mint_share_its_error_and_the_next_tries_again() -> None:
    async def failing(*_: object) -> MintResult:
        await asyncio.sleep(0)
        return Unproven(Why.TROUBLE, "HTTP 500", 500)

    bench = await key_bench(answers=failing)
    found = await asyncio.gather(*(bench.authenticator.prove(IN_BOX, Sent(), BOX) for _ in range(20)))
    assert {(each.why, each.status) for each in map(unproven, found)} == {(Why.TROUBLE, 500)}
    assert len(bench.mints) == 1
    bench.answers = None
    proven(await bench.authenticator.prove(IN_BOX, Sent(), BOX))


async def test_who_gives_up_waiting_does_not_take_the_mint_from_the_others() -> None:
    answered = asyncio.Event()

    async def slow(*_: object) -> MintResult:
        await answered.wait()
        return Minted(SecretStr("token-1"), 2_000_000.0)

    bench = await key_bench(answers=slow)
    first, second = (asyncio.create_task(bench.authenticator.prove(IN_BOX, Sent(), BOX)) for _ in range(2))
    for _ in range(5):
        await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    answered.set()
    assert values(await second) == {"Authorization": "Bearer token-1"}
    assert len(bench.mints) == 1


async def test_a_token_is_renewed_before_it_ends() -> None:
    bench = await key_bench()
    await bench.authenticator.prove(IN_BOX, Sent(), BOX)
    bench.clock.advance(599.9)
    await bench.authenticator.prove(IN_BOX, Sent(), BOX)
    assert len(bench.mints) == 1
    bench.clock.advance(0.2)
    assert values(await bench.authenticator.prove(IN_BOX, Sent(), BOX)) == {"Authorization": "Bearer token-2"}


async def test_while_none_can_be_minted_the_rest_of_a_tokens_life_is_used() -> None:
    bench = await key_bench()
    await bench.authenticator.prove(IN_BOX, Sent(), BOX)
    bench.clock.advance(899.0)

    async def offline(*_: object) -> MintResult:
        return Unproven(Why.UNREACHED, "no network")

    bench.answers = offline
    assert values(await bench.authenticator.prove(IN_BOX, Sent(), BOX)) == {"Authorization": "Bearer token-1"}
    bench.clock.advance(1.0)
    assert unproven(await bench.authenticator.prove(IN_BOX, Sent(), BOX)).why is Why.UNREACHED


async def test_a_life_shorter_than_the_margin_means_a_mint_for_each_request() -> None:
    async def short(*_: object) -> MintResult:
        return Minted(SecretStr("t"), bench.clock.now() + 10.0)

    bench = await key_bench(answers=short)
    for _ in range(3):
        proven(await bench.authenticator.prove(IN_BOX, Sent(), BOX))
    assert len(bench.mints) == 3


@pytest.mark.parametrize(("status", "again"), [(401, True), (403, True), (404, False), (500, False)])
async def test_a_refused_token_is_minted_anew(status: int, again: bool) -> None:
    bench = await key_bench()
    proof = proven(await bench.authenticator.prove(IN_BOX, Sent(), BOX))
    assert bench.authenticator.refused(proof, status, "no") is again
    assert values(await bench.authenticator.prove(IN_BOX, Sent(), BOX)) == {
        "Authorization": f"Bearer token-{1 + again}"
    }
    assert bench.credential.state is PRESENT, "the key that mints was not refused"


async def test_a_late_refusal_of_an_old_token_costs_no_new_one() -> None:
    bench = await key_bench()
    old = proven(await bench.authenticator.prove(IN_BOX, Sent(), BOX))
    for _ in range(5):
        assert bench.authenticator.refused(old, 401, "HTTP 401")
        proven(await bench.authenticator.prove(IN_BOX, Sent(), BOX))
    assert len(bench.mints) == 2


async def test_a_key_that_may_not_mint_is_held_for_all() -> None:
    async def no(*_: object) -> MintResult:
        return Unproven(Why.REFUSED, "HTTP 401", 401)

    bench = await key_bench(answers=no)
    found = unproven(await bench.authenticator.prove(IN_BOX, Sent(), BOX))
    assert (found.why, found.status) == (Why.REFUSED, 401)
    assert bench.credential.state is HELD
    other = unproven(await bench.authenticator.prove(BY_KEY, Sent()))
    assert (other.why, other.status) == (Why.REFUSED, 401)


async def test_a_request_without_its_resource_is_at_fault_itself() -> None:
    bench = await key_bench()
    assert unproven(await bench.authenticator.prove(IN_BOX, Sent())).why is Why.REJECTED
    assert bench.mints == []


async def test_a_token_outlives_a_restart_and_a_refused_one_does_not() -> None:
    bench = await key_bench()
    proof = proven(await bench.authenticator.prove(IN_BOX, Sent(), BOX))
    await saved(bench)
    later = await key_bench(vault=bench.vault)
    assert values(await later.authenticator.prove(IN_BOX, Sent(), BOX)) == {"Authorization": "Bearer token-1"}
    assert later.mints == []
    bench.authenticator.refused(proof, 403, "HTTP 403")
    await saved(bench)
    third = await key_bench(vault=bench.vault)
    await third.authenticator.prove(IN_BOX, Sent(), BOX)
    assert third.mints == ["b1"]


async def test_a_token_that_somebody_wants_forgotten_is_minted_anew_after_a_restart_too() -> None:
    bench = await key_bench()
    await bench.authenticator.prove(IN_BOX, Sent(), BOX)
    await saved(bench)
    later = await key_bench(vault=bench.vault)
    await later.authenticator.forget("b1")
    await later.authenticator.forget("of-which-nothing-is-known")
    await saved(later)
    third = await key_bench(vault=bench.vault)
    await third.authenticator.prove(IN_BOX, Sent(), BOX)
    assert third.mints == ["b1"]


async def test_no_more_tokens_are_kept_than_a_keyring_takes() -> None:
    bench = await key_bench()
    for number in range(100):
        await bench.authenticator.prove(IN_BOX, Sent(), {"box": f"b{number}"})
        bench.clock.advance(1.0)
    await saved(bench)
    kept = await bench.vault.get(f"{KEY_DESTINATION.ref}/tokens")
    assert kept is not None
    assert 0.9 < len(kept.get_secret_value()) / policy.TOKENS_KEPT_CHARACTERS <= 1.0
    boxes = list(json.loads(kept.get_secret_value()))
    assert boxes == [f"b{number}" for number in range(99, 99 - len(boxes), -1)], "those that live longest"


@pytest.mark.parametrize(
    "text", ["", "nonsense", "[]", '{"b1":1}', '{"b1":["t"]}', '{"b1":[1,2,"f"]}', '{"b1":["t",2e9]}']
)
async def test_what_somebody_else_wrote_into_the_vault_is_no_token(text: str) -> None:
    bench = await key_bench()
    await bench.vault.put(f"{KEY_DESTINATION.ref}/tokens", SecretStr(text))
    await bench.authenticator.prove(IN_BOX, Sent(), BOX)
    assert bench.mints == ["b1"]


async def saved(bench: Bench) -> None:
    await asyncio.gather(*bench.tokens._saves)


async def test_what_is_minted_while_the_credential_is_removed_is_not_kept() -> None:
    answered = asyncio.Event()

    async def slow(*_: object) -> MintResult:
        await answered.wait()
        return Minted(SecretStr("token-1"), 2_000_000.0)

    bench = await key_bench(answers=slow)
    asking = asyncio.create_task(bench.authenticator.prove(IN_BOX, Sent(), BOX))
    for _ in range(5):
        await asyncio.sleep(0)
    await bench.authenticator.forget_all()
    answered.set()
    assert unproven(await asking).why is Why.TROUBLE
    await saved(bench)
    assert await bench.vault.get(KEY_DESTINATION.ref) is None
    assert await bench.vault.get(f"{KEY_DESTINATION.ref}/tokens") is None
    assert unproven(await bench.authenticator.prove(IN_BOX, Sent(), BOX)).why is Why.ABSENT


async def test_what_one_key_minted_is_not_used_under_another() -> None:
    """Nor after a restart: a key may belong to another organization, or be new because the old one leaked."""
    bench = await key_bench()
    await bench.authenticator.prove(IN_BOX, Sent(), BOX)
    await bench.credential.adopt(SecretStr("k2"))
    assert values(await bench.authenticator.prove(IN_BOX, Sent(), BOX)) == {"Authorization": "Bearer token-2"}
    await saved(bench)
    later = await bench_of(KEY_DESTINATION, "k2", vault=bench.vault)
    assert values(await later.authenticator.prove(IN_BOX, Sent(), BOX)) == {"Authorization": "Bearer token-2"}
    await later.credential.adopt(SecretStr("k3"))
    await later.authenticator.prove(IN_BOX, Sent(), BOX)
    assert later.mints == ["b1"]


async def test_a_mint_that_is_under_way_is_for_its_own_key_alone() -> None:
    answered = asyncio.Event()

    async def slow(_scheme: object, _resource: str, secret: SecretStr) -> MintResult:
        if secret.get_secret_value() == "k1":
            await answered.wait()
        return Minted(SecretStr(f"of-{secret.get_secret_value()}"), 2_000_000.0)

    bench = await key_bench(answers=slow)
    asking = asyncio.create_task(bench.authenticator.prove(IN_BOX, Sent(), BOX))
    for _ in range(5):
        await asyncio.sleep(0)
    await bench.credential.adopt(SecretStr("k2"))
    assert values(await bench.authenticator.prove(IN_BOX, Sent(), BOX)) == {"Authorization": "Bearer of-k2"}
    answered.set()
    await asking
    assert values(await bench.authenticator.prove(IN_BOX, Sent(), BOX)) == {"Authorization": "Bearer of-k2"}


async def test_a_session_is_opened_once_and_shared() -> None:
    bench = await bench_of(session_for("u-1"), identity())
    proofs = await asyncio.gather(*(bench.authenticator.prove(BY_SESSION, Sent()) for _ in range(10)))
    assert {values(proof)["Authorization"] for proof in proofs} == {"Bearer token-1"}
    assert bench.mints == [""]


async def test_a_signature_that_is_too_old_opens_no_session_and_a_fresh_one_is_asked_for() -> None:
    bench = await bench_of(session_for("u-1"), identity(age_s=300))
    found = unproven(await bench.authenticator.prove(BY_SESSION, Sent()))
    assert found.why is Why.REFUSED
    assert "older than 300 s" in found.error
    assert (bench.mints, bench.wanted) == ([], 1)
    assert bench.credential.state is HELD
    assert bench.authenticator.wants_signature

    await bench.credential.adopt(SecretStr(identity(bench)))
    assert not bench.authenticator.wants_signature
    assert values(await bench.authenticator.prove(BY_SESSION, Sent())) == {"Authorization": "Bearer token-1"}


async def test_a_session_that_lives_needs_no_fresh_signature() -> None:
    bench = await bench_of(session_for("u-1"), identity())
    await bench.authenticator.prove(BY_SESSION, Sent())
    bench.clock.advance(839.0)
    proven(await bench.authenticator.prove(BY_SESSION, Sent()))
    assert (len(bench.mints), bench.wanted) == (1, 0)
    bench.clock.advance(30.0)
    proven(await bench.authenticator.prove(BY_SESSION, Sent()))
    assert bench.wanted == 1, "in its last minute a fresh signature is asked for, so that nothing is held"
    bench.clock.advance(31.0)
    assert unproven(await bench.authenticator.prove(BY_SESSION, Sent())).why is Why.REFUSED


async def test_a_user_without_a_signature_needs_none() -> None:
    bench = await bench_of(session_for("u-1"), SessionIdentity(key="pk_1", user_id="u-1").model_dump_json())
    bench.clock.advance(1e6)
    proven(await bench.authenticator.prove(BY_SESSION, Sent()))
    assert bench.wanted == 0


async def test_a_restart_remembers_that_a_signature_is_wanted() -> None:
    bench = await bench_of(session_for("u-1"), identity())
    later = Bench(session_for("u-1"), vault=bench.vault, state=HELD)
    await later.credential.look_up()
    assert not later.authenticator.wants_signature, "held for another reason"
    later.clock.advance(300.0)
    assert later.authenticator.wants_signature


async def test_a_session_of_another_user_is_never_taken() -> None:
    bench = await bench_of(session_for("u-1"), identity())
    with pytest.raises(UnusableSecret, match="another user"):
        await bench.credential.adopt(SecretStr(identity(user="u-2")))
    with pytest.raises(UnusableSecret):
        await bench.credential.adopt(SecretStr("pk_1"))


async def test_a_key_that_is_refused_is_held_and_lent_to_those_who_send_anyway() -> None:
    bench = await key_bench()
    proof = proven(await bench.authenticator.prove(BY_KEY, Sent()))
    assert not bench.authenticator.refused(proof, 401, "HTTP 401 Unauthorized")
    assert bench.credential.state is HELD
    held = unproven(await bench.authenticator.prove(BY_KEY, Sent()))
    assert (held.why, held.status, held.error) == (Why.REFUSED, 401, "HTTP 401 Unauthorized")
    waits = []
    for _ in range(7):
        waited = 0.0
        while isinstance(again := await bench.authenticator.prove(BY_KEY, Sent()), Unproven):
            bench.clock.advance(0.5)
            waited += 0.5
        bench.authenticator.refused(again, 401, "HTTP 401 Unauthorized")
        waits.append(waited)
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert bench.credential.state is HELD

    bench.clock.advance(30.0)
    last = proven(await bench.authenticator.prove(BY_KEY, Sent()))
    bench.authenticator.accepted(last)
    await bench.credential._renew()
    assert (bench.credential.state, bench.credential.refusal) == (PRESENT, None)


async def test_a_refusal_of_an_earlier_key_means_nothing() -> None:
    bench = await key_bench()
    old = proven(await bench.authenticator.prove(BY_KEY, Sent()))
    await bench.credential.adopt(SecretStr("k2"))
    bench.authenticator.refused(old, 401, "HTTP 401")
    assert values(await bench.authenticator.prove(BY_KEY, Sent())) == {"Authorization": "ApiKey k2"}


async def test_a_status_that_says_nothing_of_the_key_holds_nothing() -> None:
    bench = await key_bench()
    proof = proven(await bench.authenticator.prove(BY_KEY, Sent()))
    for status in (400, 403, 404, 429, 500):
        assert not bench.authenticator.refused(proof, status, f"HTTP {status}")
    assert bench.credential.state is PRESENT


async def test_no_secret_shows_in_what_a_proof_or_its_lack_says() -> None:
    bench = await bench_of(KEY_DESTINATION, "canary-7")
    proof = proven(await bench.authenticator.prove(BY_KEY, Sent()))
    shown = [repr(proof), repr(bench.credential.secret), repr(await bench.credential.held())]
    token = await bench.authenticator.prove(IN_BOX, Sent(), BOX)
    shown += [repr(token), repr(bench.tokens.alive("b1", fingerprint("canary-7")))]
    assert not [text for text in shown if "canary" in text or "token-1" in text]


async def test_a_credential_is_bound_to_its_origin() -> None:
    """S8: another scheme, host or port is another destination, in whose place the vault has nothing."""
    bench = await key_bench()
    for base_url in ("http://vault.example/api", "https://vault.example:8443/api", "https://evil.example"):
        elsewhere = Destination("boxes", base_url, IdentityKind.KEY, KEY_DESTINATION.identity)
        other = Bench(elsewhere, vault=bench.vault)
        await other.credential.look_up()
        assert unproven(await other.authenticator.prove(BY_KEY, Sent())).why is Why.ABSENT
    same = Destination("boxes", f"{BASE}/v2", IdentityKind.KEY, KEY_DESTINATION.identity)
    moved = Bench(same, vault=bench.vault)
    await moved.credential.look_up()
    proven(await moved.authenticator.prove(BY_KEY, Sent()))
