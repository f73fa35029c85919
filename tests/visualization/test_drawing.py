import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxes.detections import Detections
from tests.conftest import tables
from visualization.colours import name_colour
from visualization.drawing import Rectangle, _overlaps, _place, draw_boxes, draw_detections

BOX = np.array([[0.25, 0.25, 0.75, 0.75]])


def grey(height: int, width: int, value: int = 128) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def changed(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return (before != after).any(axis=-1)


def count_of(image: np.ndarray, colour: tuple[int, int, int]) -> int:
    return int((image == colour).all(axis=-1).sum())


def test_draws_on_a_copy():
    image = grey(200, 300)
    drawn = draw_boxes(image, BOX, ["Mio"], [0.9])
    assert (image == 128).all()
    assert (drawn.shape, drawn.dtype) == (image.shape, np.uint8)
    assert not changed(image, draw_boxes(image, np.zeros((0, 4)), [])).any()


def test_line_lies_along_the_box_in_the_colour_of_the_name():
    drawn = draw_boxes(grey(400, 400), BOX, ["Mio"])
    colour = name_colour("Mio")
    for y, x in ((200, 101), (200, 298), (298, 200), (101, 290)):
        assert tuple(drawn[y, x]) == colour
    assert not changed(grey(400, 400), drawn)[105:295, 105:295].any()  # nothing inside


@pytest.mark.parametrize("background", [0, 128, 255])
def test_line_and_label_stand_out_from_any_background(background):
    image = grey(300, 300, background)
    drawn = draw_boxes(image, BOX, ["Mio"])
    row = drawn[200, 70:82].astype(int)  # across the left line: background, halo, line, halo
    assert np.abs(row - background).max() > 60
    assert len(np.unique(row, axis=0)) >= 3


@pytest.mark.parametrize("name", ["千反田える", "초롱이", "سلام", "Ёж"])
def test_label_in_any_script_is_drawn_above_the_box(name):
    image = grey(400, 400)
    drawn = draw_boxes(image, BOX, [name])
    above = drawn[70:98, 100:250]
    assert count_of(above, name_colour(name)) > 200  # the plate
    assert count_of(above, (0, 0, 0)) + count_of(above, (255, 255, 255)) > 15  # the text
    other = draw_boxes(image, BOX, [name[::-1]])  # of the same length, and yet another
    assert ((drawn[60:100] > 20) != (other[60:100] > 20)).any()


@given(
    shape=st.sampled_from([(1, 1), (8, 8), (2, 300), (300, 3), (64, 64), (120, 90)]),
    boxes=st.lists(st.tuples(*[st.floats(-1, 2)] * 4), min_size=1, max_size=5),
    name=st.sampled_from(["千反田える", "x" * 500, "", "a\nb"]),
)
def test_any_picture_boxes_and_name(shape, boxes, name):
    """A label that is not wholly inside of the picture could not be laid over it."""
    drawn = draw_boxes(grey(*shape), np.array(boxes), [name] * len(boxes), np.linspace(1, 0.1, len(boxes)))
    assert drawn.shape == (*shape, 3)
    assert changed(grey(*shape), drawn).any()


@pytest.mark.parametrize(("box", "label"), tables(__file__, "texts")["labels"])
def test_label_moves_inside_or_below_where_there_is_no_room_above(box, label):
    box, label = Rectangle(*box), Rectangle(*label)
    size = (label.height, label.width)
    assert _place(box, size, 100, 100, [], [box]) == label
    if box.height < 100:  # taken by another label
        assert _overlaps([_place(box, size, 100, 100, [label], [box])], [label]) == 0


def test_labels_of_the_same_box_do_not_cover_each_other():
    drawn = draw_boxes(grey(400, 400), np.repeat(BOX, 3, axis=0), ["Mio", "Ritsu", "Yui"])
    for name in ("Mio", "Ritsu", "Yui"):
        alone = draw_boxes(grey(400, 400), BOX, [name])
        label = count_of(alone, name_colour(name)) - 8 * 200
        assert count_of(drawn, name_colour(name)) > 0.8 * label


def test_text_and_lines_grow_with_the_picture():
    small, large = (changed(grey(n, n), draw_boxes(grey(n, n), BOX, ["Mio"])).sum() for n in (250, 2000))
    assert large > 10 * small


def test_box_outside_the_picture_is_cut_and_an_empty_one_is_a_dot():
    drawn = draw_boxes(grey(100, 100), np.array([[-1, -1, 2, 2], [0.5, 0.5, 0.5, 0.5]]), ["a", "b"])
    assert changed(grey(100, 100), drawn)[99, 99 - 20 : 90].any()


def test_draw_detections_shows_scores():
    image = grey(300, 300)
    found = Detections(BOX.astype(np.float32), np.array([0.9], np.float32), ("Mio",))
    drawn = draw_detections(image, found)
    assert (drawn == draw_boxes(image, BOX, ["Mio"], [0.9])).all()
    assert (drawn != draw_boxes(image, BOX, ["Mio"])).any()


@pytest.mark.parametrize(
    ("image", "boxes", "names", "message"),
    [
        (grey(9, 9), BOX, [], r"1 boxes, 0 names"),
        (grey(9, 9), [[0, 0, np.nan, 1]], ["a"], r"finite boxes; got \[ *0\. *0\. *nan"),
        (grey(9, 9).astype(np.float32), BOX, ["a"], r"uint8 \[H, W, 3\] RGB, not float32 \[9, 9, 3\]"),
        (grey(9, 9)[..., 0], BOX, ["a"], r"not uint8 \[9, 9\]"),
        (grey(0, 9), BOX, ["a"], r"not uint8 \[0, 9, 3\]"),
    ],
)
def test_wrong_arguments_are_named(image, boxes, names, message):
    with pytest.raises(ValueError, match=message):
        draw_boxes(image, np.array(boxes), names)
