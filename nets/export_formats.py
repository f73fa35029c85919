"""A detector in the formats of other programs: ONNX, and from it OpenVINO; LiteRT; TensorFlow's SavedModel.

All take plain RGB, uint8, and say of themselves what `nets.onnx_export.facts_of` does. ONNX, OpenVINO and
SavedModel take a picture of any size and answer with named boxes (nets.onnx_export says how). LiteRT has no
operations for that: it takes a square picture [1, S, S, 3] and answers with `ANCHORS` alone.
"""

import contextlib
import io
import json
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import keras
import numpy as np

from files.writing import write_bytes, write_text
from nets.detector import Detector
from nets.exported import ANCHORS, FACTS, KEPT, OPENVINO_FACTS, Outputs, square
from nets.onnx_export import Answers, export_onnx, facts_of, quantised, use_winograd
from nets.postprocess import IOU_THRESHOLD, MAX_DETECTIONS, answers_of_anchors
from preprocessing.resize import resize_picture
from terminal.quiet import without_remarks

_EXTRA = "assets.extra"  # where a SavedModel keeps what is others'
Format = Literal["onnx", "openvino", "litert", "saved_model"]


def write_export(
    detector: Detector,
    path: Path,
    kind: Format,
    *,
    half: bool,
    score_threshold: float,
    fit_to: Sequence[np.ndarray] = (),
    winograd: bool = False,
) -> None:
    """Write a detector in a format.

    Args:
        path: with the format's suffix; OpenVINO writes a .bin beside it.
        half: keep weights as float16 (a SavedModel keeps float32).
        score_threshold: score below which nothing is a detection.
        fit_to: pictures, uint8 [H, W, 3], to choose the ranges of int8 by; none: weights stay floats.
        winograd: `use_winograd`, in ONNX without int8.
    """
    assert isinstance(detector.model, keras.Model)
    facts = facts_of(detector.network, detector.labels, detector.thresholds, score_threshold)
    if kind == "saved_model":
        return _write_saved_model(detector.model, detector, path, facts, score_threshold)
    if kind == "litert":
        return _write_litert(detector.model, detector, path, facts, half, fit_to)
    what, thresholds = (detector.model, detector.network, detector.labels), detector.thresholds
    halved = half and kind == "onnx" and not fit_to
    written = export_onnx(*what, thresholds=thresholds, half=halved, score_threshold=score_threshold)
    if fit_to:
        written = quantised(written, fit_to)
    elif winograd:
        use_winograd(written)
    if kind == "onnx":
        return write_bytes(path, written.SerializeToString())
    import openvino

    # Not convert_model, which would tell Intel that it was called.
    model = openvino.Core().read_model(written.SerializeToString())
    for key, value in facts.items():
        model.set_rt_info(value, [OPENVINO_FACTS, key])
    openvino.save_model(model, path, compress_to_fp16=half)


def _write_litert(
    model: keras.Model, detector: Detector, path: Path, facts: dict[str, str], half: bool, fit_to: Sequence
) -> None:
    import tensorflow as tf

    network, size = detector.network, detector.network.image_size
    picture = keras.Input((size, size, 3), dtype="uint8", name="picture")
    outputs = dict(zip(ANCHORS, Answers(network)(model(picture)), strict=True))
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(picture, outputs))
    if half or fit_to:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if fit_to:
        converter.representative_dataset = lambda: ([square(one, size)[None]] for one in fit_to)
    elif half:
        converter.target_spec.supported_types = [tf.float16]
    with without_remarks(), contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of ranges that the pictures give
        write_bytes(path, converter.convert())
    with zipfile.ZipFile(path, "a") as behind:
        behind.writestr(FACTS, json.dumps(facts, ensure_ascii=False))


def _write_saved_model(
    model: keras.Model, detector: Detector, path: Path, facts: dict[str, str], least: float
) -> None:
    import tensorflow as tf

    network, names = detector.network, tf.constant(detector.labels)

    @tf.function(input_signature=[tf.TensorSpec([None, None, 3], tf.uint8, name="picture")])
    def serve(picture):
        said = model(resize_picture(picture, network.image_size)[None], training=False)
        boxes, shares = answers_of_anchors(said["codes"], said["logits"], network.anchors, network.scores)
        # the most of a name and of all, as nets.postprocess.choose_detections
        found = tf.image.combined_non_max_suppression(
            boxes[:, :, None], shares[..., 1:], *[MAX_DETECTIONS] * 2, IOU_THRESHOLD, least
        )
        kept = {key: value[0, : found[3][0]] for key, value in zip(KEPT, found[:3], strict=True)}
        kept["classes"] = tf.cast(kept["classes"], tf.int32) + 1
        every = dict(zip(ANCHORS, (boxes[0], shares[0]), strict=True))
        return {**kept, **every, "names": tf.gather(names, kept["classes"] - 1)}

    tf.saved_model.save(model, path, signatures=serve)
    (path / _EXTRA).mkdir()
    write_text(path / _EXTRA / FACTS, json.dumps(facts, ensure_ascii=False))


def read_saved_model(path: Path) -> tuple[dict[str, str], Outputs]:
    """For `Exported`: the facts and outputs of what `write_export` wrote."""
    import tensorflow as tf

    facts, module = json.loads((path / _EXTRA / FACTS).read_text(encoding="utf-8")), tf.saved_model.load(path)
    run = module.signatures["serving_default"]

    def outputs(picture: np.ndarray) -> dict[str, np.ndarray]:
        return {key: value.numpy() for key, value in run(picture=tf.constant(picture)).items()}

    return facts, outputs
