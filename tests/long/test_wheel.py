"""The wheel works where only its ordinary ranges were installed."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_wheel_installs_and_delivers() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "packaging" / "check_wheel.py"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "installs and delivers" in done.stdout
