"""The commands of the README and of the labelling guide run, in both languages, in their order."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from datasets.voc import VocObject, write_annotation
from tests.conftest import ROOT

PYTHON = ".venv/bin/python "
SMALL_FILM = " --width=640 --height=360"


def commands(readme: str) -> list[str]:
    """Every command line of the page's bash blocks."""
    blocks = re.findall(r"```bash\n(.*?)```", (ROOT / readme).read_text(encoding="utf-8"), re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [" ".join(line.split("#")[0].split()) for line in lines if line.strip()]


PAGES = [str(page.relative_to(ROOT)) for page in (*ROOT.glob("README*.md"), *sorted(ROOT.glob("docs/*.md")))]
CHINESE = [page for page in PAGES if page.endswith(".zh-CN.md")]


def test_the_readme_begins_with_the_two_commands():
    assert commands("README.md")[:2] == ["make demo", "make test"]


@pytest.mark.parametrize("page", CHINESE)
def test_both_languages_have_the_same_commands_and_sections(page):
    english = page.replace(".zh-CN.md", ".md")
    assert commands(page) == commands(english)
    chinese, other = ((ROOT / one).read_text(encoding="utf-8") for one in (page, english))
    assert re.findall(r"^#+ ", chinese, re.MULTILINE) == re.findall(r"^#+ ", other, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES)
def test_links_pictures_and_modules_exist(page):
    folder, text = (ROOT / page).parent, (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        path = folder / target.partition("#")[0]
        assert target.startswith(("https://", "#")) or path.exists(), f"{page}: {target}"
        assert path.suffix not in (".jpg", ".png") or path.stat().st_size < 300_000, target
    for module in re.findall(r"(?:python -m |`)((?:tools|datasets|benchmarks)\.\w+)", text):
        path = ROOT / module.replace(".", "/")
        assert path.is_dir() or path.with_suffix(".py").is_file(), module


@pytest.fixture
def run(tmp_path) -> Callable[[str], None]:
    """Runs a command of a page in an empty folder, with a few training steps for the hours."""

    def run(command: str) -> None:
        if command.startswith(PYTHON):
            script, arguments = command.removeprefix(PYTHON).split(" ", 1)
            if script == "train_ssd_network.py":
                arguments += " --max_number_of_steps=2 --batch_size=2"
                # Seconds for minutes, and no download.
                arguments = arguments.replace("small_gpu --checkpoint_path=imagenet", "small_cpu")
            script = script if script == "-m" else shlex.quote(str(ROOT / script))
            command = f"{shlex.quote(sys.executable)} {script} {arguments}"
        print(command)
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run(command, cwd=tmp_path, env=environment, check=True, shell=True)

    return run


@pytest.mark.slow
def test_from_labels_to_named_boxes(run, tmp_path):
    """`train your own`."""
    run(f"{PYTHON}-m datasets.drawn --output_dir=my_set --pictures=80")
    run(f"{PYTHON}-m datasets.drawn_video --output_path=my_videos/film.mp4 --seconds=4{SMALL_FILM}")
    ran = 0
    # The first detector is trained without the drafts that it makes later.
    for command in sorted(commands("README.md"), key=lambda command: "preannotate" in command):
        if command.startswith(PYTHON) and "-m notebook" not in command:
            run(command)
            ran += 1
    assert ran == 7
    assert (tmp_path / "runs/mine/eval/report.html").stat().st_size > 10_000
    assert list((tmp_path / "runs/mine/detections").rglob("*.json"))


@pytest.mark.slow
def test_the_afternoon(run, tmp_path):
    """Of docs/labelling.md: short films for the long ones, known boxes for the person's."""

    def person_labels(film: str, share: float) -> None:
        folder, truth = tmp_path / "my_set", tmp_path / "truth"
        run(f"{film} --pictures_dir=my_set/JPEGImages --annotations_dir=truth")
        order = (folder / "labelling_order.txt").read_text(encoding="utf-8").splitlines()
        assert len(order) >= 4
        for name in order[: round(share * len(order))]:
            shutil.copy(truth / f"{Path(name).stem}.xml", folder / "Annotations")

    guide = [command.replace("--seconds=300", "--seconds=20") for command in commands("docs/labelling.md")]
    guide = [command.replace("--seconds=60", "--seconds=2") for command in guide]
    films = [command + SMALL_FILM for command in guide if "drawn_video" in command]
    assert len(films) == 2
    rounds = 0
    for command in [*films, *(command for command in guide if "drawn_video" not in command)]:
        if command.startswith("make labelimg"):
            rounds += 1
            person_labels(films[0], 0.5 if rounds == 1 else 1.0)
            continue
        if "-m tools.check_annotations rename" in command:
            made = [VocObject(name, (2, 2, 40, 40)) for name in ("Tobi", "tobi", "face")]
            xml = tmp_path / "my_set" / "Annotations" / "extra_1.xml"
            write_annotation(xml, Path("extra_1.jpg"), 640, 360, made)
        run(command)
    assert rounds == 2
    assert (tmp_path / "runs/mine/check/names.csv").is_file()
    assert (tmp_path / "runs/mine/eval/report.html").stat().st_size > 10_000
    results = {path.suffix for path in (tmp_path / "runs/mine/film").iterdir()}
    assert results == {".mp4", ".png", ".csv", ".json"}
    parts = [(tmp_path / name).read_text(encoding="utf-8").splitlines() for name in ("ann.txt", "ben.txt")]
    assert not set(parts[0]) & set(parts[1])
