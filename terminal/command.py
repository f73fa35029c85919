"""How every command ends: with its result, or with one sentence that says what is wrong."""

import functools
import sys
from collections.abc import Callable, Sequence

from files.writing import printable

Main = Callable[[Sequence[str] | None], int | None]


def command(name: str, *, interrupted: str = "") -> Callable[[Main], Callable[..., int]]:
    """Makes a function the `main` of a command: what a person can cure ends without a traceback.

    Args:
        name: begins the sentence, as the person called the command.
        interrupted: what is left after Ctrl-C, and what to do now.

    Returns:
        A decorator. The decorated function takes the command line's arguments, those of the process if none
        are given, and returns the exit status: its own, 0 if it has none, 1 after an error, 130 after Ctrl-C.
    """

    def decorate(main: Main) -> Callable[..., int]:
        @functools.wraps(main)
        def run(arguments: Sequence[str] | None = None) -> int:
            try:
                return main(arguments) or 0
            except KeyboardInterrupt:
                said, status = f"interrupted; {interrupted}" if interrupted else "interrupted", 130
            except (ValueError, OSError, FloatingPointError) as error:
                said, status = f"error: {error}", 1
            # Names of files and of characters may hold what turns a terminal upside down.
            lines = (printable(line) for line in f"{name}: {said}".split("\n"))
            print("\n".join(lines), file=sys.stderr)
            return status

        return run

    return decorate
