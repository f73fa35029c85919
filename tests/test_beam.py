"""The same files, whoever does the work: threads, or workers of an Apache Beam pipeline."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from datasets.drawn.dataset import DrawnOptions, draw_dataset
from tests.conftest import ROOT, files_of

BEAM = ROOT / ".beam-venv" / "bin" / "python"
RUNNERS = ("", "DirectRunner", "DirectRunner --direct_num_workers=2 --direct_running_mode=multi_processing")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not BEAM.exists(), reason="`make setup BEAM=1` makes .beam-venv"),
]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    draw_dataset(DrawnOptions(folder, pictures=160))
    next(folder.rglob("*.jpg")).write_bytes(b"nothing")
    return folder


def command(program: str, runner: str, *arguments: str) -> list[str]:
    return [str(BEAM), program, *arguments, *([f"--runner={runner}"] if runner else [])]


@pytest.mark.parametrize("program", ["tf_convert_data.py", "detect.py"])
def test_every_runner_writes_the_same_files(tmp_path, pictures, program):
    given = {
        "tf_convert_data.py": (f"--dataset_dir={pictures}", "--pictures_per_shard=50"),
        "detect.py": ("--checkpoint_path=checkpoints/drawn_lite", "--contact_sheet", str(pictures)),
    }[program]
    made = []
    for number, runner in enumerate(RUNNERS):
        output = tmp_path / str(number)
        done = subprocess.run(command(program, runner, f"--output_dir={output}", *given), cwd=ROOT)
        assert done.returncode == (program == "detect.py")  # which names the picture that is none
        made.append(files_of(output))
    assert len(made[0]) > 5
    assert made[1] == made[0]
    assert made[2] == made[0]


def test_a_run_that_was_killed_goes_on_with_another_runner(tmp_path, pictures):
    given = ("--checkpoint_path=checkpoints/drawn_lite", str(pictures), f"--output_dir={tmp_path / 'a'}")
    journal = tmp_path / "a" / "detections.journal"
    with subprocess.Popen(command("detect.py", "DirectRunner", *given), cwd=ROOT) as first:
        while not journal.exists() or len(journal.read_text().splitlines()) < 20:
            assert first.poll() is None
            time.sleep(0.01)
        first.send_signal(signal.SIGKILL)
    again = subprocess.run(command("detect.py", "", *given), cwd=ROOT, capture_output=True, text=True)
    assert "pictures of an earlier run" in again.stderr
    subprocess.run(command("detect.py", "", *given[:2], f"--output_dir={tmp_path / 'b'}"), cwd=ROOT)
    assert (tmp_path / "a" / "detections.json").read_bytes() == (
        tmp_path / "b" / "detections.json"
    ).read_bytes()
