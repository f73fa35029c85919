import numpy as np

from benchmarks.anybody.dataset import objects_of
from benchmarks.anybody.gathering import draw_gathering


def test_a_picture_is_drawn_from_its_number_alone_and_its_heads_lie_in_it():
    pictures = [draw_gathering(0, number, 50, lookalikes=number >= 12) for number in range(48)]
    assert pictures[3::20] == [draw_gathering(0, number, 50, lookalikes=number > 3) for number in (3, 23, 43)]
    assert len({picture.jpeg for picture in pictures}) == 48
    for picture in pictures:
        boxes = np.array([item.box for item in objects_of(picture)]).reshape(-1, 4)
        assert (boxes[:, :2] < boxes[:, 2:]).all()
        assert ((boxes >= 1) & (boxes <= (picture.width, picture.height) * 2)).all()
