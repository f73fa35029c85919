"""A detector as one ONNX file: plain pixels in, named boxes out, for the browser and for other programs.

Keras writes the network with decoding; before it comes resizing (as `preprocessing.resize` does it), behind
it suppression, both in ONNX's own text. Names are in the metadata.

input    picture               uint8 [height, width, 3] RGB, any size
outputs  boxes                 float32 [N, 4] (ymin, xmin, ymax, xmax), fractions, best first
         scores                float32 [N]
         classes               int32 [N], 1...K; `labels[class - 1]` is the name
         probabilities         float32 [N, C] of the anchor behind each box, background first
         anchor_boxes          float32 [A, 4], every anchor's box, and
         anchor_probabilities  float32 [A, C]: for answers about boxes drawn by hand (nets.detector.Look)
metadata labels                JSON list of the names, in the order of their classes
"""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import onnx
from onnx import ModelProto, TensorProto, checker, compose, helper, numpy_helper, parser

from nets.network import Network
from nets.postprocess import IOU_THRESHOLD, MAX_DETECTIONS, SCORE_THRESHOLD, answers_of_anchors

# The first operations whose Resize has `antialias`, and the file format of that time: older runtimes read it.
_OPSET, _IR_VERSION = 18, 9
_FORMAT = f'<ir_version: {_IR_VERSION}, opset_import: ["" : {_OPSET}]>'
# Bilinear, antialiased, half-pixel centres.
_RESIZING = """
resizing (uint8[height, width, 3] picture) => (float[1, {size}, {size}, 3] image) {{
    plain = Cast <to = 1> (picture)
    channels = Transpose <perm = [2, 0, 1]> (plain)
    batch = Constant <value_ints = [0]> ()
    whole = Unsqueeze (channels, batch)
    sizes = Constant <value_ints = [1, 3, {size}, {size}]> ()
    resized = Resize <mode = "linear", antialias = 1, coordinate_transformation_mode = "half_pixel"> (
        whole, , , sizes
    )
    image = Transpose <perm = [0, 2, 3, 1]> (resized)
}}"""
# What `nets.postprocess.choose_detections` keeps, without its padding.
_SUPPRESSION = """
suppression (float[1, {anchors}, 4] every_box, float[1, {anchors}, {classes}] every_share) => (
    float[N, 4] boxes, float[N] scores, int32[N] classes, float[N, {classes}] probabilities,
    float[{anchors}, 4] anchor_boxes, float[{anchors}, {classes}] anchor_probabilities
) {{
    zero = Constant <value_ints = [0]> ()
    one = Constant <value_ints = [1]> ()
    two = Constant <value_ints = [2]> ()
    end = Constant <value_ints = [9223372036854775807]> ()
    most = Constant <value_ints = [{most}]> ()
    overlap = Constant <value_floats = [{overlap}]> ()
    least = Constant <value_floats = [{least}]> ()
    of_names = Slice (every_share, one, end, two)
    by_name = Transpose <perm = [0, 2, 1]> (of_names)
    kept = NonMaxSuppression (every_box, by_name, most, overlap, least)
    found = GatherND (by_name, kept)
    there = Shape (found)
    counts = Concat <axis = 0> (there, most)
    count = ReduceMin <keepdims = 1> (counts, zero)
    scores, order = TopK <axis = 0> (found, count)
    chosen = Gather <axis = 0> (kept, order)
    batch_index, name_column, anchor_column = Split <axis = 1, num_outputs = 3> (chosen)
    name = Squeeze (name_column, one)
    class = Add (name, one)
    classes = Cast <to = 6> (class)
    anchor = Squeeze (anchor_column, one)
    anchor_boxes = Squeeze (every_box, zero)
    anchor_probabilities = Squeeze (every_share, zero)
    boxes = Gather <axis = 0> (anchor_boxes, anchor)
    probabilities = Gather <axis = 0> (anchor_probabilities, anchor)
}}"""


def export_onnx(
    model: keras.Model,
    network: Network,
    labels: Sequence[str],
    *,
    half: bool = True,
    score_threshold: float = SCORE_THRESHOLD,
) -> ModelProto:
    """Write a detector as ONNX.

    Args:
        model: from `network.build`, with its weights.
        labels: K names.
        half: store kernels as float16 (they are computed with as float32): half the size, and scores that
            differ in the third digit.
        score_threshold: score below which nothing is a detection.

    Raises:
        ValueError: a weight that float16 cannot hold, or another backend than TensorFlow.
    """
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            f"KERAS_BACKEND={keras.backend.backend()}: ONNX is written on the TensorFlow backend only"
        )
    size = network.image_size
    body = _network(keras.Model(model.input, _Answers(network)(model.output)), size)
    if half:
        _store_as_float16(body)
    values = {"anchors": len(network.anchors), "classes": len(labels) + 1, "most": MAX_DETECTIONS}
    tail = _SUPPRESSION.format(**values, overlap=IOU_THRESHOLD, least=float(score_threshold))
    head = parser.parse_model(_FORMAT + _RESIZING.format(size=size))
    boxes, shares = (output.name for output in body.graph.output)
    result = compose.merge_models(head, body, io_map=[("image", body.graph.input[0].name)])
    result = compose.merge_models(
        result, parser.parse_model(_FORMAT + tail), io_map=[(boxes, "every_box"), (shares, "every_share")]
    )
    result.graph.name = network.name
    result.producer_name = "anime-ssd"
    said = {
        "labels": json.dumps(list(labels), ensure_ascii=False),
        "network": network.name,
        "score_threshold": str(score_threshold),
        "iou_threshold": str(IOU_THRESHOLD),
    }
    helper.set_model_props(result, said)
    checker.check_model(result)
    return result


class _Answers(keras.layers.Layer):
    """What a network answers -> each anchor's box [1, A, 4] and probabilities [1, A, C]."""

    def __init__(self, network: Network):
        super().__init__(dtype="float32")
        self.network = network

    def call(self, outputs):
        return answers_of_anchors(
            outputs["codes"], outputs["logits"], self.network.anchors, self.network.scores
        )


def _network(model: keras.Model, size: int) -> ModelProto:
    """A Keras model as Keras itself exports it, in the format of the rest."""
    image = keras.InputSpec("float32", (1, size, size, 3), name="image")
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning)  # Keras asks NumPy for what is gone
        path = Path(folder, "network.onnx")
        model.export(path, format="onnx", input_signature=[image], opset_version=_OPSET, verbose=False)
        written = onnx.load(path)
    written.ir_version = _IR_VERSION
    return written


def _store_as_float16(model: ModelProto) -> None:
    """Halve the kernels, which is nearly all of a network; biases, scales and anchors stay as they are."""
    kernels = {node.input[1] for node in model.graph.node if node.op_type in ("Conv", "MatMul")}
    casts = []
    for tensor in model.graph.initializer:
        if tensor.name not in kernels:
            continue
        name, value = tensor.name, numpy_helper.to_array(tensor)
        largest = np.abs(value).max(initial=0.0)
        if largest > np.finfo(np.float16).max:  # 65 504, which no trained weight reaches
            raise ValueError(
                f"A weight of {largest:g} does not fit into float16; export with --weights=float32."
            )
        tensor.CopyFrom(numpy_helper.from_array(value.astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
