"""False detections where nobody is: counted, told apart, and what "unknown" would change."""

import numpy as np
import pytest
from PIL import Image

from engine.evaluation import Evaluation
from engine.measures.measure import measure
from engine.measures.strangers import Promise, detect_strangers, measure_strangers, promise_of
from engine.reports.training import what_would_help
from nets.thresholds import Thresholds
from terminal.bars import silent
from tests.engine.by_hand import A, D, detected, evaluated, marked
from tests.engine.colour_network import NETWORK, picture


@pytest.fixture
def measured() -> Evaluation:
    """Three objects that are found, and two pictures without any."""
    seen = [("a", 0.9, A, 5), ("a", 0.8, A, 4), ("a", 0.7, A, 1), ("a", 0.6, A, 2)]
    return evaluated([*map(detected, seen), detected()], [marked(("a", A))] * 3 + [marked()] * 2)


def test_counts_by_hand(measured):
    seen = detected(("b", 0.95, A, 3), ("a", 0.55, A, 0.5), ("a", 0.1, A, 9))
    strangers = [("x", seen), ("y", detected()), ("z", detected())]
    result = measure_strangers(strangers, measured, Thresholds(0.5, {"b": 0.9}, {"gap": 1.0}))
    assert result is not None
    assert (result.pictures, result.false_detections, result.pictures_with_any) == (3, 2, 1)
    assert (result.per_picture, result.share_with_any) == pytest.approx((2 / 3, 1 / 3))
    assert result.by_name == {"b": 1, "a": 1}
    assert [(name, found.names) for name, found in result.worst] == [("x", ("b", "a"))]
    assert result.right_detections == 3
    # scores 0.9, 0.8, 0.7 against 0.95, 0.55; gaps 5, 4, 1 against 3, 0.5
    assert result.auroc == pytest.approx({"score": 3 / 6, "gap": 5 / 6})
    answer = result.unknown
    assert answer is not None
    assert (answer.false_detections, answer.pictures_with_any, answer.right_kept) == (1, 1, 1)


def test_pictures_on_which_nobody_is_marked(measured):
    result = measure(measured, Thresholds()).without_objects
    assert result is not None
    assert (result.pictures, result.false_detections) == (2, 1)
    assert [name for name, _ in result.worst] == ["3.jpg"]
    assert result.unknown is None
    everybody = evaluated([detected(("a", 0.9, A))], [marked(("a", A))])
    assert measure(everybody, Thresholds()).without_objects is None


def test_what_unknown_will_do():
    """Of twelve right ones the first is below the limit, of ten where nobody is marked three are above it."""
    seen = [detected(("a", 0.9, A, number > 0), ("a", 0.8, D, number < 3)) for number in range(10)]
    seen += [detected(("a", 0.9, A, 1), ("a", 0.2, D, 1))] * 2  # D: below the threshold
    some, limit = evaluated(seen, [marked(("a", A))] * 12), Thresholds(0.5, unknown={"gap": 0.5})
    assert promise_of(some, limit) == Promise(10, 4 / 11, 12, 2 / 13)
    said = " ".join(what_would_help(measure(some, limit), {"a": 9}))
    assert "where nobody is marked about 36 will keep a name, and 15 of 100 right ones" in said
    assert promise_of(some, Thresholds()) is None
    assert promise_of(evaluated(seen[1:], [marked(("a", A))] * 11), limit) is None  # nine strangers


def test_a_folder_of_pictures(tmp_path):
    """One picture on which the network sees somebody, one empty, one damaged, one hidden, one no picture."""
    (tmp_path / "series").mkdir()
    seen, empty = picture((1, 0.9)), picture()
    Image.fromarray(seen).save(tmp_path / "series" / "千.png")
    Image.fromarray(empty).save(tmp_path / "b.png")
    Image.fromarray(empty).save(tmp_path / ".hidden.png")
    (tmp_path / "c.jpg").write_bytes(b"no picture")
    (tmp_path / "d.txt").write_text("text")
    steps = []
    found = look_at(tmp_path, progress=lambda *said: steps.append(said))
    assert [(name, len(one.above(0.5))) for name, one in found] == [("b.png", 0), ("series/千.png", 1)]
    assert np.asarray(found[1][1].evidence).shape == found[1][1].scores.shape
    assert steps[-1] == ("Strangers", 3, 3)


def look_at(folder, progress=silent):
    return detect_strangers(NETWORK.build(3), NETWORK, ["a", "b"], folder, batch_size=4, progress=progress)


def test_folders_without_pictures_are_said(tmp_path):
    with pytest.raises(ValueError, match="there is no such folder"):
        look_at(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"no picture in it.*show none of the characters"):
        look_at(tmp_path)
    (tmp_path / "c.jpg").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"c\.jpg: .*; no other can be read"):
        look_at(tmp_path)
