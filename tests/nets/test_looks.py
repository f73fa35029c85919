import cv2
import numpy as np

from boxes.detections import Detections
from nets.looks import look_closely


def squares(images: list[np.ndarray]) -> list[Detections]:
    """White squares; one that fills much of what is looked at is called large."""
    found = []
    for image in images:
        height, width = image.shape[:2]
        _, _, stats, _ = cv2.connectedComponentsWithStats((image[..., 0] > 128).astype(np.uint8))
        places = [(y / height, x / width, (y + h) / height, (x + w) / width) for x, y, w, h, _ in stats[1:]]
        boxes = np.array(places, np.float32).reshape(-1, 4)
        names = tuple("large" if box[2] - box[0] > 0.3 else "small" for box in boxes)
        found.append(Detections(boxes, np.full(len(boxes), 0.8, np.float32), names))
    return found


def test_what_all_looks_see_is_one_box_and_what_a_border_cuts_is_none():
    truth = {"small": [(20, 30, 50, 70), (200, 260, 230, 290)], "large": [(150, 20, 250, 120)]}
    pictures = [np.zeros((300, 400, 3), np.uint8), np.zeros((7, 5, 3), np.uint8)]
    for top, left, bottom, right in (box for boxes in truth.values() for box in boxes):
        pictures[0][top:bottom, left:right] = 255
    found, nothing = look_closely(squares, pictures)
    assert len(nothing) == 0
    places = np.rint(found.boxes * (300, 400, 300, 400)).astype(int).tolist()
    assert sorted(zip(found.names, map(tuple, places), strict=True)) == sorted(
        (name, box) for name, boxes in truth.items() for box in boxes
    )
    np.testing.assert_allclose(found.scores, 0.8, rtol=1e-5)
