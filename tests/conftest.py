"""What every test may use: a seeded random generator, the folder of shared files, quiet libraries."""

import json
import os
import resource
import subprocess
import sys
import tomllib
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Before TensorFlow and Matplotlib are imported by any test: no remarks on the screen, no window system.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("MPLBACKEND", "Agg")
# Most of what tests do on JAX is compiling: without most optimisations that takes two thirds of the time.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")

import hypothesis
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent


def tables(test: str, name: str = "tables") -> dict[str, Any]:
    """What tests are run with, from a TOML file beside one of them: `tables(__file__)`."""
    return tomllib.loads((Path(test).parent / f"{name}.toml").read_text(encoding="utf-8"))


def tree(folder: Path, files: Mapping[str, str] | Iterable[str]) -> Path:
    """Writes texts, or empty files, by their paths below a folder."""
    for name, text in (files if isinstance(files, Mapping) else dict.fromkeys(files, "")).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def files_of(folder: Path) -> dict[str, bytes]:
    """What all files below a folder hold, by their paths there."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def python(*arguments: str, cwd: Path = ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
    """What this Python does in a process of its own."""
    line, environment = [sys.executable, *arguments], {**os.environ, **variables}
    return subprocess.run(line, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


# CI's machine may be slow, and its verdict must not depend on luck; on a desk every run tries new examples.
hypothesis.settings.register_profile("desk", deadline=None, print_blob=True)
hypothesis.settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True, database=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "desk")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, help="of the fixtures `seed` and `rng` (default: one per test)")


def pytest_report_header(config: pytest.Config) -> str:
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    return f"Keras backend: {backend}, seed: {config.getoption('--seed') or 'one per test'}"


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """The seed of this test: printed, so that a failure shows it, and settable with `--seed`."""
    chosen = request.config.getoption("--seed")
    value = zlib.crc32(request.node.nodeid.encode()) if chosen is None else chosen
    print(f"--seed={value}")
    return value


@pytest.fixture
def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference numbers, pictures and weights beside the checkout, where there is one."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"no folder {folder} on this machine: its reference files are compared where they are")
    return folder


@pytest.fixture
def inbox(tmp_path: Path) -> Any:
    from datasets.inbox import Inbox  # only where it is wanted

    return Inbox(tmp_path / "inbox")


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Nothing can be written beyond so many bytes of a file, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
