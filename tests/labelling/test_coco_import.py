import json

import numpy as np
import pytest

from datasets.labels import read_labels
from nets.checkpoint import read_checkpoint
from nets.detector import Detector
from ssd_tensorflow.checkpoints import import_checkpoint
from tests.conftest import ROOT


@pytest.mark.tensorflow_only
def test_the_coco_weights_become_a_detector_with_coco_names(shared, tmp_path):
    folder = tmp_path / "coco"
    labels = read_labels(ROOT / "checkpoints" / "coco.txt")
    weights = shared / "weights" / "ssdlite_mobilenet_v2_coco.npz"
    import_checkpoint(weights, labels, folder, model_name="ssd_300_mobilenet_v2")
    assert json.loads((folder / "config.json").read_text())["scores"] == "sigmoid"
    assert read_checkpoint(folder).network.scores == "sigmoid"
    with np.load(shared / "golden" / "ssdlite_mobilenet_v2_coco_dog.npz", allow_pickle=False) as golden:
        found = Detector.load(folder).detect(golden["input"], score_threshold=0.8)
    assert found.names == ("bicycle", "car", "dog")
    np.testing.assert_allclose(found.scores, [0.957, 0.877, 0.877], atol=1e-3)
