import numpy as np

from benchmarks.anybody.dataset import objects_of
from benchmarks.anybody.gathering import draw_gathering


def test_a_picture_is_drawn_from_its_number_alone_and_its_heads_lie_in_it():
    pictures = [draw_gathering(0, number, 50) for number in range(12)]
    assert pictures[3] == draw_gathering(0, 3, 50)
    assert len({picture.jpeg for picture in pictures}) == 12
    for picture in pictures:
        boxes = np.array([item.box for item in objects_of(picture)]).reshape(-1, 4)
        assert (boxes[:, :2] < boxes[:, 2:]).all()
        assert ((boxes >= 1) & (boxes <= (picture.width, picture.height) * 2)).all()
