"""A detector as one ONNX file: plain pixels in, named boxes out, for the browser and for other programs.

Keras writes the network with decoding; before it comes resizing (as `preprocessing.resize` does it), behind
it suppression, both in ONNX's own text (*.onnxtxt). Names are in the metadata.

input    picture               uint8 [height, width, 3] RGB, any size
outputs  boxes                 float32 [N, 4] (ymin, xmin, ymax, xmax), fractions, best first
         scores                float32 [N]
         classes               int32 [N], 1...K; `labels[class - 1]` is the name
         probabilities         float32 [N, C] of the anchor behind each box, background first
         anchor_boxes          float32 [A, 4], every anchor's box, and
         anchor_probabilities  float32 [A, C]: for answers about boxes drawn by hand (nets.detector.Look)
metadata labels                JSON list of the names, in the order of their classes
"""

import json
import tempfile
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from string import Template

import keras
import numpy as np
import onnx
from onnx import ModelProto, TensorProto, checker, compose, helper, numpy_helper, parser, shape_inference

from nets.network import Network
from nets.postprocess import IOU_THRESHOLD, MAX_DETECTIONS, SCORE_THRESHOLD, answers_of_anchors
from nets.thresholds import Thresholds
from terminal.quiet import without_remarks

# The first operations whose Resize has `antialias`, and the file format of that time: older runtimes read it.
_OPSET, _IR_VERSION = 18, 9
_KERNELS = "Conv", "Gemm", "MatMul"  # operations with a kernel; 1 x 1 convolutions become Gemm
# First convolutions, which `quantised` leaves: with 3 the mAP said there was 0.892, 4 0.899; and those of a
# network without depthwise ones: with 6, 1, 0 ssd_300_vgg takes OpenVINO 88, 53, 52 ms (mAP: docs/web.md).
_IN_FLOATS, _IN_FLOATS_OF_PLAIN = 6, 1
# Inputs and outputs from which on `use_winograd` gains: with 128 and 128 it loses a tenth.
_WIDE, _DOMAIN = (128, 256), "anime_ssd"
_FORMAT = f'<ir_version: {_IR_VERSION}, opset_import: ["" : {_OPSET}]>'


def export_onnx(
    model: keras.Model,
    network: Network,
    labels: Sequence[str],
    *,
    thresholds: Thresholds | None = None,
    half: bool = True,
    score_threshold: float = SCORE_THRESHOLD,
) -> ModelProto:
    """Write a detector as ONNX; ValueError for a weight too large for float16, or a backend not TensorFlow.

    Args:
        model: from `network.build`, with its weights.
        labels: K names.
        thresholds: from which score on each name is reported, for whoever reads the file.
        half: store kernels as float16 (they are computed with as float32): half the size, and scores that
            differ in the third digit.
        score_threshold: score below which nothing is a detection.
    """
    if (backend := keras.backend.backend()) != "tensorflow":
        raise ValueError(f"KERAS_BACKEND={backend}: ONNX is written on the TensorFlow backend only")
    size = network.image_size
    body = _network(keras.Model(model.input, Answers(network)(model.output)), size)
    if half:
        _store_as_float16(body)
    values = {"anchors": len(network.anchors), "classes": len(labels) + 1, "most": MAX_DETECTIONS}
    tail = _text("suppression", **values, overlap=IOU_THRESHOLD, least=float(score_threshold))
    head, tail = (parser.parse_model(_FORMAT + text) for text in (_text("resizing", size=size), tail))
    boxes, shares = (output.name for output in body.graph.output)
    result = compose.merge_models(head, body, io_map=[("image", body.graph.input[0].name)])
    result = compose.merge_models(result, tail, io_map=[(boxes, "every_box"), (shares, "every_share")])
    result.graph.name = network.name
    result.producer_name = "anime-ssd"
    del result.opset_import[:]  # each part has brought its own: some readers refuse one that is there thrice
    result.opset_import.append(helper.make_opsetid("", _OPSET))
    facts = facts_of(network, labels, thresholds or Thresholds(), score_threshold)
    helper.set_model_props(result, facts)
    checker.check_model(result)
    return result


class Answers(keras.layers.Layer):
    """What a network answers -> each anchor's box [1, A, 4] and probabilities [1, A, C]."""

    def __init__(self, network: Network):
        super().__init__(dtype="float32")
        self.network = network

    def call(self, outputs):
        codes, logits = outputs["codes"], outputs["logits"]
        return answers_of_anchors(codes, logits, self.network.anchors, self.network.scores)


