"""The README's table and plots, from a run's results."""

import json
import re
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
README: Final = ROOT / "README.md"
BEGIN: Final = "<!-- measured: written by `make bench README=1` -->"
END: Final = "<!-- end of what was measured -->"


def rendered(machine: dict[str, Any], table: str, plots: list[str]) -> str:
    """Machine, date and command, the table, and the plots by their paths from the README."""
    facts = " · ".join(f"{name}: {value}" for name, value in machine.items())
    images = "\n".join(f"![{Path(path).stem}]({path})" for path in plots)
    return f"{BEGIN}\n\n{facts}\n\n{table}\n{images}\n\n{END}"


def write_readme(results: Path) -> None:
    """Replace what stands between the marks. ValueError when they are not there."""
    text = README.read_text()
    if BEGIN not in text or END not in text:
        raise ValueError(f"README.md lacks the line {BEGIN!r} or {END!r}")
    machine = json.loads((results / "result.json").read_text())["machine"]
    plots = sorted(path.resolve().relative_to(ROOT).as_posix() for path in results.glob("*.svg"))
    part = rendered(machine, (results / "table.md").read_text(), plots)
    README.write_text(re.sub(f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: part, text, flags=re.DOTALL))
