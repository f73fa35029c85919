"""One correction, from the page into a new checkpoint that gets it right, by the commands of docs/web.md."""

import contextlib
import json
import os
import shlex
import shutil
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from datasets.drawn.scene import compose_scene, make_episode, paint_scene
from datasets.voc import read_xml
from tests.conftest import ROOT
from tests.test_readme import commands
from tests.web.in_chromium import draw, look, names, needs_chromium, open_page, serving

pytestmark = [pytest.mark.slow, needs_chromium]

# She looks over Captain Fen's shoulder, and the shipped detector does not see her.
HIDDEN = "白雪ねね"


@pytest.fixture
def picture(tmp_path):
    """A drawn picture, and where HIDDEN is in it: left, top, right, bottom as fractions."""
    scene, source = compose_scene(0, make_episode(0, 15), 0)
    path = tmp_path / "over the shoulder.jpg"
    path.write_bytes(paint_scene(scene, source))
    ((left, top, right, bottom),) = [label.box for label in scene.labels if label.name == HIDDEN]
    return path, (left / scene.width, top / scene.height, right / scene.width, bottom / scene.height)


def test_a_correction_travels_from_the_page_into_a_checkpoint(chromium, picture, tmp_path):
    file, (left, top, right, bottom) = picture
    documented = {command.split()[1]: command for command in of_reports() if ".py" in command}
    inbox = tmp_path / "runs" / "inbox"

    def run(command, *more, fails=False):
        words = shlex.split(command.removeprefix(".venv/bin/python "))
        if words[0].endswith(".py"):
            words[0] = str(ROOT / words[0])
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
        process = subprocess.run(
            [sys.executable, *words, *more], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        print(process.stdout[-1500:] + process.stderr[-1500:])
        assert (process.returncode != 0) == fails, process.stderr
        return process.stdout + process.stderr

    @contextlib.contextmanager
    def page_of(checkpoint):
        flag = f"--checkpoint_dir={tmp_path / checkpoint}"
        with serving(inbox, flag) as address, open_page(chromium, address) as page:
            yield page

    # What the operator has: a detector, and a data set of which every picture is confirmed.
    shutil.copytree(ROOT / "checkpoints" / "drawn_lite", tmp_path / "runs" / "mine" / "train")
    run("-m datasets.drawn --output_dir=my_set --pictures=60 --seed=1")
    for xml in (tmp_path / "my_set" / "Annotations").iterdir():
        confirm(xml)

    # The visitor: sees that she is missing, draws a box around her, says her name, sends.
    with page_of("runs/mine/train") as page:
        look(page, file, 1)
        assert names(page) == ["Captain Fen"]
        draw(page, (left, top), (min(right, 0.995), bottom))
        expect(page.locator(".answers .bar")).to_have_count(5)
        page.get_by_label("Another name").fill(HIDDEN)
        page.get_by_role("button", name="That is it").click()
        page.get_by_label("Keep this picture on the server").check()
        page.get_by_role("button", name="Send the correction").click()
        expect(page.locator(".message")).to_contain_text("Thank you! Sent.")
    (xml,) = (inbox / "pending").glob("*.xml")
    assert not read_xml(xml).verified
    assert {one.name for one in read_xml(xml).objects} == {"Captain Fen", HIDDEN}

    # Nothing learns from it before a person has confirmed it.
    convert = documented["tf_convert_data.py"]
    without = convert.replace("runs/next", "runs/before")
    run(without)
    before = pictures_of(tmp_path / "runs/before/records")
    assert before == 60
    refused = run("tf_convert_data.py --dataset_dir=runs/inbox/pending --output_dir=runs/no", fails=True)
    assert "nobody has confirmed yet" in refused
    accept = next(command for command in of_reports() if "accept" in command)
    assert "nothing to accept" in run(accept, fails=True)

    # The operator: lists, confirms as LabelImg's space key does, accepts, converts, trains.
    assert xml.stem[:8] in run(next(command for command in of_reports() if "inbox list" in command))
    confirm(xml)
    run(accept)
    assert not list((inbox / "pending").glob("*.xml"))
    run(convert)
    assert pictures_of(tmp_path / "runs/next/records") == before + 1
    # Short and quick; one validation, at the end: the best of several on six pictures would be chance.
    length = "--max_number_of_steps=200 --evaluate_steps=200 --batch_size=8 --learning_rate=2e-3"
    run(documented["train_ssd_network.py"], *length.split())

    with page_of("runs/next/train") as page:
        look(page, file, 2)
        assert set(names(page)) == {"Captain Fen", HIDDEN}


def of_reports():
    """The commands of docs/web.md from the inbox to the next training."""
    found = commands("docs/web.md")
    first = next(number for number, command in enumerate(found) if "tools.inbox list" in command)
    last = next(number for number, command in enumerate(found) if "train_ssd_network.py" in command)
    return found[first : last + 1]


def confirm(xml):
    """What LabelImg writes when the space key was pressed."""
    text = xml.read_text(encoding="utf-8").replace('<annotation verified="no">', "<annotation>")
    assert text.count("<annotation>") == 1
    xml.write_text(text.replace("<annotation>", '<annotation verified="yes">'), encoding="utf-8")


def pictures_of(records):
    """How many pictures were converted."""
    splits = json.loads((records / "dataset.json").read_text(encoding="utf-8"))["splits"]
    return sum(split["pictures"] for split in splits.values())
