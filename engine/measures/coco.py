"""COCO average precision, computed by faster-coco-eval: the numbers that papers and other projects compare.

faster-coco-eval rather than pycocotools: the same metric in C++ with wheels for every Python we support.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster

from boxes.detections import Detections
from boxes.pixels import to_pixels
from engine.average_precision import GroundTruth


@dataclass(frozen=True)
class CocoResult:
    """The figures of the COCO detection challenge, at most 100 detections per picture."""

    ap: float  # mean over names and the IoU thresholds 0.50, 0.55, ..., 0.95
    ap50: float  # at IoU 0.5 alone
    ap75: float  # at IoU 0.75 alone
    ap_small: float | None  # `ap` of objects below 32 x 32 pixels; None where there are none
    ap_medium: float | None  # of those up to 96 x 96 pixels
    ap_large: float | None  # of those beyond


def coco_average_precision(
    detections: Sequence[Detections], ground_truths: Sequence[GroundTruth], sizes: Sequence[tuple[int, int]]
) -> CocoResult:
    """COCO's average precision.

    Difficult objects are given to the metric as crowds (`iscrowd`), the only objects that COCO does not
    count: they need not be found, and any number of detections that lie within them are ignored.

    Args:
        detections: one per picture.
        ground_truths: one per picture, in the same order.
        sizes: (height, width) of each picture in pixels, which decides what is small and large.
    """
    names = (name for part in (*ground_truths, *detections) for name in part.names)
    category = {name: i for i, name in enumerate(dict.fromkeys(names), start=1)}
    marked, found, images = [], [], []
    parts = zip(detections, ground_truths, sizes, strict=True)
    for image, (found_here, truth, (height, width)) in enumerate(parts, start=1):
        images.append({"id": image, "height": height, "width": width})
        boxes = _left_top_sides(truth.boxes, height, width)
        for name, box, difficult in zip(truth.names, boxes, truth.difficult, strict=True):
            place = {"id": len(marked) + 1, "image_id": image, "category_id": category[name], "bbox": box}
            marked.append({**place, "area": box[2] * box[3], "iscrowd": int(difficult)})
        boxes = _left_top_sides(found_here.boxes, height, width)
        for name, box, score in zip(found_here.names, boxes, found_here.scores, strict=True):
            place = {"image_id": image, "category_id": category[name], "bbox": box}
            found.append({**place, "score": float(score)})
    categories = [{"id": i, "name": name} for name, i in category.items()]
    truth = COCO({"images": images, "annotations": marked, "categories": categories})
    metric = COCOeval_faster(truth, truth.loadRes(found), iouType="bbox", print_function=lambda *_: None)
    metric.run()
    # In the order of pycocotools' summary; -1 where there are no objects.
    ap, ap50, ap75, small, medium, large = (None if value < 0 else float(value) for value in metric.stats[:6])
    return CocoResult(ap or 0.0, ap50 or 0.0, ap75 or 0.0, small, medium, large)


def _left_top_sides(boxes: np.ndarray, height: int, width: int) -> list[list[float]]:
    """COCO's [x, y, width, height] in pixels."""
    pixels = to_pixels(boxes, height, width)
    return np.concatenate([pixels[:, :2], pixels[:, 2:] - pixels[:, :2]], axis=1).tolist()
