"""A face as rows of numbers: views of it, and what a backbone sees in each, summed up.

A face's views are numbered: 0 is the face as it is, 1 its mirror image, the others are drawn for this face by
their number, so that more views leave the first ones, and what was computed of them, as they were. Views show
how a face could as well have been drawn, cropped and lit; colours keep their hue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

import cv2
import keras
import numpy as np
from keras import ops

from faces.backbone import Backbone
from preprocessing.resize import resize_picture

CELLS = 4  # per side: measured, docs/face_classifier.md; classifiers of before may have others
MEAN = "mean"  # of each channel in each cell; what folders and caches call it
# Goes up whenever the same pictures and options give other rows: rows kept on disk then count no more.
VERSION = 1
_BATCH = 16
_WORTH_COMPILING = 96  # pixels

# Drawn faces are known by their shapes and colours: nothing is bent, sheared or dyed, only held, framed and
# lit a little differently, about as two frames of one film differ.
_ANGLE = 10.0  # degrees, either way
_ZOOM = (0.95, 1.25)  # below 1 shows edges drawn out, above 1 crops
_SHIFT = 0.06  # of the side, either way
_CONTRAST = (0.9, 1.1)
_BRIGHTNESS = 16.0  # of 255: half of what the SSD paper changes
_MIDDLE = 128.0  # what a change of contrast leaves alone
_SEED = 0  # not that of the splits: faces that are split anew have the same views in the cache


@dataclass(frozen=True)
class View:
    """A way to look at a face."""

    flip: bool = False  # left and right swapped
    angle: float = 0.0  # turned by so many degrees
    zoom: float = 1.0  # above 1 shows less than the whole
    down: float = 0.0  # shifted by so much of the height, `right` of the width
    right: float = 0.0
    contrast: float = 1.0  # factor on the distance from middle grey
    brightness: float = 0.0  # added, in 0...255

    def key(self) -> str:
        """A text that differs between views that look different."""
        return " ".join(f"{float(value):.4f}" for value in astuple(self))


PLAIN, MIRRORED = View(), View(flip=True)


def face_view(number: int, face: str) -> View:
    """A view by its number and the face's digest: 0 as it is, 1 mirrored, others drawn, odd ones mirrored."""
    if number < 2:
        return (PLAIN, MIRRORED)[number]
    rng = np.random.default_rng([_SEED, number, int(face[:12], 16)])
    angle, down, right, brightness = rng.uniform(-1, 1, 4) * (_ANGLE, _SHIFT, _SHIFT, _BRIGHTNESS)
    zoom, contrast = rng.uniform(*_ZOOM), rng.uniform(*_CONTRAST)
    values = (round(float(value), 4) for value in (angle, zoom, down, right, contrast, brightness))
    return View(bool(number % 2), *values)


def look_at(image: np.ndarray, view: View) -> np.ndarray:
    """The view of a picture: uint8 [H, W, 3] -> uint8 [H, W, 3]."""
    if view.flip:
        image = np.ascontiguousarray(image[:, ::-1])
    height, width = image.shape[:2]
    if (view.angle, view.zoom, view.down, view.right) != (0.0, 1.0, 0.0, 0.0):
        matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), view.angle, view.zoom)
        matrix[:, 2] += view.right * width, view.down * height
        # Edges are drawn out, for a black corner would be something to learn.
        image = cv2.warpAffine(
            image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    if (view.contrast, view.brightness) != (1.0, 0.0):
        lit = (image.astype(np.float32) - _MIDDLE) * view.contrast + (_MIDDLE + view.brightness)
        image = np.clip(np.rint(lit), 0, 255).astype(np.uint8)
    return image


def pooled(maps: Any, cells: int) -> Any:
    """The mean of each channel in a grid of cells: [B, h, w, channels] -> [B, D], of length 1.

    Square roots come before the scaling to length 1: a few strong channels would drown the others otherwise
    (as in Perronnin et al. 2010, "Improving the Fisher Kernel", sections 3.1 and 3.2).
    """
    rows, columns = (cell_shares(cells, int(size)) for size in maps.shape[1:3])
    means = ops.einsum("ch,bhwk,dw->bcdk", rows, ops.cast(maps, "float32"), columns)
    vector = ops.reshape(means, (-1, int(np.prod(means.shape[1:]))))
    root = ops.sign(vector) * ops.sqrt(ops.maximum(ops.abs(vector), 1e-12))
    return root / ops.maximum(ops.sqrt(ops.sum(ops.square(root), axis=1, keepdims=True)), 1e-6)


def cell_shares(cells: int, size: int) -> np.ndarray:
    """What each of `size` rows counts in each of `cells` equal parts of them: float32 [cells, size]."""
    edges = np.linspace(0, size, cells + 1)
    rows = np.arange(size)
    shared = np.minimum(edges[1:, None], rows + 1) - np.maximum(edges[:-1, None], rows)
    shares = np.clip(shared, 0, None)
    return (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)


class FaceEncoder:
    """Pictures of faces -> rows.

    Attributes:
        backbone: what looks at them.
        cells: per side of each map.
        sizes: numbers that each map gives to a row; every map has the same say.
        size: their sum, D.
    """

    def __init__(self, backbone: Backbone, cells: int = CELLS):
        if not 1 <= cells <= 4:
            raise ValueError(f"cells {cells}: must be in 1...4")
        self.backbone, self.cells = backbone, cells
        rows = [pooled(one, cells) for one in backbone.model.outputs]
        self.sizes = [int(row.shape[-1]) for row in rows]
        self.size = sum(self.sizes)
        self._model = keras.Model(
            backbone.model.inputs[0], rows[0] if len(rows) == 1 else keras.layers.Concatenate()(rows)
        )
        # XLA speeds plain convolutions on a CPU up and slows depthwise ones down: benchmarks/networks.py. To
        # compile takes seconds, which small pictures do not give back.
        jit = backbone.plain_convolutions and backbone.spec.image_size >= _WORTH_COMPILING
        self._model.compile(jit_compile=jit)

    def way(self) -> dict[str, Any]:
        """Everything that rows depend on, as plain values."""
        spec = self.backbone.spec
        return {
            "version": VERSION,
            "backbone": spec.name,
            "image_size": spec.image_size,
            "strides": list(spec.strides),
            "weights": self.backbone.digest(),
            "cells": self.cells,
            "statistics": [MEAN],
        }

    def encode(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Rows of pictures, uint8 [H, W, 3] RGB of any size: float16 [N, D].

        They are kept like that, and what was kept must be what is computed anew.
        """
        size = self.backbone.spec.image_size
        rows = np.zeros((len(images), self.size), np.float16)
        for start in range(0, len(images), _BATCH):
            some = images[start : start + _BATCH]
            # Always a whole batch, so that one compiled graph serves all; alone, a face goes by itself.
            batch = np.zeros((1 if len(images) == 1 else _BATCH, size, size, 3), np.float32)
            for number, image in enumerate(some):
                batch[number] = np.asarray(ops.convert_to_numpy(resize_picture(image, size)))
            rows[start : start + len(some)] = np.asarray(self._model.predict_on_batch(batch))[: len(some)]
        return rows
