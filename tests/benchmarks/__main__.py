"""``python -m tests.benchmarks``: measure the rows, print the table, write results and plots.

The rows are measured one after the other, all parties of a row in turn. Whether a figure reaches its target
is printed and decides nothing: the exit code is 1 only when a row could not be measured.
"""

import argparse
import json
import os
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.benchmarks import plots
from tests.benchmarks.bench import Bench, Row
from tests.benchmarks.machine import machine
from tests.benchmarks.peers import PINNED, Peers
from tests.benchmarks.readme import write_readme
from tests.benchmarks.rows import ROWS
from tests.benchmarks.table import Group, as_json, as_markdown, as_text

RESULTS: Final = Path(__file__).with_name("results")
QUICK_RESULTS: Final = Path(__file__).parents[2] / "build" / "bench-quick"
ROUNDS: Final = 5
QUICK_ROUNDS: Final = 2
IDLE_VARIABLE: Final = "BENCH_IDLE_S"
IDLE_S: Final = 60.0
QUICK_IDLE_S: Final = 10.0


def main() -> int:
    arguments = parsed()
    rows = chosen(arguments.rows)
    quick = arguments.quick
    bench = Bench(
        rounds=arguments.rounds or (QUICK_ROUNDS if quick else ROUNDS),
        quick=quick,
        idle_s=float(os.environ.get(IDLE_VARIABLE) or (QUICK_IDLE_S if quick else IDLE_S)),
        peers=Peers(),
    )
    bench.peers.available(*PINNED)
    begun = time.monotonic()
    described = machine(" ".join(["python", "-m", "tests.benchmarks", *sys.argv[1:]]), bench.peers)
    groups = []
    for row in rows:
        print(f"measuring {row.name}: {row.title}", file=sys.stderr)
        group = measured(row, bench)
        groups.append(group)
        print(as_text([group]), flush=True)
    described["minutes"] = round((time.monotonic() - begun) / 60, 1)
    described["rounds"] = bench.rounds
    output = arguments.output or (QUICK_RESULTS if quick or arguments.rows else RESULTS)
    write(output, described, groups)
    print(f"{' · '.join(f'{name} {value}' for name, value in described.items())}\nwritten to {output}")
    if arguments.readme:
        write_readme(output)
    return 1 if any(group.trouble for group in groups) else 0


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--rows", default="", help=f"some of: {','.join(row.name for row in ROWS)}")
    parser.add_argument("--quick", action="store_true", help="fewer rounds and smaller sizes: does it work?")
    parser.add_argument("--rounds", type=int, help=f"default {ROUNDS}, quick {QUICK_ROUNDS}")
    parser.add_argument("--output", type=Path, help="directory; default results/, build/ for a part")
    parser.add_argument("--readme", action="store_true", help="put the table into the README")
    return parser.parse_args()


def chosen(names: str) -> Sequence[Row]:
    """The rows of these names, all where there are none. Ends the program for a name that is none."""
    by_name = {row.name: row for row in ROWS}
    wanted = [name for name in names.split(",") if name]
    if unknown := [name for name in wanted if name not in by_name]:
        raise SystemExit(f"no row is called {', '.join(unknown)}; known are {', '.join(by_name)}")
    return [by_name[name] for name in wanted] or ROWS


def measured(row: Row, bench: Bench) -> Group:
    """The row's figures; what went wrong is told, and the other rows are measured all the same."""
    try:
        return Group(row.name, row.title, tuple(row.run(bench)))
    except Exception as error:
        traceback.print_exc()
        lines = str(error).strip().splitlines() or [""]
        reason = lines[0] if len(lines) == 1 else f"{lines[0]} … {lines[-1]}"
        return Group(row.name, row.title, (), f"{type(error).__name__}: {reason}")


def write(output: Path, described: dict[str, object], groups: Sequence[Group]) -> None:
    """``result.json``, ``table.md``, and a plot of each group and of all targets."""
    output.mkdir(parents=True, exist_ok=True)
    for old in output.glob("*.svg"):
        old.unlink()
    result = {"machine": described, "groups": as_json(groups)}
    (output / "result.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    (output / "table.md").write_text(as_markdown(groups))
    (output / "targets.svg").write_text(plots.targets(groups))
    for group in groups:
        if any(figure.peers for figure in group.figures):
            (output / f"{group.name}.svg").write_text(plots.bars(group))


if __name__ == "__main__":
    sys.exit(main())
