"""Box maths against numbers that the original SSD-Tensorflow computed."""

import numpy as np
import pytest

from boxes.coding import decode, encode
from boxes.geometry import area, clip, intersection, iou
from boxes.matching import assign_targets
from nets import get_network
from nets.losses import smooth_l1

# Numbers of the cases in `encode_ssd_300_vgg.npz`, by how many objects they have.
NO_OBJECT, ONE_OBJECT, TWO_OBJECTS = (0,), (1, 2, 3, 4, 5), (6, 7)


@pytest.fixture(scope="module")
def misc(shared):
    """Arrays of `misc_boxes.npz` without their prefix."""
    with np.load(shared / "golden" / "misc_boxes.npz", allow_pickle=False) as arrays:
        return {name.removeprefix("misc/"): arrays[name] for name in arrays.files}


@pytest.fixture(scope="module")
def anchors():
    return get_network("ssd_300_vgg").anchors


@pytest.fixture(params=NO_OBJECT + ONE_OBJECT + TWO_OBJECTS)
def case(request, shared):
    """One case of `encode_ssd_300_vgg.npz`: its name and arrays."""
    with np.load(shared / "golden" / "encode_ssd_300_vgg.npz", allow_pickle=False) as arrays:
        prefix = f"{request.param:02}/"
        found = {name.removeprefix(prefix): arrays[name] for name in arrays.files if name.startswith(prefix)}
        return {"name": str(arrays["names"][request.param]), **found}


def test_iou(misc):
    ours = np.array(iou(misc["ref"][None], misc["bboxes"]))[0]
    np.testing.assert_allclose(ours, misc["jaccard"], atol=1e-6)


def test_intersection(misc):
    # Theirs is the share of each box that lies in the reference box.
    shared_area = np.array(intersection(misc["ref"][None], misc["bboxes"]))[0]
    areas = np.array(area(misc["bboxes"]))
    ours = np.divide(shared_area, areas, out=np.zeros_like(areas), where=areas > 0)
    np.testing.assert_allclose(ours, misc["intersection"], atol=1e-5)


def test_clip_to_the_picture(misc):
    # Theirs clips to a reference box; seen from that box (`resize`), it is the picture. A box beside it
    # collapses to a line there and here, but theirs leaves the line outside.
    ymin, xmin, ymax, xmax = misc["ref"]
    size = np.array([ymax - ymin, xmax - xmin] * 2, np.float32)
    clipped = np.array(clip(misc["resize"])) * size + [ymin, xmin, ymin, xmin]
    touching = misc["jaccard"] > 0
    assert touching.sum() > 30
    np.testing.assert_allclose(clipped[touching], misc["clip"][touching], atol=1e-6)


def test_smooth_l1(misc):
    np.testing.assert_allclose(np.array(smooth_l1(misc["x"])), misc["abs_smooth"], atol=1e-6)


def test_codes_and_classes_of_matched_anchors(anchors, case):
    """Where SSD-Tensorflow's score is above 0.5 and no anchor is forced, codes and classes are the same."""
    boxes, labels = case["in_bboxes"], case["in_labels"]
    if case["name"] == "none":  # a picture without objects is padding only
        boxes, labels = np.zeros((1, 4), np.float32), np.zeros((1,), np.int64)
    codes, classes = (np.array(x)[0] for x in assign_targets(anchors, boxes[None], labels[None]))
    matched = case["scores"] > 0.5
    forced = np.zeros_like(matched)
    if case["name"] != "none":
        forced[np.argmax(np.array(iou(anchors, boxes)), axis=0)] = True
    compared = matched & ~forced
    expected = case["labels"][compared]
    if case["name"].startswith("two_identical"):
        # Two objects on one spot: either name is right, and both of them must appear.
        assert set(classes[matched]) == set(labels)
        assert set(expected) <= set(labels)
    else:
        np.testing.assert_array_equal(classes[compared], expected)
    np.testing.assert_allclose(codes[compared], case["localisations"][compared], atol=1e-4, rtol=1e-4)
    # Nobody else is matched, but for the best anchor of each object.
    assert np.count_nonzero(classes) <= np.count_nonzero(matched) + len(case["in_labels"])
    if not case["name"].startswith("two_identical"):
        np.testing.assert_array_equal(classes[~matched & ~forced], 0)


@pytest.mark.parametrize("case", ONE_OBJECT, indirect=True)
def test_codes_of_every_anchor_and_back(anchors, case):
    """SSD-Tensorflow codes the box for every anchor it touches at all; ours are the same, and invert."""
    touched = case["scores"] > 0
    box = np.broadcast_to(case["in_bboxes"], (len(anchors), 4))
    np.testing.assert_allclose(
        np.array(encode(box, anchors))[touched], case["localisations"][touched], atol=1e-3, rtol=1e-4
    )
    back = np.array(decode(case["localisations"], anchors))[touched]
    np.testing.assert_allclose(back, box[touched], atol=1e-5)
