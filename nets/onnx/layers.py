"""A Keras network as ONNX nodes, layer by layer, with batch normalisation folded into the convolutions.

Written by hand rather than with tf2onnx, which does not follow TensorFlow's, NumPy's and protobuf's current
versions; the dozen kinds of layers that the networks consist of fit on a page, and the graph comes out
without a superfluous node. Feature maps are [B, channels, H, W] here, the layout in which ONNX Runtime
computes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

from nets.ssd_300_mobilenet_v2 import CODE_ORDER


@dataclass
class Graph:
    """Nodes and constants of an ONNX graph while it is being written.

    Attributes:
        nodes: in the order in which they run.
        constants: name -> array; of float32 ones, `half` says which are stored as float16.
        half: names of weights.
        convolutions: name of an output -> names of the kernel and bias that made it.
    """

    nodes: list[NodeProto] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    half: set[str] = field(default_factory=set)
    convolutions: dict[str, tuple[str, str]] = field(default_factory=dict)
    used: int = 0

    def add(self, kind: str, *inputs: str | np.ndarray, count: int = 1, **attributes: Any) -> Any:
        """Add a node; arrays among its inputs become constants. Its output's name, or several names."""
        names = [self.constant(value) if isinstance(value, np.ndarray) else value for value in inputs]
        outputs = [self._name(kind) for _ in range(count)]
        self.nodes.append(helper.make_node(kind, names, outputs, **attributes))
        return outputs[0] if count == 1 else outputs

    def constant(self, value: np.ndarray, *, weight: bool = False) -> str:
        """Add a constant; weights are what may be stored as float16."""
        name = self._name("constant")
        self.constants[name] = value
        if weight:
            self.half.add(name)
        return name

    def initializers(self, *, half: bool) -> tuple[list[TensorProto], list[NodeProto]]:
        """The constants, and nodes that bring those stored as float16 back to float32."""
        tensors, casts = [], []
        for name, value in self.constants.items():
            if half and name in self.half:
                tensors.append(numpy_helper.from_array(_float16(value), f"{name}.half"))
                casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
            else:
                tensors.append(numpy_helper.from_array(value, name))
        return tensors, casts

    def _name(self, kind: str) -> str:
        self.used += 1
        return f"{kind}_{self.used}"


def add_network(graph: Graph, model: keras.Model, image: str) -> dict[str, str]:
    """Add a network of `nets.get_network(...).build`.

    Args:
        graph: to add to.
        model: functional, with outputs in a dict.
        image: name of float32 [B, 3, S, S].

    Returns:
        Names of its outputs: {"codes": [B, A, 4], "logits": [B, A, C]}.

    Raises:
        ValueError: it has a layer of a kind that cannot be written.
    """
    names: dict[int, str] = {id(model.inputs[0]): image}
    for layer in model.operations:
        kind = type(layer).__name__
        if kind == "InputLayer":
            continue
        if kind not in _LAYERS:
            raise ValueError(
                f"{model.name}: layer {layer.name} is a {kind}, which cannot be written as ONNX; "
                f"nets/onnx/layers.py knows {', '.join(sorted(_LAYERS))}. Add it there."
            )
        given = layer.input if isinstance(layer.input, (list, tuple)) else [layer.input]
        names[id(layer.output)] = _LAYERS[kind](graph, layer, *(names[id(tensor)] for tensor in given))
    outputs = model.output
    return {key: names[id(tensor)] for key, tensor in outputs.items()}


def _float16(value: np.ndarray) -> np.ndarray:
    """Rounded to float16, whose largest number is 65 504: what a trained weight never reaches."""
    if np.abs(value).max(initial=0.0) > np.finfo(np.float16).max:
        raise ValueError(
            f"A weight of {np.abs(value).max():g} does not fit into float16; export with --weights=float32."
        )
    return value.astype(np.float16)


def _array(variable: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(variable), np.float32)


def _pads(layer: Any, kernel: tuple[int, int], dilation: tuple[int, int]) -> list[int]:
    """[top, left, bottom, right] zeros around a layer's input."""
    if layer.padding == "valid":
        return [0, 0, 0, 0]
    return _same_pads(layer.input.shape[1:3], kernel, layer.strides, dilation)


