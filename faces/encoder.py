"""A face as a row of numbers: what a backbone sees in it, summed up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np

from faces.backbone import Backbone
from faces.pooling import STATISTICS, FacePooling
from preprocessing.resize import resize_picture

# Goes up whenever the same pictures and options give other rows: rows kept on disk then count no more.
VERSION = 1
_BATCH = 16
_WORTH_COMPILING = 96  # pixels


@dataclass(frozen=True)
class Pooling:
    """How maps are summed up.

    Attributes:
        cells: per side of each map, in which statistics are taken.
        statistics: of each channel in each cell, of `faces.pooling.STATISTICS`.
    """

    cells: int
    statistics: tuple[str, ...]

    def __post_init__(self) -> None:
        if not 1 <= self.cells <= 4:
            raise ValueError(f"--cells {self.cells}: must be in 1...4")
        wrong = [one for one in self.statistics if one not in STATISTICS]
        if wrong or not self.statistics:
            raise ValueError(
                f"--statistics {' '.join(wrong) or '(none)'}: choose from {', '.join(STATISTICS)}"
            )


def pooled(maps: Sequence[keras.KerasTensor], pooling: Pooling) -> keras.KerasTensor:
    """Maps [B, h, w, channels] as rows [B, D]; every map has the same say."""
    rows = [FacePooling(pooling.cells, pooling.statistics)(one) for one in maps]
    return rows[0] if len(rows) == 1 else keras.layers.Concatenate()(rows)


class FaceEncoder:
    """Pictures of faces -> rows.

    Attributes:
        backbone: what looks at them.
        pooling: how its maps are summed up.
        size: D, of a row.
    """

    def __init__(self, backbone: Backbone, pooling: Pooling):
        self.backbone, self.pooling = backbone, pooling
        self._model = keras.Model(backbone.model.inputs[0], pooled(backbone.model.outputs, pooling))
        # XLA speeds plain convolutions on a CPU up and slows depthwise ones down: benchmarks/networks.py. To
        # compile takes seconds, which small pictures do not give back.
        jit = backbone.plain_convolutions and backbone.spec.image_size >= _WORTH_COMPILING
        self._model.compile(jit_compile=jit)
        self.size = int(self._model.outputs[0].shape[-1])

    def way(self) -> dict[str, Any]:
        """Everything that rows depend on, as plain values."""
        spec = self.backbone.spec
        return {
            "version": VERSION,
            "backbone": spec.name,
            "image_size": spec.image_size,
            "strides": list(spec.strides),
            "weights": self.backbone.digest(),
            **asdict(self.pooling),
        }

    def encode(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Rows of pictures.

        Args:
            images: uint8 [H, W, 3] RGB each, of any size.

        Returns:
            float16 [N, D]: they are kept like that, and what was kept must be what is computed anew.
        """
        size = self.backbone.spec.image_size
        rows = np.zeros((len(images), self.size), np.float16)
        for start in range(0, len(images), _BATCH):
            some = images[start : start + _BATCH]
            # Always a whole batch, so that one compiled graph serves all; alone, a face goes by itself.
            batch = np.zeros((1 if len(images) == 1 else _BATCH, size, size, 3), np.float32)
            for number, image in enumerate(some):
                batch[number] = np.asarray(keras.ops.convert_to_numpy(resize_picture(image, size)))
            rows[start : start + len(some)] = np.asarray(self._model.predict_on_batch(batch))[: len(some)]
        return rows
