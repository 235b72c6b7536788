"""What goes to the terminal: answers to stdout, everything said about them to stderr."""

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import typer
from pydantic import BaseModel

from swarm_analyticsd.cli.status_page import Line, Tone

if TYPE_CHECKING:
    from rich.text import Text

_STYLES: Final = {
    Tone.PLAIN: "",
    Tone.STRONG: "bold",
    Tone.GOOD: "green",
    Tone.BAD: "bold red",
    Tone.FAINT: "dim",
}


def say(text: str) -> None:
    """The answer. It must have gone through `words.visible` where it came from outside."""
    typer.echo(text)


def remark(text: str) -> None:
    """Beside the answer, on stderr."""
    typer.echo(text, err=True)


def say_json(answer: BaseModel) -> None:
    """In ASCII, so that nothing in it can steer a terminal."""
    typer.echo(json.dumps(answer.model_dump(mode="json"), indent=2, ensure_ascii=True))


def say_page(lines: Iterable[Line]) -> None:
    if not sys.stdout.isatty():
        say("\n".join(line.text for line in lines))
        return
    from rich.console import Console

    Console(highlight=False).print(styled(lines))


def styled(lines: Iterable[Line]) -> "Text":
    """For rich, which leaves the colours out where NO_COLOR is set."""
    from rich.text import Text

    text = Text(no_wrap=True, overflow="crop")
    for number, line in enumerate(lines):
        text.append("\n" if number else "").append(line.text, _STYLES[line.tone])
    return text
