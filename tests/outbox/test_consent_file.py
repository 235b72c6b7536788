"""What was decided about consent outlives the outbox, in a file of its own."""

import json
import os
from pathlib import Path

import pytest

from swarm_analytics_models.categories import ConsentMode
from swarm_analytics_models.identifiers import uuid7
from swarm_analyticsd.outbox.consent_file import ConsentFile, Decided
from swarm_analyticsd.outbox.lifecycle import State
from swarm_analyticsd.outbox.store import Outbox
from tests.outbox.given import admit, an_event, open_outbox, sql, states

pytestmark = pytest.mark.anyio

MINIMAL, HOLD, FULL = ConsentMode.MINIMAL, ConsentMode.HOLD, ConsentMode.FULL


async def a_home(home: Path, *modes: ConsentMode) -> None:
    """One in which the user decided so, one after the other."""
    outbox = await open_outbox(home)
    for mode in modes:
        await outbox.set_consent("openswarm", mode, uuid7())
    await outbox.close()


async def consent(outbox: Outbox) -> dict[str, ConsentMode]:
    found = await outbox.consent()
    assert outbox.recovery.consent == found
    return found


async def test_nothing_is_written_before_somebody_decides(tmp_path: Path) -> None:
    home = tmp_path / "home"
    await a_home(home)
    assert not (home / "consent.json").exists()
    await a_home(home, HOLD)
    assert (home / "consent.json").stat().st_mode & 0o777 == 0o600
    assert ConsentFile(home / "consent.json").read() is not None


@pytest.mark.parametrize("damage", [b"", b"no database", None])
@pytest.mark.parametrize("decided", [(MINIMAL,), (HOLD,), (MINIMAL, FULL)])
async def test_a_lost_outbox_loses_no_decision(
    tmp_path: Path, damage: bytes | None, decided: tuple[ConsentMode, ...]
) -> None:
    home = tmp_path / "home"
    await a_home(home, *decided)
    for path in home.glob("outbox.db*"):
        path.unlink()
    if damage is not None:
        (home / "outbox.db").write_bytes(damage * 500)
        (home / "outbox.db").chmod(0o600)
    outbox = await open_outbox(home)
    assert await consent(outbox) == {"openswarm": decided[-1]}
    await admit(outbox, an_event())
    first = {MINIMAL: State.WITHDRAWN, HOLD: State.HELD, FULL: State.QUEUED}[decided[-1]]
    assert await states(outbox) == {first: 1}
    await outbox.close()


async def test_an_outbox_from_a_backup_learns_what_was_decided_since(tmp_path: Path) -> None:
    home = tmp_path / "home"
    await a_home(home, FULL)
    outbox = await open_outbox(home)
    await admit(outbox, an_event())
    await outbox.close()
    backup = (home / "outbox.db").read_bytes()
    await a_home(home, MINIMAL)
    (home / "outbox.db").write_bytes(backup)
    outbox = await open_outbox(home)
    assert await consent(outbox) == {"openswarm": MINIMAL}
    assert await states(outbox) == {State.WITHDRAWN: 1}
    assert await outbox.verify()
    await outbox.close()


async def test_an_older_copy_changes_nothing_and_is_renewed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    await a_home(home, MINIMAL)
    older = (home / "consent.json").read_bytes()
    await a_home(home, FULL)
    (home / "consent.json").write_bytes(older)
    outbox = await open_outbox(home)
    assert await consent(outbox) == {"openswarm": FULL}
    await outbox.close()
    kept = ConsentFile(home / "consent.json").read()
    assert kept is not None
    assert kept["openswarm"].mode is FULL


async def test_what_was_decided_before_there_was_a_copy_is_copied(tmp_path: Path) -> None:
    home = tmp_path / "home"
    outbox = await open_outbox(home)
    await sql(outbox, "INSERT INTO services VALUES ('openswarm', 'minimal', 0, NULL)")
    await outbox.close()
    await (await open_outbox(home)).close()
    assert ConsentFile(home / "consent.json").read() == {"openswarm": Decided(MINIMAL, None)}


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"services": []}', b'{"services": {"a": {"mode": "x", "moment": null}}}']
)
async def test_a_copy_that_cannot_be_read_is_told_of_and_written_anew(tmp_path: Path, content: bytes) -> None:
    home = tmp_path / "home"
    await a_home(home, MINIMAL)
    (home / "consent.json").write_bytes(content)
    broken = ConsentFile(home / "consent.json")
    assert broken.read() is None
    assert "consent.json" in (broken.trouble or "")
    outbox = await open_outbox(home)
    assert await consent(outbox) == {"openswarm": MINIMAL}
    assert json.loads((home / "consent.json").read_bytes())["services"]["openswarm"]["mode"] == "minimal"
    assert not any("consent.json" in warning for warning in outbox.warnings)
    await outbox.close()


async def test_a_copy_that_others_could_change_is_not_believed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    await a_home(home, FULL)
    os.chmod(home / "consent.json", 0o666)  # noqa: S103 - as somebody careless did
    file = ConsentFile(home / "consent.json")
    assert file.read() is None
    assert "chmod" in (file.trouble or "")


async def test_a_copy_that_cannot_be_written_is_told_of_and_stops_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    outbox = await open_outbox(home)
    (home / "consent.json.new").mkdir()
    await outbox.set_consent("openswarm", MINIMAL, uuid7())
    assert await outbox.consent() == {"openswarm": MINIMAL}
    assert any("consent.json cannot be written" in warning for warning in outbox.warnings)
    (home / "consent.json.new").rmdir()
    await outbox.set_consent("openswarm", HOLD, uuid7())
    assert not any("consent.json" in warning for warning in outbox.warnings)
    await outbox.close()


async def test_an_outbox_in_memory_writes_no_file(tmp_path: Path) -> None:
    outbox = await open_outbox(tmp_path / "home", durability="memory")
    await outbox.set_consent("openswarm", MINIMAL, uuid7())
    assert list((tmp_path / "home").iterdir()) == []
    await outbox.close()
