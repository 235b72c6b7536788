"""The journal: what is appended, what is undone, what is given back."""

import errno
import fcntl
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from swarm_analytics import AnalyticsClient, HandOffError, policy
from swarm_analytics import journal as journal_module
from swarm_analytics.journal import Declared, Journal
from swarm_analytics_models.home import Home
from swarm_analytics_models.lock import try_lock
from tests.client.scripted import journal_keys, journal_lines

HERE = Declared("d_1", b'{"type":"destination"}\n')
LINE = b'{"n":0}\n'


def files(home: Path) -> list[Path]:
    return sorted((home / "inbox").iterdir())


def test_making_one_touches_nothing(home: Path) -> None:
    Journal(Home(home))
    assert not home.exists()


def test_files_are_private_named_by_process_and_locked(home: Path) -> None:
    previous = os.umask(0)
    try:
        Journal(Home(home)).append(LINE, None)
    finally:
        os.umask(previous)
    [path] = files(home)
    assert path.name.startswith(f"{os.getpid()}-")
    assert path.name.endswith("-000001.ndjson")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {stat.S_IMODE(p.stat().st_mode) for p in (home, home / "inbox")} == {0o700}
    with path.open("rb") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_file_that_a_daemon_removed_before_it_was_locked_is_not_written_to(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped between making its file and locking it, a process looks dead; what it writes must be found."""

    def try_lock_too_late(fd: int) -> bool:
        monkeypatch.undo()
        [path] = files(home)
        path.unlink()
        return try_lock(fd)

    monkeypatch.setattr(journal_module, "try_lock", try_lock_too_late)
    Journal(Home(home)).append(LINE, None)
    [path] = files(home)
    assert path.read_bytes() == LINE


def test_each_segment_declares_a_destination_once_before_its_first_use(home: Path) -> None:
    journal = Journal(Home(home), segment_bytes=60)
    other = Declared("d_2", b'{"type":"other"}\n')
    for destination in (HERE, HERE, other, None, HERE, other):
        journal.append(LINE, destination)
    assert [path.read_bytes() for path in files(home)] == [
        HERE.line + LINE + LINE + other.line + LINE,
        LINE + HERE.line + LINE + other.line + LINE,
    ]


def test_a_segment_is_given_back_when_its_receipt_comes_and_it_is_not_the_last(home: Path) -> None:
    journal = Journal(Home(home), segment_bytes=16)
    for _ in range(6):
        journal.append(LINE, None)
    first, second, third = files(home)

    journal.receipted(second.name, 8)
    assert files(home) == [first, second, third]
    journal.receipted(second.name, 16)
    assert files(home) == [first, third]
    journal.receipted(third.name, 16)
    assert [segment.name for segment in journal.pending] == [first.name]
    journal.receipted(first.name, 16)
    assert files(home) == [third]

    journal.rotate()
    assert third not in files(home)


def test_the_cap_counts_every_journal_of_the_home_and_frees_what_was_taken(home: Path) -> None:
    journal = Journal(Home(home), inbox_bytes=100)
    journal.append(LINE, None)
    foreign = home / "inbox" / "1-other-000001.ndjson"
    foreign.write_bytes(b"x" * 80)
    journal.append(LINE, None)
    journal.rotate()
    with pytest.raises(HandOffError, match=r"cap of .* MiB.*swarm-analyticsd (status|run)"):
        journal.append(LINE, None)
    foreign.unlink()
    journal.append(LINE, None)
    assert sum(path.stat().st_size for path in files(home)) == 24


def test_a_large_segment_that_is_receipted_whole_is_given_back_by_the_next_line(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "SPENT_BYTES", 3 * len(LINE))
    journal = Journal(Home(home))
    segment = journal.append(LINE * 4, None)[0]
    journal.receipted(segment.name, segment.end - 1)
    assert journal.append(LINE, None)[0] is segment, "not the daemon's yet"
    journal.receipted(segment.name, segment.end)
    (home / "inbox").chmod(0o755)
    assert journal.append(LINE, None)[0] is segment, "no other can be opened, and this one has room"
    (home / "inbox").chmod(0o700)
    journal.receipted(segment.name, segment.end)
    following, _ = journal.append(LINE, None)
    assert files(home) == [following.path]
    assert following.path.read_bytes() == LINE


def test_a_single_line_may_be_longer_than_a_segment(home: Path) -> None:
    journal = Journal(Home(home), segment_bytes=4)
    journal.append(LINE, None)
    journal.append(LINE, None)
    assert [path.stat().st_size for path in files(home)] == [8, 8]


def test_a_partial_write_is_undone(home: Path) -> None:
    """A real limit on file sizes, in a process of its own: the write is cut short, as on a full disk."""
    script = """
import resource, sys
from swarm_analytics import AnalyticsClient, HandOffError, policy
from swarm_analytics import journal as journal_module
client = AnalyticsClient(sys.argv[1])
client.logs.write(tag="first")
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
try:
    client.logs.write(tag="second", data="x" * 2000)
except HandOffError as error:
    print(error)
print(client.logs.write(tag="third"))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(client.logs.write(tag="fourth"))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(home)], capture_output=True, text=True, check=True
    )
    error, *accepted = done.stdout.splitlines()
    assert "not accepted" in error
    assert [line["body"]["tag"] for line in journal_lines(home)] == ["first", "third", "fourth"]
    assert journal_keys(home)[1:] == accepted


