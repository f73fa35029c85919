"""Codes and matches against numbers that the original SSD-Tensorflow computed."""

import numpy as np
import pytest

from boxes.geometry import decode, encode, iou
from boxes.matching import assign_targets
from nets import get_network

# Numbers of the cases in `encode_ssd_300_vgg.npz`, by how many objects they have.
NO_OBJECT, ONE_OBJECT, TWO_OBJECTS = (0,), (1, 2, 3, 4, 5), (6, 7)


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
