import json
import zipfile

import numpy as np
import onnx
import onnxruntime
import pytest

import export_model
from boxes.detections import Detections
from datasets.pictures import read_picture
from engine.measures import exports
from engine.measures.exports import Comparison
from nets.detector import Detector
from nets.export_formats import read_saved_model
from nets.exported import FACTS, Exported
from nets.thresholds import Thresholds
from tests.conftest import ROOT, tables

LITE = ROOT / "checkpoints" / "drawn_lite"
PICTURE = ROOT / "demo" / "episode15_000012.jpg"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The shipped detector in a format, and nothing beside it that is not its own."""
    folder, done = tmp_path_factory.mktemp("export") / "new folder", {}

    def export(kind, *flags):
        if (kind, *flags) not in done:
            name = f"動漫{len(done)}"
            path = (folder / name / name).with_suffix(export_model.SUFFIXES[kind])
            given = ["--checkpoint_path", str(LITE), "--output_path", str(path), f"--format={kind}", *flags]
            assert export_model.main(given) == 0
            beside = {path.with_suffix(".bin").name} if kind == "openvino" else set()
            assert {file.name for file in path.parent.iterdir()} == {path.name} | beside
            done[kind, *flags] = path
        return done[kind, *flags]

    return export


def opened(path):
    return Detector.of_file(Exported(path, reader=None if path.suffix else read_saved_model))


@pytest.fixture(scope="module")
def detector():
    return Detector.load(LITE)


def same(found, expected):
    assert found.names == expected.names
    np.testing.assert_allclose(found.scores, expected.scores, atol=0.02)  # OpenVINO shrinks otherwise
    np.testing.assert_allclose(found.boxes, expected.boxes, atol=0.005)


def test_the_file_is_small_and_carries_its_names(written, detector):
    path = written("onnx")
    assert path.stat().st_size < 6_000_000
    properties = onnxruntime.InferenceSession(path.read_bytes()).get_modelmeta().custom_metadata_map
    assert tuple(json.loads(properties["labels"])) == detector.labels
    assert [(one.domain, one.version) for one in onnx.load(path).opset_import] == [("", 18)]


@pytest.mark.parametrize("kind", export_model.SUFFIXES)
def test_every_format_is_a_detector_again(written, detector, kind):
    again, image = opened(written(kind)), read_picture(PICTURE)
    assert (again.labels, again.network.name) == (detector.labels, detector.network.name)
    assert dict(again.thresholds.names) == dict(detector.thresholds.names)
    same(again.detect(image), detector.detect(image))
    assert len(again.detect_batch([image, image[:90]])) == 2


@pytest.mark.parametrize("kind", ["onnx", "openvino", "saved_model"])
@pytest.mark.parametrize("stem", ["episode15_000012", "episode16_000081", "episode15_000059"])
def test_the_files_own_boxes_are_those_of_the_detector(written, detector, kind, stem):
    image = read_picture(ROOT / "demo" / f"{stem}.jpg")
    nothing = Detections(np.zeros((0, 4)), np.zeros(0), ())
    found = exports._own(opened(written(kind)), image, nothing)
    expected = detector.detect(image, score_threshold=0.3)
    assert len(expected) > 0
    same(found.above(0.3), expected)


def test_a_saved_model_says_names(written):
    said = opened(written("saved_model")).model.outputs(read_picture(PICTURE))
    assert said["names"][0].decode() in Detector.load(LITE).labels


def test_int8_is_a_third_of_float32_and_says_what_it_costs(written, capsys):
    path = written("onnx", "--int8", f"--calibration_dir={ROOT / 'demo'}")
    assert path.stat().st_size < 2_300_000
    assert "mAP before 1.000, after " in (said := capsys.readouterr().out)
    assert "labelled" in said


@pytest.mark.parametrize(("before", "after", "apart", "int8", "why"), tables(__file__, "mistakes")["refusal"])
def test_what_differs_too_much_is_refused(before, after, apart, int8, why):
    assert Comparison(before, after, apart).refusal(int8) == why


def test_a_refused_file_is_not_there(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(exports, "compare", lambda *_: Comparison(0.9, 0.5, 0.0))
    path = tmp_path / "a.onnx"
    assert export_model.main(["--checkpoint_path", str(LITE), "--output_path", str(path)]) == 1
    assert "a.onnx is not written, for it is not what the checkpoint is" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_pictures_without_anybody_prove_nothing(written, detector):
    assert exports.read_samples(ROOT / "demo", ["nobody"]).truths is None
    blank = exports.Samples([np.zeros((9, 9, 3), np.uint8)], None)
    shy = Detector(detector.model, detector.network, detector.labels, thresholds=Thresholds(1.0))
    with pytest.raises(ValueError, match="nobody is found in these pictures; give others"):
        exports.compare(shy, opened(written("onnx")), blank)


@pytest.mark.parametrize(("name", "content", "message"), tables(__file__, "mistakes")["no_export"])
def test_no_file_of_ours(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=message):
        Detector.load(tmp_path / name)


@pytest.mark.parametrize(("facts", "message"), tables(__file__, "mistakes")["facts"])
def test_facts_from_outside_are_looked_at(tmp_path, written, facts, message):
    path, whole = tmp_path / "a.tflite", written("litert").read_bytes()
    path.write_bytes(whole[: whole.rindex(b"PK\x03\x04")])
    with zipfile.ZipFile(path, "a") as behind:
        behind.writestr(FACTS, json.dumps(facts) + " " * (2**20 if message == "too large" else 0))
    with pytest.raises(ValueError, match=message):
        Detector.load(path)


def test_an_exported_file_knows_no_unknown(written):
    with pytest.raises(ValueError, match="cannot tell unknown characters"):
        Detector.load(written("onnx"), unknown=True)


@pytest.mark.parametrize(("flags", "message"), tables(__file__, "mistakes")["export"])
def test_a_mistake_is_one_line(tmp_path, monkeypatch, capsys, flags, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    assert export_model.main(flags) == 1
    assert message in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["there"]
