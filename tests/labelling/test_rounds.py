"""A detector learns while somebody labels: its boxes come in, and what more labels would bring is said."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from boxes.detections import Detections
from datasets.pictures import UnusableFile
from datasets.voc import read_xml, voc_objects
from engine.reports.detections_file import as_line, detections_entry, write_lines
from files.locking import locked
from labelling import desk as desks
from labelling import rounds as learning
from labelling.drafts import OFFERS, state_of, write_draft
from labelling.guesses import read_detections, with_offers
from labelling.marks import Head
from labelling.rounds import OfName, Round, add_round, expected_gain, read_rounds, rounds_of
from tests.conftest import ROOT
from tests.labelling.test_desk import LEFT, PICTURES, RIGHT, as_shown, asked, folder, named, on_disk, opened
from tools import train_drafts

__all__ = ["folder"]  # a fixture
FAR = (0.0, 0.0, 0.125, 0.125)


def found(*rows: tuple[tuple[float, ...], str, float]) -> Detections:
    boxes, names, scores = zip(*rows, strict=True)
    return Detections(np.array(boxes, np.float32), np.array(scores, np.float32), names)


def offer(folder: Path, detections: Detections) -> None:
    entries = [detections_entry(f"ep_{number:04}.png", 96, 128, detections) for number in range(PICTURES)]
    write_lines(folder / OFFERS, map(as_line, entries))


def test_detections_come_back_and_other_files_are_refused(tmp_path: Path) -> None:
    path, there = tmp_path / "x.json", found((LEFT, "千反田", 0.75), (RIGHT, "Oreki", 0.5))
    write_lines(path, [as_line(detections_entry("ep/1.png", 96, 128, there))])
    back = read_detections(path)["ep/1.png"]
    assert np.allclose(back.boxes, there.boxes, atol=1e-3)
    assert (back.names, back.scores.tolist()) == (there.names, [0.75, 0.5])
    path.write_text(path.read_text().replace("[16.0, 24.0", "[63.5, -1e30"))  # half a pixel
    assert read_detections(path)["ep/1.png"].names == ("Oreki",)
    text = path.read_text()
    wrong = [text.replace("0.75", "7"), text.replace("128", "1e999"), text.replace("128", "NaN")]
    for text in ("{", "3", '[{"image": "a"}]', "[" * 100_000, *wrong):
        path.write_text(text)
        with pytest.raises(UnusableFile, match="no list of detections"):
            read_detections(path)


def test_what_a_detector_sees_replaces_older_drafts_and_nothing_that_was_said() -> None:
    wide = (LEFT[0], LEFT[1] - 0.05, 1.0, LEFT[3] + 0.05)
    mira = Head(np.array(LEFT, np.float32), "Mira", named=True)
    hidden, alone = (Head(np.array(box, np.float32), "") for box in (RIGHT, FAR))
    older = Head(np.array(FAR, np.float32), "Tobi")
    seen = found(
        (wide, "Mira", 0.9), (RIGHT, "Tobi", 0.8), (LEFT, "Tobi", 0.7), (FAR, "head", 0.6), (FAR, "Aoi", 0.2)
    )
    heads = with_offers([mira, hidden, alone, older], seen)
    said = [(head.name, head.offer, head.named) for head in heads]
    assert said == [("Mira", "", True), ("", "Tobi", False), ("", "Aoi", False)]
    assert np.allclose(heads[0].box, wide), "drawn as the detector learnt it"
    assert with_offers([mira, alone], seen.above(1.0)) == [mira, alone]
    again = with_offers(heads, seen)
    assert [(head.name, head.offer) for head in again] == [(one[0], one[1]) for one in said]


def test_offers_come_in_between_two_questions_and_new_drafts_disturb_nobody(folder: Path) -> None:
    desk = opened(folder)
    named(desk, "Mira", "")  # the other one is nobody
    sheet = asked(desk, "sheet")
    offer(folder, found((RIGHT, "Tobi", 0.9), (FAR, "Aoi", 0.2)))
    assert [len(one.heads) for one in sheet.pictures] == [1] * PICTURES, "not while somebody looks at it"
    sheet = asked(desk, "sheet")
    picture = sheet.pictures[0]
    assert [desk.guess(head) for head in picture.heads] == ["Mira", "Tobi", ""]
    assert [name for name, _ in desk.likely(picture.heads[2:])] == ["Aoi", "Mira"]
    assert np.allclose(desk.boxes_of(picture)[1], RIGHT, atol=1e-3)
    shown = [[Head(head.box, desk.guess(head), True) for head in one.heads] for one in sheet.pictures]
    desk.confirm("me", sheet.key, shown)
    assert on_disk(folder) == [["Mira", "Tobi"]] * PICTURES


def test_groups_end_where_they_do_not_pay(folder: Path, monkeypatch) -> None:
    monkeypatch.setattr(desks, "_TRIED", 2)
    desk = opened(folder)
    desk.name_group("me", asked(desk, "group").key, "Mira", [0])  # one more click, and nobody has a name
    asked(desk, "sheet")
    desk = opened(folder)
    named(desk, "Mira")
    monkeypatch.setattr(desks, "_TRIED", 1)
    asked(desk, "group")


def test_a_program_draws_new_drafts_while_somebody_answers(folder: Path) -> None:
    desk = opened(folder)
    question = asked(desk, "group")
    xml = folder / "Annotations" / "ep_0000.xml"
    objects = voc_objects(np.array([FAR]), ("head",), 128, 96)
    assert write_draft(xml, folder / "JPEGImages" / "ep_0000.png", 128, 96, objects)
    desk.ask("another")
    assert desk.name_group("me", question.key, "Mira", ()).changed == ()
    assert "Mira" in on_disk(folder)[0]
    assert state_of(xml) == "begun"
    assert not write_draft(xml, folder / "JPEGImages" / "ep_0000.png", 128, 96, objects)


def a_round(pictures: int, boxes: dict[str, int], spread: float = 0.05) -> Round:
    """Average precisions that rise by 0.1 as boxes double."""
    names = {name: OfName(count, 0.1 * np.log2(count), spread) for name, count in boxes.items()}
    return Round(pictures, 0.5, (0.4, 0.6), names)


def test_what_more_labels_bring_follows_the_curve_and_says_how_sure_it_is(tmp_path: Path) -> None:
    rounds = [a_round(40, {"Mira": 8, "Tobi": 64}), a_round(80, {"Mira": 16, "Tobi": 128})]
    gain = expected_gain(rounds, 80)
    assert gain[""][0] == pytest.approx(0.1), "twice as many pictures"
    assert gain["Mira"][0] == pytest.approx(0.1 * np.log2((16 + 80) / 16) / 2)
    assert gain["Mira"][0] > gain["Tobi"][0], "most is to be had from the rare"
    rough = [a_round(one.pictures, {name: of.boxes for name, of in one.names.items()}, 0.1) for one in rounds]
    assert expected_gain(rough, 80)[""][1] == pytest.approx(2 * gain[""][1])
    assert expected_gain(rounds[:1], 80) == {}
    assert expected_gain([rounds[0], rounds[0]], 80) == {}, "no more boxes than before"
    for one in (*rounds, rounds[1]):
        add_round(tmp_path, one)
    assert read_rounds(tmp_path) == rounds
    whole = (tmp_path / "rounds.json").read_text()
    wrong = {'"pictures": 80': '"pictures": "x"', '"boxes": 8': '"boxes": 0', "0.05": "NaN", "0.4,": "{},"}
    wrong |= {'"pictures": 40': '"pictures": 1e999', '"ap"': '"no"'}
    for old, new in wrong.items():
        assert old in whole
        (tmp_path / "rounds.json").write_text(whole.replace(old, new, 1))
        with pytest.raises(ValueError, match=r"rounds\.json.* delete it"):
            read_rounds(tmp_path)


def test_a_round_is_what_a_person_would_type(folder: Path, monkeypatch) -> None:
    ran: list[tuple[str, ...]] = []
    models = iter(("ssd_300_lite", "ssd_300_vgg", "ssd_300_vgg"))

    def run(module: str, *arguments: str) -> None:
        ran.append((module, *arguments))
        trained = next((one.partition("=")[2] for one in arguments if one.startswith("--train_dir=")), "")
        if trained:
            (Path(trained) / "eval").mkdir(parents=True)
            (Path(trained) / "config.json").write_text(f'{{"model_name": "{next(models)}"}}')
            said = '{"ap_voc07": {"Mira": 0.5}, "ap_voc07_interval": {"Mira": [0.3, 0.7]}, "map_voc07": 0.5,'
            (Path(trained) / "eval" / "report.json").write_text(f'{said} "map_voc07_interval": [0.3, 0.7]}}')
            records = rounds_of(folder) / "records"
            records.mkdir(exist_ok=True)
            (records / "dataset.json").write_text('{"splits": {"train": {"names": {"Mira": {"boxes": 4}}}}}')

    monkeypatch.setattr(train_drafts, "_run", run)
    monkeypatch.setattr(train_drafts.os, "nice", lambda _: 0)
    arguments = [f"--dataset_dir={folder}", "--checkpoint_path=coco.npz"]
    assert (train_drafts.main(arguments), ran) == (1, []), "nothing is labelled"
    desk = opened(folder)
    named(desk, "Mira", "Tobi")
    sheet = asked(desk, "sheet")
    desk.confirm("me", sheet.key, as_shown(desk, sheet))
    for _ in range(3):
        assert train_drafts.main(arguments) == 0
    with locked(rounds_of(folder), "x"):
        assert train_drafts.main(arguments) == 1, "one round at a time"
    modules = ["tf_convert_data", "train_ssd_network", "eval_ssd_network", "tools.preannotate"]
    assert [module for module, *_ in ran] == 3 * modules
    assert all("--checkpoint_path=coco.npz" in ran[number] for number in (1, 5)), "a small one learns anew"
    assert {f"--checkpoint_path={rounds_of(folder) / 'detector'}", "--model_name=ssd_300_vgg"} <= {*ran[9]}
    assert not any(one.startswith("--unlabelled_dir") for one in ran[9]), "all pictures are labelled"
    assert read_rounds(rounds_of(folder))[0].names == {"Mira": OfName(4, 0.5, (0.7 - 0.3) / 3.92)}


def test_a_step_that_fails_ends_the_round_with_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"json\.tool ended with status 2"):
        train_drafts._run("json.tool", "--no_such_flag")


def until(true) -> None:
    end = time.monotonic() + 120  # beside other programs a thread may wait long
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_the_page_begins_rounds_when_enough_is_labelled(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(learning, "_LOOK", 0.01)
    labelled, mark = [0], tmp_path / "ran"
    work = f"import sys, time; open({str(mark)!r}, 'a').write('x'); time.sleep({{}}); sys.exit({{}})"

    def learner(seconds: float, status: int) -> learning.Learner:
        command = (sys.executable, "-c", work.format(seconds, status))
        return learning.Learner(tmp_path / "set", lambda: labelled[0], command)

    with learner(0, 1) as failing:
        assert failing.says() == {
            "busy": False, "next": 30, "failed": False, "log": str(tmp_path / "set_rounds" / "training.log"),
        }  # fmt: skip
        time.sleep(0.1)
        assert not mark.exists()
        labelled[0] = 30
        until(lambda: failing.says()["failed"])
        assert failing.says()["next"] == 31, "the same pictures would fail again"
    assert mark.read_text() == "x"
    begun = time.monotonic()
    with learner(60, 0) as long:
        until(lambda: len(mark.read_text()) == 2)
        assert long.says()["busy"]
    assert time.monotonic() - begun < 30, "the page ends, and the round with it"
    for one in (a_round(40, {"Mira": 8}), a_round(80, {"Mira": 16})):
        add_round(tmp_path / "set_rounds", one)
    (tmp_path / "set_rounds" / "rounds.json").rename(tmp_path / "whole")
    (tmp_path / "set_rounds" / "rounds.json").write_text("{")
    assert learner(0, 0).says()["next"] == 30, "nobody who labels is kept from it"
    (tmp_path / "whole").rename(tmp_path / "set_rounds" / "rounds.json")
    said = learner(0, 0).says()
    assert (said["pictures"], said["map"], said["next"], said["best"][0]) == (80, 0.5, 104, "Mira")
    assert said["gain"][0] == pytest.approx(0.1 * np.log2(1.5))


PAGE = """
import sys, time
from pathlib import Path
from labelling import rounds
rounds._LOOK = 0.01
work = "import os, subprocess, sys; print(os.getpid()); subprocess.run([sys.executable, '-c', sys.argv[1]])"
inner = "import os, time; print(os.getpid(), flush=True); time.sleep(300)"
with rounds.Learner(Path(sys.argv[1]), lambda: 30, (sys.executable, "-uc", work, inner)):
    time.sleep(300)
