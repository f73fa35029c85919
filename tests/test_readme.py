"""The commands of the README run, in both languages, on pictures labelled as it says."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ".venv/bin/python "


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


@pytest.mark.slow
def test_from_labels_to_named_boxes(tmp_path):
    """`train your own`, with a few steps for the hours and without the downloads."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def run(command: str) -> None:
        print(command)
        subprocess.run([sys.executable, *shlex.split(command)], cwd=tmp_path, env=environment, check=True)

    run("-m datasets.drawn --output_dir=my_set --pictures=80")
    run("-m datasets.drawn_video --output_path=my_videos/film.mp4 --seconds=4 --width=640 --height=360")
    ran = 0
    # The first detector is trained without the drafts that it makes later.
    for command in sorted(commands("README.md"), key=lambda command: "preannotate" in command):
        if not command.startswith(PYTHON) or "-m notebook" in command:
            continue
        script, arguments = command.removeprefix(PYTHON).split(" ", 1)
        ran += 1
        if script == "-m":
            run(f"-m {arguments}")
            continue
        if script == "train_ssd_network.py":
            arguments += " --max_number_of_steps=2 --batch_size=2"
        # Seconds for minutes, and no download.
        arguments = arguments.replace("--recipe=small_gpu --checkpoint_path=imagenet", "--recipe=small_cpu")
        run(f"{shlex.quote(str(ROOT / script))} {arguments}")
    assert ran == 7
    assert (tmp_path / "runs/mine/eval/report.html").stat().st_size > 10_000
    assert list((tmp_path / "runs/mine/detections").rglob("*.json"))
