import json

import numpy as np
import onnx
import onnxruntime
import pytest

import export_model
from datasets.pictures import read_picture
from nets.detector import Detector
from tests.conftest import ROOT, tables

LITE = ROOT / "checkpoints" / "drawn_lite"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The shipped detector as a file, and what the program said."""
    path = tmp_path_factory.mktemp("export") / "new folder" / "動漫.onnx"
    assert export_model.main(["--checkpoint_path", str(LITE), "--output_path", str(path)]) == 0
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    return path


@pytest.fixture(scope="module")
def session(written):
    return onnxruntime.InferenceSession(written.read_bytes())


@pytest.fixture(scope="module")
def detector():
    return Detector.load(LITE)


def test_the_file_is_small_and_carries_its_names(written, session, detector):
    assert written.stat().st_size < 6_000_000
    properties = session.get_modelmeta().custom_metadata_map
    assert tuple(json.loads(properties["labels"])) == detector.labels
    assert [(one.domain, one.version) for one in onnx.load(written).opset_import] == [("", 18)]


@pytest.mark.parametrize("stem", ["episode15_000012", "episode16_000081", "episode15_000059"])
def test_the_file_says_what_the_detector_says(session, detector, stem):
    image = read_picture(ROOT / "demo" / f"{stem}.jpg")
    expected = detector.detect(image, score_threshold=0.3)
    boxes, scores, classes, *_ = session.run(None, {"picture": image})
    count = int((scores >= 0.3).sum())
    assert count == len(expected) > 0
    assert [detector.labels[number - 1] for number in classes[:count]] == list(expected.names)
    np.testing.assert_allclose(scores[:count], expected.scores, atol=0.01)
    np.testing.assert_allclose(boxes[:count], expected.boxes, atol=0.005)


@pytest.mark.parametrize(("flags", "message"), tables(__file__, "mistakes")["export"])
def test_a_mistake_is_one_line(tmp_path, capsys, flags, message):
    assert export_model.main([*flags, "--output_path", str(tmp_path / "a.onnx")]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "a.onnx").exists()
