import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boxes.detections import Detections
from tests.visualization.test_drawing import BOX, count_of, grey
from visualization.drawing import _SHEET, contact_sheet, draw_detections, scale_to


def test_sheet_shows_every_picture_unchanged_where_sizes_are_equal():
    images = [grey(40, 60, value) for value in (10, 90, 170, 200, 250)]
    sheet = contact_sheet(images, columns=3, gap=2)
    assert sheet.shape == (2 * 40 + 3 * 2, 3 * 60 + 4 * 2, 3)
    assert (sheet[2:42, 64:124] == 90).all()
    assert (sheet[44:84, 64:124] == 250).all()
    assert (sheet[44:84, 126:] == _SHEET).all()


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(1, 300), st.integers(1, 300)), min_size=1, max_size=9))
def test_sheet_without_columns_shows_every_picture_once(shapes):
    sheet = contact_sheet([grey(height, width, 40 + i) for i, (height, width) in enumerate(shapes)], gap=4)
    for i, (height, width) in enumerate(shapes):
        rows, columns = np.nonzero((sheet == 40 + i).all(axis=-1))
        shown = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert rows.size == shown[0] * shown[1]  # one whole rectangle
        assert shown[0] / shown[1] == pytest.approx(height / width, rel=3 / min(shown))
        assert 4 <= rows.min() <= rows.max() < sheet.shape[0] - 4
        assert 4 <= columns.min() <= columns.max() < sheet.shape[1] - 4


def test_sheet_draws_detections_after_scaling():
    found = Detections(BOX.astype(np.float32), np.array([0.9], np.float32), ("Mio",))
    sheet = contact_sheet([grey(2000, 2000)], cell=300, gap=0, detections=[found])
    assert (sheet == draw_detections(grey(300, 300), found)).all()


def test_sheet_captions():
    plain, captioned = (
        contact_sheet([grey(40, 200)] * 2, columns=1, captions=captions)
        for captions in (None, ["千反田える", "x" * 500])
    )
    assert captioned.shape[0] > plain.shape[0]
    assert captioned.shape[1] == plain.shape[1]
    assert count_of(captioned, (255, 255, 255)) > 20


def test_sheet_of_nothing_and_wrong_counts():
    with pytest.raises(ValueError, match="at least one picture"):
        contact_sheet([])
    with pytest.raises(ValueError, match="2 for 1"):
        contact_sheet([grey(9, 9)], captions=["a", "b"])


def test_scale_to():
    assert scale_to(grey(100, 400), 200).shape == (50, 200, 3)
    assert scale_to(grey(10, 20), 200).shape == (20, 40, 3)  # at most twice as large
    assert scale_to(grey(1, 4000), 100).shape == (1, 100, 3)
