"""Killed at any moment, the same command goes on, and ends with the same weights, bit for bit."""

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from engine.training.between_steps import Bookkeeper
from engine.training.run_folder import STATE
from files.reading import read_arrays
from nets.checkpoint import WEIGHTS
from tests.conftest import ROOT, files_of_at_most
from tests.datasets.one_of_everything import rows
from tests.engine.training_run import Killed, run


@pytest.fixture
def options(options):
    """Six steps with everything that has to be remembered: frozen layers, multipliers."""
    return {
        **options,
        "max_number_of_steps": 6,
        "trainable_scopes": "stage1.conv,stage1.norm,stage2.conv,head.conv_loc,head.conv_cls",
        "learning_rate_multipliers": "stage1.conv=0.5",
        "save_interval_secs": 0.0,
    }


def killing_before_step(monkeypatch, step: int) -> None:
    original = Bookkeeper.on_train_batch_end

    def kill(self, batch, logs=None):
        if self._standing.step + 1 == step:
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
    logs = [[row | {"seconds": ""} for row in rows(folder / "metrics.csv")] for folder in (one, other)]
    assert logs[0] == logs[1]


@pytest.mark.slow
def test_killed_short_of_room_and_damaged_it_ends_as_if_nothing_had_happened(options, tmp_path, monkeypatch):
    whole = tmp_path / "whole"
    assert "layers frozen" in run(**{**options, "train_dir": whole})

    folder = options["train_dir"]
    validate = Bookkeeper._validate
    with monkeypatch.context() as patch, ExitStack() as disk:

        def fill_the_disk(self, losses):
            disk.enter_context(files_of_at_most((folder / STATE).stat().st_size // 3))
            validate(self, losses)

        patch.setattr(Bookkeeper, "_validate", fill_the_disk)
        with pytest.raises(ValueError, match=r"step 2: File too large.* command goes on after step 1"):
            run(**options)

    with monkeypatch.context() as patch:
        killing_before_step(patch, 4)
        with pytest.raises(Killed):
            run(**options)
    data = (folder / STATE).read_bytes()
    (folder / STATE).write_bytes(data[: len(data) // 2])
    said = run(**options)
    assert "state.npz cannot be read" in said
    assert "Going on from the state before it, state.previous.npz, after step 2" in said
    assert_same_training(whole, folder)
    assert "finished" in run(**options)


def step_of(folder: Path) -> str:
    """The step of the state on disk, for the log."""
    try:
        return str(json.loads(read_arrays(folder / STATE)["progress"].tobytes())["step"])
    except (FileNotFoundError, ValueError) as error:
        return f"none ({error})"


def wait_for_saves(process: subprocess.Popen, state: Path, saves: int) -> None:
    """Until the process has renamed so many new states into place, or has ended."""

    def written() -> int:
        try:
            return state.stat().st_mtime_ns
        except FileNotFoundError:  # the moment between two renames
            return seen

    seen = 0
    seen = written()
    while saves > 0 and process.poll() is None:
        time.sleep(0.002)
        now = written()
        saves, seen = saves - (now != seen), now


@pytest.mark.slow
def test_killed_ten_times_at_random_moments(squares, tmp_path, rng, seed):
    """The program itself with SIGKILL, from its start to its last step; the log is printed (`pytest -rP`).

    Moments are counted from saves, not from the start alone, so that a slow machine gets as far as a fast.
    """
    command = [sys.executable, "train_ssd_network.py", f"--dataset_dir={squares}"]
    command += ["--model_name=ssd_300_lite", "--batch_size=4", "--max_number_of_steps=80"]
    command += ["--evaluate_steps=7", "--save_interval_secs=0", "--no_report"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}

    def start(folder: Path, log: Path) -> subprocess.Popen:
        with log.open("wb") as file:
            return subprocess.Popen(
                [*command, f"--train_dir={folder}"], cwd=ROOT, env=environment, stdout=file, stderr=file
            )

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    log = tmp_path / "log"
    assert start(whole, log).wait() == 0, log.read_text()
    print(f"uninterrupted: {log.read_text().strip().splitlines()[-1]}\nkills with --seed={seed}:")
    for kill in range(1, 11):
        saves = int(rng.integers(0, 6))
        with start(killed, log) as process:
            try:
                wait_for_saves(process, killed / STATE, saves)
                time.sleep(float(rng.uniform(0.0, 0.4 if saves else 12.0)))  # 12 s: mostly Python's start
                assert process.poll() is None, f"it ended before kill {kill}: {log.read_text()}"
            finally:
                process.kill()
        began = [line for line in log.read_text().splitlines() if line.startswith(("New", "Resuming"))]
        halves = sorted(path.name for path in killed.rglob(".*.tmp")) or ["none"]
        print(
            f"kill {kill:2}, {saves} saves on; begun: {began[0].split(' from ')[0] if began else 'nothing'}"
        )
        print(f"         on disk: step {step_of(killed)}; half-written files: {', '.join(halves)}")
    assert start(killed, log).wait() == 0, log.read_text()
    print(f"end: {log.read_text().strip().splitlines()[-1]}")
    assert_same_training(whole, killed)
    arrays = read_arrays(killed / "last" / WEIGHTS)
    print(f"{len(arrays)} arrays, {sum(a.size for a in arrays.values())} values: equal bit for bit")
