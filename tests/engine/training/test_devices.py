"""Several devices and several processes: as CPUs that XLA makes of one, and as processes on this host."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import jax
import keras
import numpy as np
import pytest

from datasets.records import open_dataset
from engine.input_pipeline import TrainingPictures
from engine.training import devices, machine
from engine.training.devices import device_count, place_of, together
from engine.training.machine import Machine, described
from engine.training.options import TrainingOptions
from engine.training.run_folder import STATE
from files.reading import read_arrays
from nets.checkpoint import WEIGHTS
from preprocessing.presets import get_preset
from tests.conftest import ROOT
from tests.datasets.one_of_everything import rows
from tests.engine.training_run import TABLES

SRUN = {"SLURM_NTASKS": "4", "SLURM_PROCID": "3", "SLURM_STEP_NODELIST": "node[1-4]"}


def options_of(**given) -> TrainingOptions:
    return TrainingOptions(dataset_dir=Path("records"), train_dir=Path("run"), **given)


@pytest.mark.parametrize(("given", "message"), TABLES["places"])
def test_flags_that_do_not_fit_together_are_told(given, message):
    with pytest.raises(ValueError, match=message):
        place_of(options_of(**given), {})


def test_who_this_is_is_told_by_flags_or_by_slurm():
    flags = {"coordinator": "[::1]:9911", "num_processes": 4, "process_id": 2}
    assert place_of(options_of(**flags), SRUN) == ("[::1]:9911", 4, 2)
    assert place_of(options_of(**flags | {"num_processes": 1, "process_id": 0}), {}) is None
    assert place_of(options_of(devices="all"), SRUN) == (None, 4, 3)
    assert place_of(options_of(), SRUN) is None, "one device of each was asked for"
    for alone in ({}, SRUN | {"SLURM_NTASKS": "1"}, {"SLURM_NTASKS": "4", "SLURM_PROCID": "0"}):
        assert place_of(options_of(devices="all"), alone) is None, "sbatch without srun runs one process"


def test_one_process_is_not_kept_waiting():
    with together(None):
        assert devices.process() == (0, 1)
        assert devices.most(7) == 7
        devices.wait_for_all("anything")
        devices.part()


def test_tensorflow_trains_on_one_device(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
    assert device_count(options_of(), 7) == 1
    with pytest.raises(
        ValueError, match=r"^--devices=all on Keras' backend 'tensorflow': .*KERAS_BACKEND=jax"
    ):
        device_count(options_of(devices="all"), 8)
    with (
        pytest.raises(ValueError, match=r"^several processes on Keras' backend 'tensorflow'"),
        together(("localhost:9911", 2, 0)),
    ):
        pass


def test_a_batch_is_divided_equally_or_not_at_all(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    monkeypatch.setattr(jax, "device_count", lambda: 3)
    assert device_count(options_of(devices="all"), 6) == 3
    with pytest.raises(
        ValueError, match=r"^--batch_size=16 must be a multiple of the 3 devices .*, as 18\.$"
    ):
        device_count(options_of(devices="all"), 16)


def test_what_computes_is_said_in_one_line(monkeypatch):
    monkeypatch.setattr(machine, "has_gpu", lambda: False)
    monkeypatch.setattr(machine, "free_bytes", lambda: 3 * 2**29)
    said = described(Machine("float32", jit_compile=False, cache_pictures=True), 1, 1)
    assert re.fullmatch(r"On CPU, \d+ cores, [\w -]+, 1\.5 GiB, float32, no compiler", said)
    monkeypatch.setattr(machine, "has_gpu", lambda: True)
    monkeypatch.setattr(machine, "_first_gpu", lambda: ("NVIDIA H200", "9.0", 105 * 2**30))
    said = described(Machine("bfloat16", jit_compile=True, cache_pictures=True), 16, 2)
    assert said == "On 16 x NVIDIA H200, 105.0 GiB, bfloat16, XLA, in 2 processes"


@pytest.mark.parametrize("preset", ["anime", "none"])
def test_processes_make_the_rows_of_the_batches_of_one(squares, preset):
    pictures = TrainingPictures(
        dataset=open_dataset(squares),
        split="train",
        image_size=64,
        batch_size=6,
        augmentation=get_preset(preset, zoom_out_max=None, paste_probability=0.5 * (preset == "anime")),
        seed=3,
    )
    whole = [*pictures.batches(2).take(5).as_numpy_iterator()]  # 24 pictures: over the end of a round
    parts = [[*pictures.batches(2, process=p, processes=3).take(5).as_numpy_iterator()] for p in range(3)]
    for step, (images, targets) in enumerate(whole):
        np.testing.assert_array_equal(np.concatenate([part[step][0] for part in parts]), images)
        for key, value in targets.items():
            np.testing.assert_array_equal(np.concatenate([part[step][1][key] for part in parts]), value)


# ------------------------------------------------------------------- the program itself, on JAX
# Knows the network of these tests; process P gets signal N after step S, where SIGNAL is P:S:N.
PROGRAM = """
import os, sys
from terminal.quiet import start_tensorflow
start_tensorflow()
from engine.training import devices
from tests.engine.conftest import TINY
from terminal.bars import TrainingBar
from train_ssd_network import main
import nets
nets.NETWORKS[TINY.name] = TINY
devices.START_SECONDS = int(os.environ.get("START_SECONDS", 300))
process, step, number = map(int, os.environ.get("SIGNAL", "0:0:0").split(":"))
advance = TrainingBar.advance
def advance_and_signal(self, losses):
    advance(self, losses)
    if self._step == step and devices.process()[0] == process:
        os.kill(os.getpid(), number)
