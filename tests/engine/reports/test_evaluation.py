"""report.json, report.html and detections.json, for names and file names that nobody should trust."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from engine.measures.measure import measure
from engine.reports.evaluation import in_short, report_numbers, write_reports
from nets.thresholds import Thresholds
from tests.engine.by_hand import TABLES, detected, evaluated, marked

HOSTILE = '<script>alert("千反田")</script>'
A, B = (0.0, 0.0, 0.5, 0.25), (0.5, 0.5, 1.0, 1.0)
NAMES, FILES = [HOSTILE, "b", "never marked"], ("a.jpg", "b&<i>.jpg", "空.jpg", "d.jpg")
OPTIONS = {"max_pictures": None, "dataset_dir": "<data>"}


@pytest.fixture
def measurements():
    """Four pictures: right, a mix-up, a false alarm where nothing is, and one that is missed."""
    truths = (marked((HOSTILE, A)), marked(("b", B)), marked(), marked(("b", A)))
    found = (
        detected((HOSTILE, 0.9, A)),
        detected((HOSTILE, 0.8, B)),
        detected(("b", 0.75, A), ("b", 0.02, B)),
        detected(),
    )
    return measure(evaluated(found, truths, NAMES, FILES), Thresholds(0.5))


@pytest.fixture
def folder(measurements, tmp_path):
    """The reports, with two worst pictures and two best ones."""
    write_reports(
        tmp_path / "new" / "folder",
        measurements,
        title=f"{HOSTILE} on test",
        ran={"options": OPTIONS, "versions": {"keras": "3"}},
        gallery=[
            ("Worst pictures", {i: np.full((20, 40, 3), 60 * i, np.uint8) for i in (1, 2)}),
            ("Best pictures", {i: np.full((20, 40, 3), 60 * i, np.uint8) for i in (0, 3)}),
            ("No pictures", {}),
        ],
        strangers=[],
        notes=["<b>careful</b>"],
    )
    return tmp_path / "new" / "folder"


def test_numbers_by_hand(folder):
    text = (folder / "report.json").read_text(encoding="utf-8")
    assert "NaN" not in text
    numbers = json.loads(text)
    assert (numbers["images"], numbers["objects"]) == (4, 3)
    for key in ("map_voc07", "map_voc12", "coco_ap", "coco_ap50"):
        assert numbers[key] == pytest.approx(0.5)
    assert numbers["ap_voc07"] == {HOSTILE: pytest.approx(1), "b": 0, "never marked": None}
    assert numbers["at_score_threshold"] == {
        **{"threshold": 0.5, "right": 1, "wrong": 2, "missed": 2},
        **dict.fromkeys(("precision", "recall", "f1"), pytest.approx(1 / 3)),
    }
    assert numbers["names"][HOSTILE]["at_best_f1"]["threshold"] == pytest.approx(0.9)
    assert numbers["names"]["b"]["at_best_f1"] is None
    assert numbers["confusion"]["names"] == NAMES
    assert numbers["confusion"]["counts"] == [[1, 0, 0, 0], [1, 0, 0, 1], [0, 0, 0, 0], [0, 1, 0, 0]]
    f1 = [(picture["image"], picture["f1"]) for picture in numbers["pictures"]]
    assert f1 == list(zip(FILES, (1, 0, 0, 0), strict=True))
    assert numbers["options"] == OPTIONS


def test_detections_are_in_pixels(folder):
    entries = json.loads((folder / "detections.json").read_text(encoding="utf-8"))
    assert [(entry["image"], len(entry["detections"])) for entry in entries] == list(
        zip(FILES, (1, 1, 2, 0), strict=True)
    )
    found = {"name": HOSTILE, "score": pytest.approx(0.9), "box": [0, 0, 20, 20]}
    assert entries[0] == {"image": "a.jpg", "width": 80, "height": 40, "detections": [found]}


class Page(HTMLParser):
    """Tags, attributes and text of a page; complains about tags that do not close."""

    def __init__(self, html: str):
        super().__init__()
        self.tags, self.sources, self.text, self.open = [], [], "", []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [value for key, value in attrs if key in ("src", "srcset", "href")]
        if tag not in ("meta", "img", "source"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text += data


def test_page_shows_names_as_text_and_needs_no_other_file(folder):
    html = (folder / "report.html").read_text(encoding="utf-8")
    page = Page(html)
    assert not {"script", "i"} & set(page.tags)
    assert page.text.count(HOSTILE) >= 4  # heading, sentence, table, picture
    for said in ("<b>careful</b>", "b&<i>.jpg", "50.0 %", "n/a", "not given", "Worst pictures"):
        assert said in page.text
    assert "No pictures" not in page.text
    # curves for wide and narrow screens, confusion, errors, reliability, all light and dark, and two pictures
    # for each of the four
    assert len(page.sources) == 2 * 2 + 2 + 2 + 2 + 2 * 4
    assert all(source.startswith("data:image/") for source in page.sources)
    assert not re.search(r"https?://|url\((?!data:)", html)
    assert "url(data:font/woff" in html


def test_in_short(measurements):
    assert [one.name for one in measurements.worst_first] == ["b", HOSTILE, "never marked"]
    assert in_short(measurements) == [one.replace("HOSTILE", HOSTILE) for one in TABLES["in_short"]]


def test_a_perfect_detector_without_any_mistake():
    perfect = measure(evaluated([detected(("a", 0.9, A))], [marked(("a", A))]), Thresholds(0.5))
    assert in_short(perfect)[-1] == "Nothing was missed, mixed up or invented."
    assert report_numbers(perfect, {})["map_voc07"] == pytest.approx(1)


def test_enough_pictures_say_how_far_the_figure_could_be_off():
    found = [detected(("a", 0.9, A))] * 9 + [detected()]
    measurements = measure(evaluated(found, [marked(("a", A))] * 10), Thresholds(0.5))
    assert "it could as well be" in in_short(measurements)[1]
