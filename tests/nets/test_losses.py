import numpy as np
import pytest

from boxes.geometry import encode
from nets.losses import box_errors, cross_entropy, hardest_background, multibox_loss, smooth_l1
from tests.conftest import tables


def test_smooth_l1_by_hand():
    np.testing.assert_allclose(
        np.asarray(smooth_l1(np.array([-3.0, -0.5, 0.0, 1.0]))), [2.5, 0.125, 0.0, 0.5]
    )


def test_cross_entropy_by_hand():
    logits = np.log(np.array([[[0.7, 0.2, 0.1]]], np.float32))
    np.testing.assert_allclose(
        np.asarray(cross_entropy(logits, np.array([[1]]))), [[-np.log(0.2)]], rtol=1e-5
    )


@pytest.mark.parametrize(("losses", "classes", "at_least", "expected"), tables(__file__)["hardest"])
def test_the_hardest_background_is_kept(losses, classes, at_least, expected):
    kept = hardest_background(np.array([losses], np.float32), np.array([classes]), at_least=at_least)
    np.testing.assert_array_equal(np.asarray(kept), [expected])


def test_loss_is_divided_by_matches_and_adds_up():
    rng = np.random.default_rng(1)
    codes, logits = rng.normal(size=(2, 40, 4)).astype("f"), rng.normal(size=(2, 40, 3)).astype("f")
    classes = np.zeros((2, 40), np.int32)
    classes[0, :4], classes[1, 0] = 1, 2
    targets = np.zeros((2, 40, 4), np.float32)
    loss, parts = multibox_loss(codes, logits, (targets, classes))
    assert float(loss) == pytest.approx(sum(float(part) for part in parts.values()))
    matched = classes > 0
    expected = np.asarray(smooth_l1(codes[matched])).sum() / 5
    assert float(parts["boxes"]) == pytest.approx(expected, rel=1e-5)
    probability = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    background = -np.log(probability[..., 0])
    kept = np.sort(background[0][~matched[0]])[-12:].sum() + np.sort(background[1][~matched[1]])[-3:].sum()
    assert float(parts["background"]) == pytest.approx(kept / 5, rel=1e-4)


def test_a_batch_without_objects_has_a_finite_loss():
    loss, parts = multibox_loss(
        np.zeros((2, 30, 4), np.float32),
        np.zeros((2, 30, 3), np.float32),
        (np.zeros((2, 30, 4), np.float32), np.zeros((2, 30), np.int32)),
    )
    assert float(parts["boxes"]) == 0.0
    assert float(loss) == pytest.approx(6 * np.log(3.0), rel=1e-5)


def test_box_errors_of_the_iou_loss_by_hand():
    """Anchors on the left upper quarter; the objects: the same box, and the quarter to the right."""
    anchors = np.array([[0.0, 0.0, 0.5, 0.5]] * 2, np.float32)
    objects = np.array([[[0.0, 0.0, 0.5, 0.5], [0.0, 0.5, 0.5, 1.0]]], np.float32)
    targets = np.asarray(encode(objects, anchors))
    errors = np.asarray(box_errors(np.zeros((1, 2, 4), np.float32), targets, anchors, "giou"))
    np.testing.assert_allclose(errors, [[0.0, 1.0]], atol=1e-4)
    wild = np.full((1, 2, 4), 1e6, np.float32)
    assert np.isfinite(np.asarray(box_errors(wild, targets, anchors, "giou"))).all()