def test_a_torn_line_that_could_not_be_undone_is_undone_before_the_next(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(Home(home))
    journal.append(LINE, None)
    write, truncate = os.write, os.ftruncate

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "I/O error")

    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:3]))
    monkeypatch.setattr(os, "ftruncate", fail)
    with pytest.raises(HandOffError):
        journal.append(LINE, None)
    monkeypatch.setattr(os, "write", write)
    with pytest.raises(HandOffError):
        journal.append(LINE, None)
    monkeypatch.setattr(os, "ftruncate", truncate)
    journal.append(LINE, None)
    assert files(home)[0].read_bytes() == LINE + LINE


@pytest.mark.parametrize(
    ("number", "remedy"), [(errno.ENOSPC, "disk space"), (errno.EROFS, "writable"), (errno.EIO, "disk")]
)
def test_trouble_with_the_disk_is_a_hand_off_error_with_a_remedy(
    home: Path, monkeypatch: pytest.MonkeyPatch, number: int, remedy: str
) -> None:
    client = AnalyticsClient(home)

    def fail(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr("swarm_analytics.journal.os.write", fail)
        with pytest.raises(HandOffError, match=remedy) as caught:
            client.logs.write(tag="lost")
    assert caught.value.hint
    client.logs.write(tag="kept")
    assert [line["body"]["tag"] for line in journal_lines(home)] == ["kept"]


def test_an_inbox_that_others_may_enter_is_refused(home: Path) -> None:
    home.mkdir(mode=0o700)
    (home / "inbox").mkdir(mode=0o755)
    (home / "inbox").chmod(0o755)
    with pytest.raises(HandOffError, match="chmod 700"):
        AnalyticsClient(home).logs.write(tag="t")
    assert files(home) == []


def test_a_home_that_is_a_link_is_refused(home: Path) -> None:
    target = home.parent / "elsewhere"
    target.mkdir(mode=0o700)
    home.symlink_to(target)
    with pytest.raises(HandOffError, match="symbolic link"):
        AnalyticsClient(home).logs.write(tag="t")


def test_a_home_below_a_file_is_a_hand_off_error(home: Path) -> None:
    home.mkdir(mode=0o700)
    (home / "file").write_text("")
    with pytest.raises(HandOffError, match="open a journal"):
        AnalyticsClient(home / "file" / "home").logs.write(tag="t")


def test_a_new_file_whose_lock_a_scan_holds_is_left_for_another(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []
    flock = fcntl.flock

    def scanned_first(fd: int, operation: int) -> None:
        if not held:
            held.append(os.open(f"/proc/self/fd/{fd}", os.O_RDWR))
            flock(held[0], fcntl.LOCK_EX)
        flock(fd, operation)

    monkeypatch.setattr("swarm_analytics_models.lock.fcntl.flock", scanned_first)
    segment, _ = Journal(Home(home)).append(LINE, None)
    assert segment.name.endswith("-000002.ndjson")
    os.close(held[0])
