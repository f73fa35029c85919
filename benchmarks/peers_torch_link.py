"""PyTorch's own environment for `benchmarks.peers`: making it, and asking `benchmarks.peers_torch` in it."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.clock import DEVICE, MARK
from benchmarks.peers_turns import Block

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 900.0  # seconds for an answer: torch.compile takes minutes
SIZE = "under Linux some 2.7 GB to download and 5.5 GB on disk, elsewhere a tenth"  # torch 2.14


class TorchMissing(ValueError):
    """There is no PyTorch to ask, and why."""


def install(folder: Path, say: Callable[[str], object]) -> None:
    """Make an environment with PyTorch and torchvision, by venv and pip as they are set up on this machine.

    Raises:
        TorchMissing: it cannot be made.
    """
    if works(python_of(folder)):
        return
    say(f"{folder}: getting torch and torchvision ({SIZE}) ...")
    run = [str(python_of(folder)), "-m", "pip", "install", "--disable-pip-version-check"]
    for command in ([sys.executable, "-m", "venv", str(folder)], [*run, "torch", "torchvision"]):
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            lines, status = (done.stdout + done.stderr).strip().splitlines(), done.returncode
        except OSError as error:
            lines, status = [str(error)], 1
        if status:
            raise TorchMissing(f"{' '.join(command[1:4])} failed: {lines[-1] if lines else status}")


def python_of(folder: Path) -> Path:
    """The interpreter of an environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def works(python: Path) -> bool:
    """Whether an interpreter has PyTorch and torchvision."""
    command = [python, "-c", "import torch, torchvision"]
    try:
        return not subprocess.run(command, capture_output=True, check=False).returncode
    except OSError:
        return False


class Torch:
    """Whom torchvision's rows are asked of: a process that starts with the first of them.

    Attributes:
        device: versions and threads as it says them, empty until it was asked.
    """

    def __init__(self, folder: Path, why_not: str = ""):
        self.device: dict[str, Any] = {}
        self._folder, self._why_not = folder, why_not
        self._process: Any = None

    def prepare(self, key: str) -> Block:
        """What asks for `KIND WAY BATCH`, as `benchmarks.peers_torch` knows them."""
        return lambda least_seconds: self.ask(f"{least_seconds} {key}")

    def ask(self, key: str) -> float:
        """Seconds; TorchMissing where there is none, or why it could not be measured."""
        if self._process is None:
            self._process = self._start()
        timer = threading.Timer(PATIENCE, self._process.kill)
        timer.start()
        try:
            with suppress(BrokenPipeError):
                self._process.stdin.write(f"{key}\n")
                self._process.stdin.flush()
            row = self._answer()
        finally:
            timer.cancel()
        if "said" in row:
            raise TorchMissing(row["said"])
        return row["seconds"]

    def _start(self) -> Any:
        python = python_of(self._folder)
        if self._why_not or not python.is_file():
            missing = f"no PyTorch in {self._folder}; --install_torch gets it ({SIZE})"
            raise TorchMissing(self._why_not or missing)
        settings: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
        with (self._folder / "log.txt").open("w") as log:
            return subprocess.Popen([python, "-m", "benchmarks.peers_torch"], stderr=log, **settings)

    def _answer(self) -> dict[str, Any]:
        for line in self._process.stdout:
            if line.startswith(MARK):
                row = json.loads(line.removeprefix(MARK))
                if row.pop("key") != DEVICE:
                    return row
                self.device = row
        self._process = None
        return {"said": f"PyTorch's process ended, or did not answer: see {self._folder / 'log.txt'}"}

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
