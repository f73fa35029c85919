"""Pre-annotation: named drafts, the order of labelling, and a person's work untouched."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from boxes.detections import Detections
from datasets.drawn_video import FilmOptions, heads_in
from datasets.voc import VocObject, read_xml, write_annotation
from labelling.drafts import expected_corrections, look, useful_first
from nets.thresholds import Thresholds
from tests.conftest import ROOT
from tests.engine.by_hand import detected
from tests.seeing import Seeing
from tests.video.small_videos import frame_at, scene
from tools.preannotate import Options, main, preannotate


def detections(*scores: float) -> Detections:
    boxes = (0.1, 0.1, 0.5, 0.5), (0.5, 0.5, 0.9, 0.9)
    return detected(*zip(("千反田える", "折木"), scores, boxes, strict=False))


def fixed(answers: dict[int, Detections]) -> Seeing:
    """A detector that knows pictures by their first pixel."""
    return Seeing(lambda image: answers[int(image[0, 0, 0])], thresholds=Thresholds(0.5, {"折木": 0.3}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(3):
        picture = scene(number)
        picture[:8, :8] = 10 * number
        path = tmp_path / "set" / "JPEGImages" / f"ep_{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path)
    return tmp_path / "set"


def test_drafts_have_names_above_each_names_threshold(folder: Path) -> None:
    answers = {0: detections(0.9, 0.4), 10: detections(0.45, 0.2), 20: detections()}
    outcome = preannotate(Options(folder, Path("x")), fixed(answers))
    assert (outcome.drafts, outcome.boxes) == (3, 2)
    drafts = [read_xml(folder / "Annotations" / f"ep_{number}.xml") for number in range(3)]
    assert [[item.name for item in draft.objects] for draft in drafts] == [["千反田える", "折木"], [], []]
    assert not any(draft.verified for draft in drafts)
    assert sum(outcome.useful.values()) == pytest.approx(0.1 + 0.4 + 0.45 + 0.2)
    lower = Options(folder, Path("x"), score_threshold=0.1)
    assert preannotate(lower, fixed(answers)).boxes == 4  # our own drafts are replaced


def test_what_a_person_saved_is_not_touched_and_not_in_the_order(folder: Path) -> None:
    answers = {0: detections(0.9), 10: detections(0.6), 20: detections(0.7)}
    preannotate(Options(folder, Path("x")), fixed(answers))
    saved = folder / "Annotations" / "ep_1.xml"
    write_annotation(saved, folder / "JPEGImages" / "ep_1.png", 96, 72, [VocObject("希", (2, 3, 9, 9))])
    before = saved.read_bytes()
    outcome = preannotate(Options(folder, Path("x")), fixed(answers))
    assert saved.read_bytes() == before
    assert (outcome.drafts, outcome.labelled) == (2, 1)
    assert outcome.order == ["ep_2.png", "ep_0.png"]
    assert (folder / "labelling_order.txt").read_text().split() == outcome.order


def test_order_mixes_uncertainty_and_variety() -> None:
    for scores, wrong in (((), 0), ((0.5,), 0.5), ((0.95, 0.1), 0.15)):
        assert expected_corrections(detections(*scores)) == pytest.approx(wrong)
    looks = np.array([[0.0, 0], [0.01, 0], [1, 0], [0, 1]], np.float32)
    nothing = np.zeros((0, 2), np.float32)
    order = useful_first([1.0, 0.99, 0.2, 0.3], looks, nothing)
    assert order[0] == 0
    assert order[-1] == 1  # almost as unsure as the first, but the same scene
    assert sorted(order) == [0, 1, 2, 3]
    # What is labelled already counts as seen.
    assert useful_first([1.0, 0.2], looks[[0, 2]], looks[[1]])[0] == 1
    assert useful_first([], np.zeros((0, 2), np.float32), nothing) == []
    # Equal pictures: the order of names.
    assert useful_first([0.5] * 3, np.zeros((3, 2), np.float32), nothing) == [0, 1, 2]


def test_look_is_of_one_length_for_any_picture() -> None:
    assert look(np.full((5, 300, 3), 255, np.uint8)).shape == (192,)
    halves = np.zeros((64, 64, 3), np.uint8)
    halves[32:] = 51
    assert np.allclose(look(halves), [0] * 96 + [0.2] * 96)


def test_command_with_the_shipped_detector(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film, folder, moments = FilmOptions(Path("film.mp4")), tmp_path / "flat", (1.0, 15.0, 20.0)
    folder.mkdir()
    for second in moments:
        Image.fromarray(frame_at(film, second)).save(folder / f"film_{1000 * second:07.0f}.jpg", quality=92)
    (folder / "film_0099000.jpg").write_bytes(b"x")
    flags = [f"--dataset_dir={folder}", f"--checkpoint_path={ROOT / 'checkpoints' / 'drawn_lite'}"]
    assert main(flags) == 1
    said = capsys.readouterr().err
    assert "film_0099000.jpg: not a picture" in said
    assert "3 drafts" in said
    names = {name for second in moments for name in (label.name for label in heads_in(film, second))}
    drafts = {item.name for path in folder.glob("*.xml") for item in read_xml(path).objects}
    assert len(names & drafts) >= len(names) - 1
    assert len((folder / "labelling_order.txt").read_text().splitlines()) == 3
    assert main([flags[0], f"--checkpoint_path={tmp_path}"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(ValueError, match="--score_threshold 2: must be 0 to 1"):
        Options(folder, tmp_path, score_threshold=2)
    with pytest.raises(ValueError, match="--batch_size 0: must be at least 1"):
        Options(folder, tmp_path, batch_size=0)
