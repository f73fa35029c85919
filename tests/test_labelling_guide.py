"""The commands of docs/labelling.md run, in the order in which they stand there."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from datasets.voc import VocObject, write_annotation
from tests.test_readme import PYTHON, ROOT, commands

PAGE = "docs/labelling.md"


@pytest.mark.slow
def test_the_afternoon(tmp_path):
    """Short films for the long ones, a few steps for the minutes, known boxes for the person's."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def run(command: str) -> None:
        print(command)
        subprocess.run(command, cwd=tmp_path, env=environment, check=True, shell=True)

    def python(arguments: str) -> None:
        run(f"{shlex.quote(sys.executable)} {arguments}")

    def person_labels(films: list[str], share: float) -> None:
        folder, truth = tmp_path / "my_set", tmp_path / "truth"
        for film in films:
            python(f"{film} --pictures_dir=my_set/JPEGImages --annotations_dir=truth")
        order = (folder / "labelling_order.txt").read_text(encoding="utf-8").splitlines()
        assert len(order) >= 4
        for name in order[: round(share * len(order))]:
            shutil.copy(truth / f"{Path(name).stem}.xml", folder / "Annotations")

    guide = [command.replace("--seconds=300", "--seconds=20") for command in commands(PAGE)]
    guide = [command.replace("--seconds=60", "--seconds=2") for command in guide]
    films = [command for command in guide if "drawn_video" in command]
    assert len(films) == 2
    guide = [*films, *(command for command in guide if command not in films)]
    films = [f"{film.removeprefix(PYTHON)} --width=640 --height=360" for film in films]
    rounds = 0
    for command in guide:
        if command.startswith("make labelimg"):
            rounds += 1
            person_labels(films[:1], 0.5 if rounds == 1 else 1.0)
        elif not command.startswith(PYTHON):
            run(command)
        elif "drawn_video" in command:
            python(f"{command.removeprefix(PYTHON)} --width=640 --height=360")
        elif "-m tools.check_annotations rename" in command:
            made = [VocObject(name, (2, 2, 40, 40)) for name in ("Tobi", "tobi", "face")]
            xml = tmp_path / "my_set" / "Annotations" / "extra_1.xml"
            write_annotation(xml, Path("extra_1.jpg"), 640, 360, made)
            python(command.removeprefix(PYTHON))
        else:
            script, arguments = command.removeprefix(PYTHON).split(" ", 1)
            if script == "train_ssd_network.py":
                arguments += " --max_number_of_steps=2 --batch_size=2"
            python(f"{script if script == '-m' else shlex.quote(str(ROOT / script))} {arguments}")
    assert rounds == 2
    assert (tmp_path / "runs/mine/check/names.csv").is_file()
    assert (tmp_path / "runs/mine/eval/report.html").stat().st_size > 10_000
    results = {path.suffix for path in (tmp_path / "runs/mine/film").iterdir()}
    assert results == {".mp4", ".png", ".csv", ".json"}
    parts = [(tmp_path / name).read_text(encoding="utf-8").splitlines() for name in ("ann.txt", "ben.txt")]
    assert not set(parts[0]) & set(parts[1])
