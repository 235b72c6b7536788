"""SECURITY S14: what is logged cannot act on the terminal that shows it."""

import logging

from swarm_analyticsd.logs import SafeFormatter


def formatted(message: str, *arguments: object) -> str:
    record = logging.LogRecord("x", logging.WARNING, __file__, 1, message, arguments, None)
    return SafeFormatter("%(levelname)s %(message)s").format(record)


def test_s14_control_characters_are_escaped() -> None:
    hostile = "a\x1b[2Jb\r\nforged line\x07\x9bc"
    assert formatted("journal %s", hostile) == "WARNING journal a\\x1b[2Jb\\x0d\\x0aforged line\\x07\\x9bc"


def test_plain_text_stays_as_it_is() -> None:
    assert formatted("größer – 100 %% of %s", "x") == "WARNING größer – 100 % of x"
