"""The house stays small: lines, files, functions and roads have ceilings, and going over one fails.

A *road* is what a command can reach by imports: what must be read to understand it. Whoever needs more room
first looks for what the new thing makes superfluous.
"""

import ast
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.test_floors import MODULES, NAMES, ROOT, imported

LINES = 26_000
FILES = 190
LINES_OF_TESTS = 17_000
LINES_OF_A_FILE = 400
LINES_OF_A_FUNCTION = 60
FILES_OF_A_FOLDER = 20
ROADS = {"detect": 4_600, "nets.detector": 2_000, "tf_convert_data": 4_600, "engine.training.train": 8_300}
DRAWN = "datasets/drawn"  # coordinates and paint, a file for a thing that is drawn

OURS = [path for path in MODULES if path.parts[0] != "benchmarks"]


@cache
def lines_of(path: Path) -> int:
    return len((ROOT / path).read_text(encoding="utf-8").splitlines())


def road(start: str) -> set[str]:
    """The modules that one can reach by imports, with their packages."""
    todo, reached = [start], set()
    while todo:
        name = todo.pop()
        if name in reached:
            continue
        reached.add(name)
        parts = name.split(".")
        todo += [package for i in range(1, len(parts)) if (package := ".".join(parts[:i])) in NAMES]
        tree = ast.parse((ROOT / NAMES[name]).read_text(encoding="utf-8"))
        todo += [module for module in imported(tree) if module in NAMES]
    return reached


def test_lines_and_files_of_the_whole() -> None:
    assert sum(map(lines_of, OURS)) <= LINES
    assert len(OURS) <= FILES
    tests = [path.relative_to(ROOT) for path in (ROOT / "tests").rglob("*.py")]
    assert sum(map(lines_of, tests)) <= LINES_OF_TESTS


@pytest.mark.parametrize(("start", "ceiling"), ROADS.items())
def test_roads(start: str, ceiling: int) -> None:
    reached = road(start)
    assert len(reached) > 10
    assert sum(lines_of(NAMES[name]) for name in reached) <= ceiling


def test_no_file_is_long() -> None:
    long = {str(path): lines_of(path) for path in OURS if lines_of(path) > LINES_OF_A_FILE}
    assert {path: lines for path, lines in long.items() if not path.startswith(DRAWN)} == {}


def test_no_function_is_long() -> None:
    long = {}
    for path in OURS:
        if str(path).startswith(DRAWN):
            continue
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                first = node.body[0]
                docstring = ast.get_docstring(node) is not None
                lines = (node.end_lineno or 0) - node.lineno + 1
                lines -= ((first.end_lineno or 0) - first.lineno + 1) if docstring else 0
                if lines > LINES_OF_A_FUNCTION:
                    long[f"{path}:{node.name}"] = lines
    assert long == {}


def test_no_folder_is_crowded() -> None:
    folders = Counter(str(path.parent) for path in OURS)
    assert {folder: n for folder, n in folders.items() if n > FILES_OF_A_FOLDER and folder != DRAWN} == {}


@pytest.mark.parametrize("path", [path for path in OURS if path.parts[0] == "tools"], ids=str)
def test_tools_are_commands(path: Path) -> None:
    if path.name != "__init__.py":
        assert 'if __name__ == "__main__":' in (ROOT / path).read_text(encoding="utf-8")
