"""How every command speaks and ends: with its result, or with one sentence that says what is wrong."""

import functools
import io
import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_type_hints

import tyro
from rich.console import Console
from rich.markup import escape
from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from files.telling import printable, why

Main = Callable[..., int | None]
_FLAGS = ConstructorRegistry()  # how every command reads its flags, those with a parser of their own too


def command(name: str, *, interrupted: str = "") -> Callable[[Main], Callable[..., int]]:
    """Makes a function the `main` of a command: what a person can cure ends without a traceback.

    Args:
        name: how a person calls it, `detect.py` or `python -m tools.inbox`; the last part begins sentences.
        interrupted: what is left after Ctrl-C, and what to do now.

    Returns:
        A decorator. The decorated function takes the command line's arguments, those of the process if none
        are given, and returns the exit status: its own, 0 if it has none, 1 after an error, 130 after Ctrl-C.
        A function of `options` gets them read into the dataclass that it names; `--help` shows the
        docstring of its module.
    """
    speaker = name.rpartition(".")[2] if name.startswith("python -m ") else name

    def decorate(main: Main) -> Callable[..., int]:
        @functools.wraps(main)
        def run(arguments: Sequence[str] | None = None) -> int:
            if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal need not know every letter
                sys.stdout.reconfigure(errors="backslashreplace")
            arguments = list(map(_with_home, sys.argv[1:] if arguments is None else arguments))
            try:
                kind: Any = get_type_hints(main).get("options")
                settings = {"prog": name, "description": sys.modules[main.__module__].__doc__}
                with _FLAGS:
                    if kind is None:
                        return main(arguments) or 0
                    options = tyro.cli(kind, args=arguments, use_underscores=True, **settings)
                return main(options) or 0
            except KeyboardInterrupt:
                said, status = f"interrupted; {interrupted}" if interrupted else "interrupted", 130
            except (ValueError, OSError, FloatingPointError) as error:
                said, status = f"error: {why(error)}", 1
            print(_harmless(f"{speaker}: {said}"), file=sys.stderr)
            return status

        return run

    return decorate


@_FLAGS.primitive_rule
def _finite_number(flag: PrimitiveTypeInfo) -> PrimitiveConstructorSpec | None:
    """Numbers: none is below or above nan, so that it would pass every limit, and nothing is inf long."""

    def read(texts: list[str]) -> float:
        if math.isfinite(value := float(texts[0])):
            return value
        raise ValueError(f"{texts[0]} is not a number to work with")

    kinds = (int, float)
    rule = PrimitiveConstructorSpec(1, "FLOAT", read, lambda it: isinstance(it, kinds), lambda it: [str(it)])
    return rule if flag.type is float else None


@_FLAGS.primitive_rule
def _named_path(flag: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Path] | None:
    """An empty path is a mistake, as of a variable that is not set: Path("") would be the working folder."""

    def named(texts: list[str]) -> Path:
        if not texts[0]:
            raise ValueError("it is empty; the working folder is called .")
        return Path(texts[0])

    rule = PrimitiveConstructorSpec(1, "PATH", named, lambda it: isinstance(it, Path), lambda it: [str(it)])
    return rule if flag.type is Path else None


def say(console: Console, text: str) -> None:
    """Prints a text as it stands: brackets are no markup, numbers get no colour, lines are not broken."""
    console.print(_harmless(text), markup=False, highlight=False, soft_wrap=True)


def note(console: Console, text: str) -> None:
    """Prints what a person should know beside the result."""
    console.print(f"[yellow]note[/yellow] {escape(_harmless(text))}", highlight=False)


def _with_home(argument: str) -> str:
    """`--flag=~/my_set`, which shells leave as it is, or a quoted `~/my_set`, with the home folder in it."""
    flag, equals, value = argument.partition("=") if argument.startswith("--") else ("", "", argument)
    path = os.path.expanduser(value) if value == "~" or value.startswith("~/") else value  # noqa: PTH111
    return f"{flag}{equals}{path}"


def _harmless(text: str) -> str:
    """Names of files and of characters may hold what turns a terminal upside down."""
    return "\n".join(printable(line) for line in text.split("\n"))
