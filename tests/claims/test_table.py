"""The table of claims and the tests name each other."""

import ast
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def test_every_claim_is_a_test_and_every_test_is_in_the_table() -> None:
    rows = re.findall(
        r"^\| (\d{3}-\w+) \|[^|]*\| `(test_\w+)` \|", (HERE / "README.md").read_text(), re.MULTILINE
    )
    written = {
        node.name
        for path in HERE.glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and re.match(r"test_\d{3}_", node.name)
    }
    assert {name for _, name in rows} == written
    for claim, name in rows:
        seed, number = claim.split("-")
        assert re.match(rf"test_{seed}_0*{number}_", name), f"{claim} is not named by {name}"


@pytest.mark.parametrize(
    ("seed", "claims"), [("000", 31), ("001", 33), ("002", 26), ("003", 25), ("004", 17)]
)
def test_every_claim_of_a_seed_is_in_the_table(seed: str, claims: int) -> None:
    table = (HERE / "README.md").read_text()
    numbers = {int(number) for number in re.findall(rf"^\| {seed}-(\d+) \|", table, re.MULTILINE)}
    assert numbers == set(range(1, claims + 1))


def test_what_was_measured_beyond_seed_000_is_in_the_table() -> None:
    table = (HERE / "README.md").read_text()
    assert re.findall(r"^\| 000-(b\d) \|", table, re.MULTILINE) == ["b1", "b2", "b3", "b4"]
