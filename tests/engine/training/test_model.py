from pathlib import Path

import numpy as np
import pytest

from engine.training.model import TrainingModel
from engine.training.options import LossOptions, TrainingOptions


def parts(network, **options) -> dict[str, float]:
    """The parts of the loss of random answers about one object on each of two pictures."""
    rng = np.random.default_rng(3)
    anchors = len(network.anchors)
    answers = {
        "codes": rng.normal(size=(2, anchors, 4)).astype("f"),
        "logits": rng.normal(size=(2, anchors, 3)).astype("f"),
    }
    objects = {
        "boxes": np.array([[[0.1, 0.1, 0.5, 0.4]], [[0.3, 0.5, 0.6, 0.9]]], np.float32),
        "classes": np.array([[1], [2]], np.int32),
    }
    trainer = TrainingModel(network, network.build(3), LossOptions(**options))
    loss = trainer.compute_loss(y=objects, y_pred=answers)
    result = {name: float(value) for name, value in trainer.get_metrics_result().items()}
    assert (
        float(loss)
        == pytest.approx(result["loss"])
        == sum(result[n] for n in ("boxes", "names", "background"))
    )
    return result


def test_every_option_of_the_loss_reaches_it(tiny):
    usual = parts(tiny)
    assert parts(tiny, match_threshold=0.0) != usual
    more = parts(tiny, negative_ratio=6.0)
    assert more["background"] > usual["background"]
    assert {**more, "background": 0, "loss": 0} == {**usual, "background": 0, "loss": 0}
    assert parts(tiny, loss_alpha=2.0)["boxes"] == pytest.approx(2.0 * usual["boxes"])
    smoothed = parts(tiny, label_smoothing=0.1)
    assert smoothed["names"] != usual["names"]
    assert smoothed["background"] == pytest.approx(usual["background"])
    giou, ciou = parts(tiny, box_loss="giou"), parts(tiny, box_loss="ciou")
    assert usual["boxes"] != giou["boxes"] != ciou["boxes"]
    assert giou["names"] == pytest.approx(usual["names"])
    focal = parts(tiny, loss="focal")
    assert focal["names"] < usual["names"]
    assert focal["boxes"] == pytest.approx(usual["boxes"])
    assert parts(tiny, loss="focal", focal_gamma=0.0, focal_alpha=0.5)["names"] == pytest.approx(
        0.5 * usual["names"]
    )


def test_shares_outside_of_their_range_are_refused():
    with pytest.raises(ValueError, match=r"--label_smoothing must be at least 0 and below 1, not 1\.5"):
        TrainingOptions(dataset_dir=Path(), train_dir=Path(), label_smoothing=1.5)