def _same_pads(sizes: Any, kernel: Any, strides: Any, dilation: Any) -> list[int]:
    """[top, left, bottom, right] zeros as TensorFlow's "same" has them: the odd one behind."""
    before, after = [], []
    for size, side, stride, rate in zip(sizes, kernel, strides, dilation, strict=True):
        total = max((-(-size // stride) - 1) * stride + (side - 1) * rate + 1 - size, 0)
        before.append(total // 2)
        after.append(total - total // 2)
    return before + after


def _addition(graph: Graph, layer: Any, a: str, b: str) -> str:
    return graph.add("Add", a, b)


def _convolution(graph: Graph, layer: Any, x: str) -> str:
    bias = _array(layer.bias) if layer.use_bias else None
    y = _convolve(
        graph,
        x,
        _array(layer.kernel),
        bias,
        strides=list(layer.strides),
        dilations=list(layer.dilation_rate),
        pads=_pads(layer, layer.kernel.shape[:2], tuple(layer.dilation_rate)),
        depthwise=False,
    )
    return _activate(graph, layer.activation, y)


def _normalised_convolution(graph: Graph, layer: Any, x: str) -> str:
    kernel, shift = (_array(value) for value in layer.folded())
    y = _convolve(
        graph,
        x,
        kernel,
        shift,
        strides=[layer.strides] * 2,
        group=kernel.shape[2] if layer.depthwise else 1,
        pads=_same_pads(layer.input.shape[1:3], kernel.shape[:2], (layer.strides,) * 2, (1, 1)),
        depthwise=layer.depthwise,
    )
    return _activate(graph, layer.activation, y)


def _convolve(
    graph: Graph, x: str, kernel: np.ndarray, bias: np.ndarray | None, *, depthwise: bool, **attributes: Any
) -> str:
    """A convolution of kernel [h, w, in, out], depthwise [h, w, in, multiplier]."""
    sides = kernel.shape[:2]
    if depthwise:
        kernel = kernel.transpose(2, 3, 0, 1).reshape(-1, 1, *sides)  # [in·multiplier, 1, h, w]
    else:
        kernel = kernel.transpose(3, 2, 0, 1)  # [out, in, h, w]
    bias = np.zeros(kernel.shape[0], np.float32) if bias is None else bias
    weights = graph.constant(np.ascontiguousarray(kernel), weight=True), graph.constant(bias, weight=True)
    y = graph.add("Conv", x, *weights, kernel_shape=list(sides), **attributes)
    graph.convolutions[y] = weights
    return y


def _code_order(graph: Graph, layer: Any, x: str) -> str:
    return graph.add("Gather", x, np.array(CODE_ORDER, np.int64), axis=-1)


def _batch_normalisation(graph: Graph, layer: Any, x: str) -> str:
    """Folded into the convolution before it: y = scale · x + shift."""
    mean, variance = _array(layer.moving_mean), _array(layer.moving_variance)
    scale = 1.0 / np.sqrt(variance + np.float32(layer.epsilon))
    scale = scale * _array(layer.gamma) if layer.scale else scale
    shift = (_array(layer.beta) if layer.center else 0.0) - mean * scale
    if x not in graph.convolutions:
        raise ValueError(f"Layer {layer.name}: only the normalisation of a convolution is written as ONNX.")
    kernel, bias = graph.convolutions.pop(x)
    graph.constants[kernel] = graph.constants[kernel] * scale[:, None, None, None]
    graph.constants[bias] = (graph.constants[bias] * scale + shift).astype(np.float32)
    return x


def _activate(graph: Graph, activation: Any, x: str) -> str:
    name = activation.__name__
    if name == "linear":
        return x
    if name == "relu":
        return graph.add("Relu", x)
    if name == "relu6":
        return graph.add("Clip", x, np.array(0.0, np.float32), np.array(6.0, np.float32))
    raise ValueError(f"Activation {name} cannot be written as ONNX. Add it to nets/onnx/layers.py.")


def _rescaling(graph: Graph, layer: Any, x: str) -> str:
    scale, offset = (np.asarray(value, np.float32) for value in (layer.scale, layer.offset))
    if offset.ndim:
        offset = offset.reshape(-1, 1, 1)
    return graph.add("Add", graph.add("Mul", x, scale), offset)


def _pooling(graph: Graph, layer: Any, x: str) -> str:
    sides = tuple(layer.pool_size)
    pads = _pads(layer, sides, (1, 1))
    return graph.add("MaxPool", x, kernel_shape=list(sides), strides=list(layer.strides), pads=pads)


def _padding(graph: Graph, layer: Any, x: str) -> str:
    (top, bottom), (left, right) = layer.padding
    return graph.add("Pad", x, np.array([0, 0, top, left, 0, 0, bottom, right], np.int64))


def _cropping(graph: Graph, layer: Any, x: str) -> str:
    (top, bottom), (left, right) = layer.cropping
    _, height, width, _ = layer.input.shape
    first, end = np.array([top, left], np.int64), np.array([height - bottom, width - right], np.int64)
    return graph.add("Slice", x, first, end, np.array([2, 3], np.int64))


def _upsampling(graph: Graph, layer: Any, x: str) -> str:
    if layer.interpolation != "nearest":
        raise ValueError(f"Layer {layer.name}: only nearest neighbours are written as ONNX.")
    scales = np.array([1, 1, *layer.size], np.float32)
    how: dict[str, Any] = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return graph.add("Resize", x, "", scales, mode="nearest", **how)


def _reshape(graph: Graph, layer: Any, x: str) -> str:
    """Keras counts rows, columns, channels: that order first."""
    if len(layer.input.shape) == 4:
        x = graph.add("Transpose", x, perm=[0, 2, 3, 1])
    return graph.add("Reshape", x, np.array([0, *layer.target_shape], np.int64))


def _concatenate(graph: Graph, layer: Any, *given: str) -> str:
    axis = layer.axis
    if len(layer.output.shape) == 4:
        axis = {0: 0, 1: 2, 2: 3, 3: 1}[axis % 4]
    return graph.add("Concat", *given, axis=axis)


def _l2_normalisation(graph: Graph, layer: Any, x: str) -> str:
    axes = np.array([1], np.int64)
    squares = graph.add("ReduceSumSquare", x, axes, keepdims=1)
    length = graph.add("Sqrt", graph.add("Max", squares, np.array(1e-12, np.float32)))
    return graph.add("Mul", graph.add("Div", x, length), _array(layer.gamma)[:, None, None])


_LAYERS: dict[str, Callable[..., str]] = {
    "Activation": lambda graph, layer, x: _activate(graph, layer.activation, x),
    "Add": _addition,
    "BatchNormalization": _batch_normalisation,
    "CodeOrder": _code_order,
    "Concatenate": _concatenate,
    "Conv2D": _convolution,
    "Cropping2D": _cropping,
    "L2Normalization": _l2_normalisation,
    "MaxPooling2D": _pooling,
    "NormalisedConvolution": _normalised_convolution,
    "Rescaling": _rescaling,
    "Reshape": _reshape,
    "UpSampling2D": _upsampling,
    "ZeroPadding2D": _padding,
}
