"""A home is ours alone, and one process has it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from swarm_analytics_models.home import Home
from swarm_analytics_models.private import UnsafePath
from swarm_analyticsd import homedir
from swarm_analyticsd.homedir import HomeTaken, prepare_home, take_home
from tests.support.homes import holding
from tests.support.waiting import eventually

HOLD = """
import sys
from pathlib import Path
from swarm_analytics_models.home import Home
from swarm_analyticsd.homedir import HomeTaken, take_home
try:
    lock = take_home(Home(Path(sys.argv[1])))
except HomeTaken as taken:
    print("taken", taken.pid, flush=True)
else:
    print("held", flush=True)
    sys.stdin.read()
"""


def starter(home: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_a_home_is_made_private(home: Path) -> None:
    prepare_home(Home(home))
    assert home.stat().st_mode & 0o777 == 0o700
    assert Home(home).inbox.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", ["lock", "outbox.db", "outbox.db-wal", "credentials.json", "capability"])
def test_a_file_that_others_may_open_is_refused(home: Path, name: str) -> None:
    prepare_home(Home(home))
    (home / name).touch(mode=0o600)
    prepare_home(Home(home))
    (home / name).chmod(0o644)
    with pytest.raises(UnsafePath, match="chmod 600"):
        prepare_home(Home(home))


def test_a_loose_home_and_a_loose_inbox_are_refused(home: Path) -> None:
    prepare_home(Home(home))
    Home(home).inbox.chmod(0o750)
    with pytest.raises(UnsafePath, match="chmod 700"):
        prepare_home(Home(home))
    Home(home).inbox.chmod(0o700)
    home.chmod(0o755)
    with pytest.raises(UnsafePath, match="chmod 700"):
        prepare_home(Home(home))


def test_links_in_place_of_the_home_or_its_lock_are_refused(home: Path, tmp_path: Path) -> None:
    prepare_home(Home(home))
    link = home.parent / "link"
    link.symlink_to(home)
    with pytest.raises(UnsafePath, match="symbolic link"):
        prepare_home(Home(link))
    Home(home).lock.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnsafePath, match="symbolic link"):
        prepare_home(Home(home))
    with pytest.raises(OSError, match="symbolic"):
        take_home(Home(home))
    assert not (tmp_path / "elsewhere").exists()


def test_a_network_file_system_is_refused_with_advice(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(homedir, "_file_system", lambda _path: "nfs4")
    with pytest.raises(UnsafePath, match="local disk"):
        prepare_home(Home(home))


def test_the_holder_of_a_taken_home_is_named(home: Path) -> None:
    prepare_home(Home(home))
    with holding(Home(home)):
        other = starter(home)
        assert other.communicate()[0].split() == ["taken", str(os.getpid())]
    with holding(Home(home)):
        assert Home(home).lock.read_text().strip() == str(os.getpid())


def test_a_dead_holders_pid_is_never_named(home: Path) -> None:
    prepare_home(Home(home))
    first = starter(home)
    assert first.stdout is not None
    assert first.stdout.readline() == "held\n"
    first.kill()
    first.communicate()
    assert Home(home).lock.read_text().strip() == str(first.pid)
    with holding(Home(home)), pytest.raises(HomeTaken) as taken:
        take_home(Home(home))
    assert taken.value.pid == os.getpid()


def test_of_many_starters_at_once_one_has_the_home_and_the_others_name_it(home: Path) -> None:
    prepare_home(Home(home))
    for _ in range(3):
        starters = [starter(home) for _ in range(6)]
        said = {}
        for each in starters:
            assert each.stdout is not None
            said[each.pid] = each.stdout.readline().split()
        holders = [pid for pid, words in said.items() if words == ["held"]]
        assert len(holders) == 1
        assert all(words == ["taken", str(holders[0])] for pid, words in said.items() if pid != holders[0])
        for each in starters:
            each.communicate()


def test_a_lock_ends_with_its_holder_and_not_with_its_file(home: Path) -> None:
    prepare_home(Home(home))
    inode = None
    for _ in range(3):
        with holding(Home(home)):
            inode = inode or Home(home).lock.stat().st_ino
            assert Home(home).lock.stat().st_ino == inode
    process = starter(home)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    process.kill()
    process.communicate()

    def free() -> bool:
        with holding(Home(home)):
            return True

    assert eventually(free)