def _text(name: str, **values: float | str) -> str:
    """The operations of a file beside the code; `values` stand for $NAME in it."""
    text = Template(Path(__file__).with_name(f"{name}.onnxtxt").read_text(encoding="utf-8"))
    return text.substitute(values)


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
    kernels = {node.input[1] for node in model.graph.node if node.op_type in _KERNELS}
    casts = []
    for tensor in model.graph.initializer:
        if tensor.name not in kernels:
            continue
        name, value = tensor.name, numpy_helper.to_array(tensor)
        largest = np.abs(value).max(initial=0.0)
        if largest > np.finfo(np.float16).max:  # 65 504, which no trained weight reaches
            cure = "export with --weights=float32"
            raise ValueError(f"A weight of {largest:g} does not fit into float16; {cure}.")
        tensor.CopyFrom(numpy_helper.from_array(value.astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def use_winograd(model: ModelProto) -> None:
    """Let the wide 3 x 3 convolutions of a model of `export_onnx` compute as winograd.onnxtxt says.

    With AVX-512 ssd_300_vgg takes ONNX Runtime 105 ms a picture, not 126; OpenVINO cannot read it. A trained
    one answers alike to the sixth digit. ValueError for a network that gains nothing.
    """
    seen = shape_inference.infer_shapes(model).graph
    shapes = {one.name: [n.dim_value for n in one.type.tensor_type.shape.dim] for one in seen.value_info}
    shapes |= {one.name: [*one.dims] for one in seen.initializer}
    for node in model.graph.node:
        given = {one.name: helper.get_attribute_value(one) for one in node.attribute}
        rate = given.get("dilations", [0])[0]
        wanted = {"kernel_shape": [3, 3], "strides": [1, 1], "pads": [rate] * 4, "group": 1}
        if any(given.get(key) != value for key, value in wanted.items()):
            continue
        (outputs, inputs), side = shapes[node.input[1]][:2], shapes[node.input[0]][-1]
        step, tiles = (4, -(-side // 4)) if rate == 1 else (1, rate)  # dilated: a tile for each phase
        over = (tiles - 1) * step + 3 * rate + 1 - side  # pixels that the last tile has too many
        if inputs >= _WIDE[0] and outputs >= _WIDE[1] and over >= 0:
            node.op_type, node.domain = f"Winograd{len(model.functions)}", _DOMAIN
            given = {"inputs": inputs, "outputs": outputs, "rate": rate, "step": step, "tiles": tiles}
            given |= {"over": over, "after": over + rate, "function": node.op_type, "domain": _DOMAIN}
            model.functions.append(parser.parse_function(_text("winograd", opset=_OPSET, **given)))
            del node.attribute[:]
    if not model.functions:
        raise ValueError(f"--winograd: {model.graph.name} has no convolution that gains by it")
    model.opset_import.append(helper.make_opsetid(_DOMAIN, 1))
    checker.check_model(model)


def facts_of(
    network: Network, labels: Sequence[str], thresholds: Thresholds, score_threshold: float
) -> dict[str, str]:
    """What a file says of itself, beside its network; `nets.exported.Exported` reads it."""
    return {
        "labels": json.dumps(list(labels), ensure_ascii=False),
        "network": network.name,
        "thresholds": json.dumps(asdict(thresholds), ensure_ascii=False),
        "score_threshold": str(score_threshold),
        "iou_threshold": str(IOU_THRESHOLD),
    }


def quantised(model: ModelProto, pictures: Iterable[np.ndarray]) -> ModelProto:
    """A model of `export_onnx`, not halved, whose convolutions compute with 8 bits.

    The ranges are those that the pictures, uint8 [H, W, 3], need. Weights have 7 bits (`reduce_range`), for
    with 8 sums may overflow on CPUs without VNNI (docs/web.md says what each choice costs).
    """
    from onnxruntime.quantization import CalibrationDataReader, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Pictures(CalibrationDataReader):
        shown = iter(pictures)

        def get_next(self) -> dict[str, np.ndarray] | None:
            picture = next(self.shown, None)
            return None if picture is None else {"picture": picture}

    with tempfile.TemporaryDirectory() as folder, without_remarks():
        plain, given, result = (Path(folder, f"{name}.onnx") for name in ("plain", "given", "result"))
        plain.write_bytes(model.SerializeToString())
        quant_pre_process(plain, given, skip_symbolic_shape=True)
        nodes = [node for node in onnx.load(given).graph.node if node.op_type in _KERNELS]
        depthwise = any(one.name == "group" and one.i > 1 for node in nodes for one in node.attribute)
        left = nodes[: _IN_FLOATS if depthwise else _IN_FLOATS_OF_PLAIN]
        quantize_static(
            given,
            result,
            Pictures(),
            op_types_to_quantize=list(_KERNELS),
            nodes_to_exclude=[node.name for node in left],
            per_channel=True,
            reduce_range=True,
        )
        return onnx.load(result)
