"""Killed at any moment, the same command goes on, and ends with the same weights, bit for bit."""

import csv
import io
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from engine.bookkeeping import Bookkeeper
from engine.run_state import STATE
from engine.training import TrainingOptions, train
from nets.checkpoint import WEIGHTS, read_arrays

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def options(squares, tmp_path, tiny):
    """Six steps with everything that has to be remembered: two stages, an average, early stopping."""
    return {
        "dataset_dir": squares,
        "train_dir": tmp_path / "run",
        "model_name": tiny.name,
        "batch_size": 2,
        "max_number_of_steps": 6,
        "evaluate_steps": 2,
        "early_stopping": 9,
        "freeze_scopes": "stage0",
        "unfreeze_at_step": 3,
        "save_interval_secs": 0.0,
        "jit_compile": "off",
    }


def run(**options) -> str:
    said = io.StringIO()
    train(TrainingOptions(**options), Console(file=said, width=300))
    return said.getvalue()


class Killed(BaseException):
    """Passes by everything that cleans up after an `Exception`."""


def killing_before_step(monkeypatch, step: int) -> None:
    original = Bookkeeper.on_train_batch_end

    def kill(self, batch, logs=None):
        if self._progress.step + 1 == step:
            raise Killed
        original(self, batch, logs)

    monkeypatch.setattr(Bookkeeper, "on_train_batch_end", kill)


def assert_same_training(one: Path, other: Path) -> None:
    """Everything that was computed is equal, bit for bit; only clocks differ."""
    for name in (STATE, WEIGHTS, f"last/{WEIGHTS}"):
        a, b = read_arrays(one / name), read_arrays(other / name)
        assert a.keys() == b.keys()
        differing = [key for key in a if key != "progress" and a[key].tobytes() != b[key].tobytes()]
        assert not differing, f"{name}: {len(differing)} of {len(a)} arrays differ, e.g. {differing[:3]}"
    assert rows(one) == rows(other)


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open(encoding="utf-8", newline="") as file:
        return [{key: row[key] for key in row if key != "seconds"} for row in csv.DictReader(file)]


def test_killed_short_of_room_and_damaged_it_ends_as_if_nothing_had_happened(options, tmp_path, monkeypatch):
    whole = tmp_path / "whole"
    assert "from here on every layer learns" in run(**{**options, "train_dir": whole})

    folder = options["train_dir"]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    validate = Bookkeeper._validate

    def fill_the_disk(self, losses):
        resource.setrlimit(resource.RLIMIT_FSIZE, ((folder / STATE).stat().st_size // 3, hard))
        validate(self, losses)

    with monkeypatch.context() as patch:
        patch.setattr(Bookkeeper, "_validate", fill_the_disk)
        try:
            with pytest.raises(ValueError, match=r"step 2: File too large.* command goes on after step 1"):
                run(**options)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    with monkeypatch.context() as patch:
        killing_before_step(patch, 4)  # the first step with every layer: another optimiser than in the state
        with pytest.raises(Killed):
            run(**options)
    data = (folder / STATE).read_bytes()
    (folder / STATE).write_bytes(data[: len(data) // 2])
    said = run(**options)
    assert "state.npz cannot be read" in said
    assert "Going on from the state before it, state.previous.npz, after step 2" in said
    assert_same_training(whole, folder)
    assert "finished" in run(**options)


@pytest.mark.slow
def test_killed_ten_times_at_random_moments(squares, tmp_path, rng, seed):
    """The program itself with SIGKILL, from its start to its last step; the log is printed (`pytest -rP`)."""
    command = [sys.executable, "train_ssd_network.py", f"--dataset_dir={squares}"]
    command += ["--model_name=ssd_300_lite", "--batch_size=4", "--max_number_of_steps=60"]
    command += ["--evaluate_steps=10", "--early_stopping=6", "--save_interval_secs=0.5"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}

    def start(folder: Path, log: Path) -> subprocess.Popen:
        with log.open("ab") as file:
            return subprocess.Popen(
                [*command, f"--train_dir={folder}"], cwd=ROOT, env=environment, stdout=file, stderr=file
            )

    started = time.monotonic()
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert start(whole, tmp_path / "whole.log").wait() == 0, (tmp_path / "whole.log").read_text()
    longest = time.monotonic() - started
    print(f"uninterrupted: {longest:.1f} s; kills at random moments, --seed={seed}")

    kills = 0
    while kills < 10:
        log = tmp_path / f"killed_{kills}.log"
        process = start(killed, log)
        moment = float(rng.uniform(0.0, 0.8 * longest))
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            lines = [line for line in log.read_text().splitlines() if line.strip()]
            start_line = next(
                (line for line in lines if line.startswith(("New", "Resuming"))), "not that far"
            )
            files = sorted(str(path.relative_to(killed)) for path in killed.rglob("*") if path.is_file())
            print(f"kill {kills} after {moment:.1f} s. It had begun: {start_line}")
            print(f"    last line: {lines[-1] if lines else 'nothing'}\n    files: {', '.join(files)}")
        else:
            assert process.returncode == 0, log.read_text()
            break
    last = tmp_path / "last.log"
    assert start(killed, last).wait() == 0, last.read_text()
    print("end:", last.read_text().strip().splitlines()[-1])
    assert kills == 10, "the training was over before the tenth kill"
    assert_same_training(whole, killed)
    arrays = read_arrays(killed / "last" / WEIGHTS)
    print(f"{len(arrays)} arrays, {sum(a.size for a in arrays.values())} values: equal bit for bit")
