"""Command lines written for SSD-Tensorflow: its flags that are gone, and how it wrote flags that are not.

A flag that is gone is accepted and answered with one line that says why. Those that still mean something are
options of the scripts. docs/from_ssd_tensorflow.md is the table for people.
"""

import dataclasses
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, get_type_hints

import tyro

from files.reading import table_beside

T = TypeVar("T")
_TABLES = table_beside(__file__, "gone_flags")


def _gone(*tables: str) -> dict[str, str]:
    """Flag -> why it has nothing left to do; flags with one reason stand in one key."""
    rows = [row for table in tables for row in _TABLES[table].items()]
    return {flag: why for flags, why in rows for flag in flags.split()}


TRAINING = _gone("everywhere", "training")
EVALUATION = _gone("everywhere", "evaluation")
CONVERSION: dict[str, str] = {}

# Of those that are gone, the ones that may stand without a value.
_GONE_BOOLEANS = frozenset({"clone_on_cpu", "ignore_missing_vars", "remove_difficult"})
_TRUTH = {"true": True, "t": True, "1": True, "yes": True, "y": True}
_TRUTH |= {"false": False, "f": False, "0": False, "no": False, "n": False}


def parse(options: type[T], arguments: Sequence[str] | None, gone: Mapping[str, str], **settings: Any) -> T:
    """Reads a command line in SSD-Tensorflow's way of writing or tyro's, and prints why flags are gone.

    Args:
        options: frozen dataclass whose fields are the flags.
        arguments: the command line; None for this process's own.
        gone: flag -> why it has nothing left to do.
        settings: for `tyro.cli`.
    """
    given = sys.argv[1:] if arguments is None else arguments
    modern, notes = modernise(given, options, gone)
    parsed = tyro.cli(options, args=modern, use_underscores=True, **settings)
    for note in notes:
        print(note)
    return parsed


def modernise(
    arguments: Sequence[str], options: type, gone: Mapping[str, str]
) -> tuple[list[str], list[str]]:
    """A command line as tyro takes it, and one line for each flag that is gone.

    `--flag=True`, `--flag=false`, `--flag True` and `--noflag` of tf.app.flags become `--flag` and
    `--no_flag`; ` =value` with a blank before it, which tutorials copied from each other, joins its flag.
    Arguments are those of `parse`; fields of dataclasses in `options` count as its own.
    """
    booleans = _booleans(options)
    tokens, modern, notes = list(arguments), [], {}
    while tokens:
        token = tokens.pop(0)
        if not token.startswith("--"):
            modern.append(token)
            continue
        if tokens and tokens[0].startswith("=") and "=" not in token:
            token += tokens.pop(0)
        flag, equals, value = token.removeprefix("--").partition("=")
        name = flag.replace("-", "_")
        positive = re.sub(r"^no_?", "", name)
        if name in gone or (positive in gone and positive in _GONE_BOOLEANS):
            name = name if name in gone else positive
            takes_next = not equals and tokens and not tokens[0].startswith("--")
            if takes_next and (name not in _GONE_BOOLEANS or tokens[0].lower() in _TRUTH):
                tokens.pop(0)
            notes[name] = f"--{name}: {gone[name]}."
        elif name in booleans:
            if not equals and tokens and tokens[0] in ("True", "False", "true", "false"):
                equals, value = "=", tokens.pop(0)
            truth = _TRUTH.get(value.lower()) if equals else True
            if truth is None:
                raise ValueError(f"--{name}={value}: must be True or False.")
            modern.append(f"--{name}" if truth else f"--no_{name}")
        elif positive in booleans and not equals:
            modern.append(f"--no_{positive}")
        else:
            modern.append(f"--{name}{equals}{value}")
    return modern, list(notes.values())


def _booleans(options: type) -> set[str]:
    """Names of the bool fields of a dataclass and of the dataclasses in it."""
    found = set()
    for name, kind in get_type_hints(options).items():
        if kind is bool:
            found.add(name)
        elif dataclasses.is_dataclass(kind) and isinstance(kind, type):
            found |= _booleans(kind)
    return found