"""


def test_a_page_that_is_killed_takes_its_round_along(tmp_path: Path) -> None:
    log = tmp_path / "set_rounds" / "training.log"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", PAGE, str(tmp_path / "set")], env=environment) as page:
        until(lambda: log.is_file() and len(log.read_text().split()) == 2)
        numbers = [int(number) for number in log.read_text().split()]
        assert all(Path(f"/proc/{number}").exists() for number in numbers)
        page.kill()
    until(lambda: not any(Path(f"/proc/{number}/exe").exists() for number in numbers))


def test_what_was_begun_is_offered_and_not_written(folder: Path) -> None:
    """tools.preannotate looks at pictures that somebody has begun on the page, too, and leaves their XML."""
    from tests.tools.test_preannotate import fixed
    from tools.preannotate import Options, preannotate

    desk = opened(folder)
    named(desk, "Mira")
    before = on_disk(folder)
    seen = found((RIGHT, "Tobi", 0.9))
    answers = {10 * number: seen for number in range(PICTURES)}
    outcome = preannotate(Options(folder, Path("x")), fixed(answers))
    assert (outcome.drafts, outcome.labelled, on_disk(folder)) == (0, 0, before)
    assert sorted(outcome.order) == [f"ep_{number:04}.png" for number in range(PICTURES)]
    assert [one.names for one in read_detections(folder / OFFERS).values()] == [("Tobi",)] * PICTURES
    assert read_xml(folder / "Annotations" / "ep_0000.xml").origin.endswith("begun")
