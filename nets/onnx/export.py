"""A detector as one ONNX file: plain pixels in, named boxes out, for the browser and for other programs.

The graph holds everything: resizing (as `preprocessing.resize` does it), normalisation, the network, decoding
and suppression. Names are in its metadata.

input    picture               uint8 [height, width, 3] RGB, any size
outputs  boxes                 float32 [N, 4] (ymin, xmin, ymax, xmax), fractions, best first
         scores                float32 [N]
         classes               int32 [N], 1...K; `labels[class - 1]` is the name
         probabilities         float32 [N, C] of the anchor behind each box, background first
         anchor_boxes          float32 [A, 4], every anchor's box, and
         anchor_probabilities  float32 [A, C]: for answers about boxes drawn by hand (nets/box_answers.py)
metadata labels                JSON list of the names, in the order of their classes
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import keras
import numpy as np
from onnx import ModelProto, TensorProto, checker, helper

from boxes.coding import SCALES
from nets.network import Network, Scores
from nets.onnx.layers import Graph, add_network
from nets.postprocess import IOU_THRESHOLD, MAX_DETECTIONS, SCORE_THRESHOLD

OPSET = 18  # the first whose Resize has `antialias`
_IR_VERSION = 9  # of that time: older runtimes can read it


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
        network: what it is.
        labels: K names.
        half: store weights as float16 (they are computed with as float32): half the size, and scores that
            differ in the third digit.
        score_threshold: score below which nothing is a detection.

    Raises:
        ValueError: the network has a layer that cannot be written.
    """
    graph = Graph()
    outputs = add_network(graph, model, _resized(graph, "picture", network.image_size))
    boxes = _decoded(graph, outputs["codes"], network.anchors)  # [1, A, 4]
    probabilities = _probabilities(graph, outputs["logits"], network.scores)  # [1, A, C]
    results = {
        **_selected(graph, boxes, probabilities, score_threshold),
        "anchor_boxes": graph.add("Squeeze", boxes, np.array([0])),
        "anchor_probabilities": graph.add("Squeeze", probabilities, np.array([0])),
    }
    shapes = {
        "boxes": ["N", 4],
        "scores": ["N"],
        "classes": ["N"],
        "probabilities": ["N", len(labels) + 1],
        "anchor_boxes": [len(network.anchors), 4],
        "anchor_probabilities": [len(network.anchors), len(labels) + 1],
    }
    for name, value in results.items():
        graph.nodes.append(helper.make_node("Identity", [value], [name]))
    tensors, casts = graph.initializers(half=half)
    written = helper.make_graph(
        casts + graph.nodes,
        network.name,
        [helper.make_tensor_value_info("picture", TensorProto.UINT8, ["height", "width", 3])],
        [
            helper.make_tensor_value_info(
                name, TensorProto.INT32 if name == "classes" else TensorProto.FLOAT, shape
            )
            for name, shape in shapes.items()
        ],
        initializer=tensors,
    )
    result = helper.make_model(
        written,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=_IR_VERSION,
        producer_name="anime-ssd",
    )
    helper.set_model_props(
        result,
        {
            "labels": json.dumps(list(labels), ensure_ascii=False),
            "network": network.name,
            "score_threshold": str(score_threshold),
            "iou_threshold": str(IOU_THRESHOLD),
        },
    )
    checker.check_model(result)
    return result


def _probabilities(graph: Graph, logits: str, scores: Scores) -> str:
    """`nets.postprocess.probabilities`."""
    if scores == "softmax":
        return graph.add("Softmax", logits, axis=-1)
    last = np.array([2], np.int64)
    far = np.array([np.iinfo(np.int64).max])
    names = graph.add("Sigmoid", graph.add("Slice", logits, np.array([1]), far, last))
    rest = graph.add("Sub", np.array(1.0, np.float32), graph.add("ReduceMax", names, last, keepdims=1))
    return graph.add("Concat", rest, names, axis=-1)


def _resized(graph: Graph, picture: str, size: int) -> str:
    """uint8 [height, width, 3] -> float32 [1, 3, S, S]: bilinear, antialiased, half-pixel centres."""
    plain = graph.add("Cast", picture, to=TensorProto.FLOAT)
    image = graph.add("Unsqueeze", graph.add("Transpose", plain, perm=[2, 0, 1]), np.array([0]))
    how = {"mode": "linear", "antialias": 1, "coordinate_transformation_mode": "half_pixel"}
    return graph.add("Resize", image, "", "", np.array([1, 3, size, size]), **how)


def _decoded(graph: Graph, codes: str, anchors: np.ndarray) -> str:
    """`boxes.coding.decode` and `boxes.geometry.clip`: [1, A, 4] -> [1, A, 4]."""
    low, high = anchors[:, :2], anchors[:, 2:]
    middle, side = (low + high) / 2, high - low  # [A, 2]: y, x
    cx, cy, w, h = graph.add("Split", codes, count=4, axis=-1, num_outputs=4)  # [1, A, 1] each
    offsets = graph.add("Concat", cy, cx, axis=-1)
    growths = graph.add("Concat", h, w, axis=-1)
    # SCALES are in the order of the codes, cx, cy, w, h.
    moved = graph.add("Mul", offsets, (side * [SCALES[1], SCALES[0]]).astype(np.float32))
    centres = graph.add("Add", moved, middle.astype(np.float32))
    scaled = graph.add("Exp", graph.add("Mul", growths, np.array([SCALES[3], SCALES[2]], np.float32)))
    halves = graph.add("Mul", scaled, (side / 2).astype(np.float32))
    corners = graph.add(
        "Concat", graph.add("Sub", centres, halves), graph.add("Add", centres, halves), axis=-1
    )
    return graph.add("Clip", corners, np.array(0.0, np.float32), np.array(1.0, np.float32))


def _selected(graph: Graph, boxes: str, probabilities: str, score_threshold: float) -> dict[str, str]:
    """What `nets.postprocess.choose_detections` keeps, without its padding."""
    last = np.array([np.iinfo(np.int64).max])
    names = graph.add("Slice", probabilities, np.array([1]), last, np.array([2]))  # [1, A, C-1]
    scores = graph.add("Transpose", names, perm=[0, 2, 1])  # [1, C-1, A]
    kept = graph.add(
        "NonMaxSuppression",
        boxes,
        scores,
        np.array([MAX_DETECTIONS]),
        np.array([IOU_THRESHOLD], np.float32),
        np.array([score_threshold], np.float32),
    )  # [M, 3]: picture, name, anchor
    found = graph.add("GatherND", scores, kept)  # [M]
    # ReduceMin over [MAX_DETECTIONS, M] is their smaller: TopK wants no more than there are.
    count = graph.add("Concat", graph.add("Shape", found), np.array([MAX_DETECTIONS]), axis=0)
    best, order = graph.add(
        "TopK", found, graph.add("ReduceMin", count, np.array([0]), keepdims=1), count=2, axis=0
    )
    chosen = graph.add("Gather", kept, order, axis=0)  # [N, 3]
    _, name, anchor = graph.add("Split", chosen, count=3, axis=1, num_outputs=3)
    flat = graph.add("Squeeze", anchor, np.array([1]))  # [N]
    classes = graph.add("Squeeze", graph.add("Add", name, np.array([1])), np.array([1]))
    return {
        "boxes": graph.add("Gather", graph.add("Squeeze", boxes, np.array([0])), flat, axis=0),
        "scores": best,
        "classes": graph.add("Cast", classes, to=TensorProto.INT32),
        "probabilities": graph.add(
            "Gather", graph.add("Squeeze", probabilities, np.array([0])), flat, axis=0
        ),
    }
