"""What ARCHITECTURE.md draws and lists is what the code has."""

import re
from pathlib import Path

from swarm_analytics_models.home import __doc__ as home_files
from tests.docs.lifecycle_diagram import ARCHITECTURE, render, rendered_part

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ARCHITECTURE.read_text()


def test_the_diagram_is_the_table() -> None:
    assert rendered_part(DOCUMENT) == render(), "run: python tests/docs/lifecycle_diagram.py --write"


def test_every_path_it_names_exists() -> None:
    packages = ("shared_models/", "client/", "daemon/", "tests/", "packaging/")
    named = {path for path in re.findall(r"`([a-z_./]+)`", DOCUMENT) if path.startswith(packages)}
    assert len(named) > 20
    assert sorted(path for path in named if not (ROOT / path).exists()) == []


def test_every_module_of_the_daemon_is_named() -> None:
    modules = {
        path.stem
        for path in (ROOT / "daemon/swarm_analyticsd").rglob("*.py")
        if not path.stem.startswith("_") and path.parent.name != "cli"
    }
    assert sorted(name for name in modules if not re.search(rf"`(\w+/)*{name}`", DOCUMENT)) == []


def test_every_file_of_a_home_is_listed() -> None:
    assert home_files is not None
    files = re.findall(r"``([^`]+)``", home_files)
    assert len(files) > 8
    assert sorted(name for name in files if f"`{name}`" not in DOCUMENT) == []