TrainingBar.advance = advance_and_signal
sys.exit(main(sys.argv[1:]))
"""


def free_port() -> int:
    with socket.create_server(("", 0)) as server:
        return server.getsockname()[1]


def start(flags: list[str], cpus: int, **variables: str) -> subprocess.Popen[str]:
    variables |= {"KERAS_BACKEND": "jax", "XLA_FLAGS": f"--xla_force_host_platform_device_count={cpus}"}
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", **variables}
    line, pipe = [sys.executable, "-c", PROGRAM, *flags], subprocess.PIPE
    return subprocess.Popen(line, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True)


def in_processes(flags: list[str], **variables: str) -> list[tuple[int, str, str]]:
    """Status, output and errors of two processes with a CPU each; the second has a minute after the first."""
    together = [f"--coordinator=127.0.0.1:{free_port()}", "--num_processes=2"]
    both = [start([*flags, *together, f"--process_id={i}"], 1, **variables) for i in range(2)]
    try:
        while all(process.poll() is None for process in both):
            time.sleep(0.05)
        said = [process.communicate(timeout=60) for process in both]
        return [(process.returncode, *one) for process, one in zip(both, said, strict=True)]
    finally:
        for process in both:
            process.kill()


@pytest.fixture(scope="module")
def trained(squares, tmp_path_factory) -> Callable[..., Path]:
    """The folder of a training of eight steps on so many CPUs, in one process or in two."""

    @cache
    def train(cpus: int, processes: int) -> Path:
        folder = tmp_path_factory.mktemp("devices") / "run"
        flags = flags_of(squares, folder)
        if processes == 2:
            ended = in_processes(flags)
            assert [status for status, *_ in ended] == [0, 0], ended
            assert re.fullmatch(r"(\[Gloo\] .*\n)?", ended[1][1] + ended[1][2]), "only process 0 speaks"
        else:
            process = start(flags, cpus)
            said, wrong = process.communicate()
            assert process.returncode == 0, wrong
            assert (f"On {cpus} x CPU" in said) == (cpus > 1)
        return folder

    return train


def flags_of(records: Path, folder: Path) -> list[str]:
    flags = {"dataset_dir": records, "train_dir": folder, "model_name": "tiny", "batch_size": 4}
    flags |= {"max_number_of_steps": 8, "evaluate_steps": 4, "save_interval_secs": 0, "devices": "all"}
    return [f"--{name}={value}" for name, value in flags.items()]


def differences(one: Path, other: Path) -> dict[str, float]:
    """How far apart the values of two trainings are, relative to the largest of each variable."""
    found = {}
    for name in (STATE, WEIGHTS, f"last/{WEIGHTS}"):
        a, b = read_arrays(one / name), read_arrays(other / name)
        assert a.keys() == b.keys()
        for key in a.keys() - {"progress"}:
            scale = max(1e-3, float(np.abs(a[key]).max(initial=0.0)))
            found[f"{name}/{key}"] = float(np.abs(a[key].astype(float) - b[key]).max(initial=0.0)) / scale
    return found


@pytest.mark.slow
def test_two_devices_and_two_processes_learn_what_one_learns(trained):
    alone, devices_of_one, processes = trained(1, 1), trained(2, 1), trained(1, 2)
    for other in (devices_of_one, processes):
        far = differences(alone, other)
        assert len(far) > 80
        assert max(far.values()) < 1e-3, sorted(far.items(), key=lambda item: -item[1])[:3]
    assert any("moving_variance" in name for name in far), "batch normalisation saw the whole batch"
    assert set(differences(devices_of_one, processes).values()) == {0.0}
    logs = [[row["map_voc07"] for row in rows(folder / "metrics.csv")] for folder in (alone, processes)]
    assert logs[0] == logs[1]
    assert (processes / "report.html").is_file()


@pytest.mark.slow
def test_stopped_and_killed_in_turn_both_go_on_bit_for_bit(trained, squares, tmp_path):
    """One that dies ends the other within a minute, with one line."""
    flags = flags_of(squares, tmp_path / "run")
    ended = in_processes(flags, SIGNAL=f"1:2:{int(signal.SIGTERM)}")
    assert [status for status, *_ in ended] == [0, 0], ended
    assert "Stopped by SIGTERM after step 2: the same command goes on." in ended[0][1]
    for process, step in ((0, 4), (1, 7)):
        ended = in_processes(flags, SIGNAL=f"{process}:{step}:{int(signal.SIGKILL)}")
        assert ended[process][0] == -signal.SIGKILL
        status, _, wrong = ended[1 - process]
        assert (status, wrong.count("\n")) == (1, 1), wrong
        assert re.match(r"(train_ssd_network\.py: )?error: another process .* from the last save\.", wrong)
    ended = in_processes(flags)
    assert [status for status, *_ in ended] == [0, 0], ended
    assert re.search(r"Resuming .* after step [67] of 8", ended[0][1])
    assert set(differences(trained(1, 2), tmp_path / "run").values()) == {0.0}


@pytest.mark.slow
def test_who_waits_in_vain_or_at_a_taken_port_is_told(squares, tmp_path):
    flags = [*flags_of(squares, tmp_path / "run"), "--num_processes=2"]
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        process = start([*flags, f"--coordinator=localhost:{port}", "--process_id=0"], 1)
        said = rf"train_ssd_network\.py: error: Address already in use .*{port}.*; give another port\n"
        assert re.fullmatch(said, process.communicate()[1])
    process = start([*flags, f"--coordinator=localhost:{port}", "--process_id=1"], 1, START_SECONDS="3")
    said = rf"error: process 1: the 2 processes did not come together at localhost:{port} within 3 s; .*\n"
    assert (process.wait(), re.fullmatch(said, process.communicate()[1]) is None) == (1, False)
