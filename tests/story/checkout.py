"""A copy of the sources to add a service to: what runs from it knows the service, nothing else does."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.support.child import child_environment

ROOT: Final = Path(__file__).parents[2]
SOURCES: Final = ("shared_models", "client", "daemon")
SERVICES: Final = Path("shared_models/swarm_analytics_models/services")
REGISTRY: Final = SERVICES / "__init__.py"


class Checkout:
    """The sources in a folder of their own. Processes started with `environment` import from there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in SOURCES:
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        self._before = self._contents()

    @property
    def environment(self) -> dict[str, str | None]:
        return {
            "PYTHONPATH": os.pathsep.join(str(self.folder / name) for name in SOURCES),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def add_service(self, name: str, constant: str, files: dict[str, str]) -> None:
        """A folder, and a line in the registry."""
        folder = self.folder / SERVICES / name
        folder.mkdir()
        for file, text in {"__init__.py": "", **files}.items():
            (folder / file).write_text(text)
        registry = self.folder / REGISTRY
        text = registry.read_text()
        first_import = "    from swarm_analytics_models.services."
        assert text.count("for contract in (") == 1
        assert first_import in text
        added = f"{first_import}{name}.contract import {constant}\n"
        text = text.replace(first_import, added + first_import, 1)
        registry.write_text(text.replace("for contract in (", f"for contract in ({constant}, "))

    def generate(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the generator; check nothing."""
        return subprocess.run(
            [sys.executable, "-m", "clientgen", *arguments],
            env=child_environment(self.environment),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60.0,
            check=False,
        )

    def changes(self) -> set[Path]:
        """Files that are not as they were copied: added, altered or removed."""
        now = self._contents()
        return {path for path in {*now, *self._before} if now.get(path) != self._before.get(path)}

    def _contents(self) -> dict[Path, bytes]:
        return {
            path.relative_to(self.folder): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
