"""The output directory: what differs is named, and it is swapped whole or not at all."""

from pathlib import Path

import pytest

from clientgen.emit import differences, swap

FILES = {"__init__.py": "", "toy/routes.py": "A = 1\n"}


def test_a_swapped_directory_does_not_differ(tmp_path: Path) -> None:
    output = tmp_path / "deep" / "_generated"
    swap(FILES, output)
    assert differences(FILES, output) == ()
    assert (output / "toy" / "routes.py").read_text() == "A = 1\n"


def test_every_difference_is_named(tmp_path: Path) -> None:
    output = tmp_path / "_generated"
    swap(FILES | {"old/routes.py": ""}, output)
    (output / "toy" / "routes.py").write_text("A = 2\n")
    (output / "__init__.py").unlink()
    assert differences(FILES, output) == (
        "__init__.py is missing",
        "old/routes.py is left over: no contract yields it",
        "toy/routes.py differs from what the contracts yield",
    )


def test_byte_code_is_no_difference(tmp_path: Path) -> None:
    swap(FILES, tmp_path / "_generated")
    cache = tmp_path / "_generated" / "toy" / "__pycache__"
    cache.mkdir()
    (cache / "routes.cpython-311.pyc").write_bytes(b"x")
    assert differences(FILES, tmp_path / "_generated") == ()


def test_an_absent_directory_lacks_everything(tmp_path: Path) -> None:
    assert len(differences(FILES, tmp_path / "_generated")) == len(FILES)


def test_what_is_left_over_goes_with_the_swap(tmp_path: Path) -> None:
    output = tmp_path / "_generated"
    swap({"gone/routes.py": ""}, output)
    swap(FILES, output)
    assert not (output / "gone").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["_generated"]


def test_the_old_directory_comes_back_when_the_swap_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "_generated"
    swap(FILES, output)
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.name == "fresh":
            raise OSError("no space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OSError, match="no space"):
        swap({"__init__.py": "new\n"}, output)
    assert differences(FILES, output) == ()
