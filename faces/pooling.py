"""Feature maps summed up as one vector, so that faces can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import keras
import numpy as np
from keras import ops

Statistic = Literal["mean", "std", "max"]
STATISTICS: tuple[str, ...] = get_args(Statistic)


class FacePooling(keras.layers.Layer):
    """Statistics of each channel in a grid of cells: [B, h, w, channels] -> [B, D], of length 1.

    Square roots come before the scaling to length 1: a few strong channels would drown the others otherwise
    (as in Perronnin et al. 2010, "Improving the Fisher Kernel", sections 3.1 and 3.2).

    Attributes:
        cells: per side.
        statistics: of each cell.
    """

    def __init__(self, cells: int, statistics: Sequence[str], **options):
        super().__init__(**options)
        self.cells = cells
        self.statistics = tuple(statistics)

    def build(self, input_shape):
        """Which rows and columns belong to which cell."""
        self.rows, self.columns = (
            cell_shares(self.cells, int(size)) for size in (input_shape[1], input_shape[2])
        )

    def call(self, inputs):
        """Sum up."""
        maps = ops.cast(inputs, "float32")
        found = []
        for statistic in self.statistics:
            if statistic == "max":
                found.append(self._highest(maps))
                continue
            mean = self._mean(maps)
            if statistic == "std":
                mean = ops.sqrt(ops.maximum(self._mean(ops.square(maps)) - ops.square(mean), 1e-12))
            found.append(mean)
        vector = ops.concatenate(
            [ops.reshape(one, (-1, int(np.prod(one.shape[1:])))) for one in found], axis=1
        )
        root = ops.sign(vector) * ops.sqrt(ops.maximum(ops.abs(vector), 1e-12))
        return root / ops.maximum(ops.sqrt(ops.sum(ops.square(root), axis=1, keepdims=True)), 1e-6)

    def _mean(self, maps):
        rows, columns = ops.convert_to_tensor(self.rows), ops.convert_to_tensor(self.columns)
        return ops.einsum("ch,bhwk,dw->bcdk", rows, maps, columns)

    def _highest(self, maps):
        return ops.stack(
            [
                ops.stack(
                    [
                        ops.max(maps[:, top:bottom, left:right], axis=(1, 2))
                        for left, right in map(_reach, self.columns)
                    ],
                    axis=1,
                )
                for top, bottom in map(_reach, self.rows)
            ],
            axis=1,
        )


def cell_shares(cells: int, size: int) -> np.ndarray:
    """What each of `size` rows counts in each of `cells` equal parts of them: float32 [cells, size]."""
    edges = np.linspace(0, size, cells + 1)
    rows = np.arange(size)
    shared = np.minimum(edges[1:, None], rows + 1) - np.maximum(edges[:-1, None], rows)
    shares = np.clip(shared, 0, None)
    return (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)


def _reach(shares: np.ndarray) -> tuple[int, int]:
    """The first and the end of the rows that count in a cell."""
    (rows,) = np.nonzero(shares)
    return int(rows[0]), int(rows[-1]) + 1
