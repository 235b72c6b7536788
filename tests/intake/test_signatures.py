"""Apps are asked for fresh signed user ids: those that are there, that come later, that have no socket."""

from pathlib import Path

import pytest

from tests.intake.lines import DECLARATION
from tests.intake.rig import rig_in

pytestmark = pytest.mark.anyio


async def test_every_app_that_is_there_is_asked(home: Path) -> None:
    async with rig_in(home) as rig:
        apps = [rig.app(), rig.app(name="cd34" * 4)]
        for app in apps:
            await app.connect()
            await app.hear("welcome")
        rig.reception.signature_wanted("d_1")
        for app in apps:
            assert (await app.hear("signature_wanted"))["destination"] == "d_1"


async def test_an_app_that_comes_later_is_asked_when_it_comes(home: Path) -> None:
    async with rig_in(home) as rig:
        rig.dispatcher.unsigned = ["d_1", "d_2"]
        app = rig.app()
        await app.connect()
        await app.receipt()
        assert [message["type"] for message in app.heard[:3]] == ["welcome"] + 2 * ["signature_wanted"]
        assert [message["destination"] for message in app.heard[1:3]] == ["d_1", "d_2"]


async def test_an_app_without_a_socket_is_asked_in_the_answer(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        first = await rig.reception.posting.journal(app.write(DECLARATION), app.name, 0)
        rig.dispatcher.unsigned = ["d_1"]
        second = await rig.reception.posting.journal(b"", app.name, app.end)
        assert (first.signatures_wanted, second.signatures_wanted) == ((), ("d_1",))
