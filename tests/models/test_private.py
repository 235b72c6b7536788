"""S2: directories and files that are not ours alone are refused, with the remedy."""

import os
from pathlib import Path

import pytest

from swarm_analytics_models.private import UnsafePath, check_private_file, ensure_private_directory


def test_s2_a_new_directory_is_for_its_owner_alone(tmp_path: Path) -> None:
    home = tmp_path / "a" / "b" / "home"
    ensure_private_directory(home)
    assert home.stat().st_mode & 0o777 == 0o700
    ensure_private_directory(home)


def test_a_place_where_no_directory_can_be_made_is_an_os_error() -> None:
    with pytest.raises(OSError):
        ensure_private_directory(Path("/proc/nowhere/home"))


def test_s2_a_looser_mode_is_refused_with_the_command_that_mends_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o750)
    with pytest.raises(UnsafePath, match=r"open to other users \(mode 0750\).*chmod 700"):
        ensure_private_directory(home)
    assert home.stat().st_mode & 0o777 == 0o750


def test_s2_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    link = tmp_path / "home"
    link.symlink_to(tmp_path / "real")
    with pytest.raises(UnsafePath, match="symbolic link"):
        ensure_private_directory(link)


def test_s2_a_file_where_a_directory_belongs_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "home"
    place.touch(0o600)
    with pytest.raises(UnsafePath, match="is not a directory"):
        ensure_private_directory(place)
    check_private_file(place)
    place.chmod(0o644)
    with pytest.raises(UnsafePath, match="chmod 600"):
        check_private_file(place)


def test_s2_another_owner_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    ours = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: ours + 1)
    with pytest.raises(UnsafePath, match=f"belongs to user id {ours}"):
        ensure_private_directory(home)
