"""Names from a few examples: how like a head is to the heads that have names, without any training.

`likeness.npz`, beside the weights of a finder of heads, holds VGG-16's first eight convolutions and a linear
map of what they and the colours say about a head. The last convolution and the map were trained on thousands
of drawn people (`benchmarks.anybody.likeness`), so that pictures of one person come close together and of two
apart; nobody real was needed.

    conv1_1/kernel, conv1_1/bias, ...   float16 [3, 3, in, out], [out]
    projection    float16 [D, E]
    mean          float16 [D]
    strangers     float16 [S, E]    vectors of drawn people, who are nobody's examples

`names.npz`, all that a folder of names holds, is what `tools.name_from_examples` makes of a person's boxes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import keras
import numpy as np
from keras import layers, ops

from boxes.pixels import crop_around
from datasets.labels import clean_name
from files.arrays import read_arrays, write_arrays
from nets.ssd_vgg import RGB_MEAN
from preprocessing.resize import resize_picture

LIKENESS, NAMES = "likeness.npz", "names.npz"
# Of a head in pixels; of its map, per side. With 96 pixels, 2.25 times the work, one example is worth 0.72
# instead of 0.70 of faces10 before the last convolution was trained, five 0.89 instead of 0.88.
SIDE, CELLS = 64, 4
CONVOLUTIONS = ("conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2", "conv3_3", "conv4_1")
MARGIN = 0.15  # around a head's box, in its longer side; the map was made of pictures 0.8 to 1.7 heads wide
SHARPNESS = 16.0  # of the softmax of cosines: of 6 to 24 about the least log loss on faces10
_BATCH = 4  # heads: few pictures show more
_PARTS, _HUES, _GREYS = 3, 12, 4  # of the colours: parts per side


class Likeness:
    """Heads as vectors of length 1, whose products say how like two heads are.

    Attributes:
        strangers: float32 [S, E], vectors of drawn people.
        digest: of the map: vectors of another one cannot be compared with its vectors.
    """

    def __init__(self, arrays: dict[str, np.ndarray]):
        """Of what likeness.npz holds."""
        self._projection, self._mean = (np.asarray(arrays[key], np.float32) for key in ("projection", "mean"))
        self.strangers = np.asarray(arrays["strangers"], np.float32)
        given, seen = convolutions(arrays, CONVOLUTIONS, SIDE)
        self._model = keras.Model(given, cell_roots(seen))
        self.digest = hashlib.blake2b(self._projection.tobytes(), digest_size=8).hexdigest()

    @classmethod
    def load(cls, folder: Path) -> Likeness:
        """Of a folder with likeness.npz; ValueError: it has none, or a damaged one."""
        if not (folder / LIKENESS).is_file():
            raise ValueError(f"{folder} has no {LIKENESS}: only checkpoints/anime_heads can tell who is who")
        try:
            return cls(read_arrays(folder / LIKENESS))
        except KeyError as error:
            raise ValueError(f"{folder / LIKENESS} lacks {error}; take a copy that is whole") from None

    def vectors(self, heads: Sequence[np.ndarray]) -> np.ndarray:
        """Of pictures with one head each, uint8 [H, W, 3] RGB: float32 [N, E]."""
        rows = [np.zeros((0, len(self._mean)))]
        for first in range(0, len(heads), _BATCH):
            some = [np.asarray(resize_picture(head, SIDE)) for head in heads[first : first + _BATCH]]
            batch = np.zeros((_BATCH, SIDE, SIDE, 3), np.float32)  # always whole: one graph serves all
            batch[: len(some)] = some
            roots = ops.convert_to_numpy(self._model.predict_on_batch(batch))[: len(some)]
            colours = np.stack([cell_colours(one.astype(np.uint8)) for one in some])
            rows.append(np.concatenate([roots, colours], 1))
        return self.project(np.concatenate(rows).astype(np.float32))

    def project(self, rows: np.ndarray) -> np.ndarray:
        """What the map and the colours say of heads, [N, D], as vectors: float32 [N, E]."""
        vectors = (rows - self._mean) @ self._projection
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def head_of(image: np.ndarray, box: np.ndarray) -> np.ndarray:
    """What is looked at of a head: a picture, uint8 [H, W, 3], and its box, [4] corners as fractions."""
    return crop_around(image, box, MARGIN)[0]


def convolutions(arrays: Mapping[str, np.ndarray], names: Sequence[str], side: int):
    """Some of VGG-16's layers: input [B, side, side, C], RGB 0...255 or the first one's map, and last map."""
    channels = arrays[f"{names[0]}/kernel"].shape[2]
    x = given = keras.Input((side, side, channels))
    if channels == len(RGB_MEAN):
        x = layers.Rescaling(1.0, [-mean for mean in RGB_MEAN])(x)  # pyright: ignore[reportArgumentType]
    for name in names:
        if name.endswith("_1") and name != names[0]:
            x = layers.MaxPooling2D(2)(x)
        kernel, bias = (np.asarray(arrays[f"{name}/{part}"], np.float32) for part in ("kernel", "bias"))
        layer = layers.Conv2D(len(bias), 3, padding="same", activation="relu", name=name)
        x = layer(x)
        layer.set_weights([kernel, bias])
    return given, x


def cell_roots(maps):
    """Of maps [N, S, S, C] the means of CELLS x CELLS parts as roots: [N, CELLS * CELLS * C], of length 1.

    Square roots, or a few strong channels would drown the others (Perronnin et al. 2010).
    """
    size, channels = maps.shape[1] // CELLS, maps.shape[3]
    parts = ops.mean(ops.reshape(maps, (-1, CELLS, size, CELLS, size, channels)), axis=(2, 4))
    roots = ops.sqrt(ops.maximum(ops.reshape(parts, (-1, CELLS * CELLS * channels)), 0.0) + 1e-8)
    return roots / ops.sqrt(ops.sum(roots * roots, axis=1, keepdims=True))


def cell_colours(image: np.ndarray) -> np.ndarray:
    """Of nine cells of a picture, the share of each hue and, for what has little colour, of each brightness.

    uint8 [H, W, 3] RGB -> float64 [144], square roots, of length 1.
    """
    hsv, cells = cv2.cvtColor(image, cv2.COLOR_RGB2HSV_FULL), []
    for cell in (part for rows in np.array_split(hsv, _PARTS) for part in np.array_split(rows, _PARTS, 1)):
        hue, saturation, value = cell.reshape(-1, 3).astype(np.float64).T / 256
        vivid = saturation * value
        place = hue * _HUES
        lower, share = place.astype(int), place % 1
        hues = np.bincount(lower, vivid * (1 - share), _HUES)
        hues += np.bincount((lower + 1) % _HUES, vivid * share, _HUES)
        both = np.concatenate([hues, np.bincount((value * _GREYS).astype(int), 1 - vivid, _GREYS)])
        cells.append(np.sqrt(both / both.sum()))
    return np.concatenate(cells) / _PARTS


@dataclass(frozen=True, eq=False)
class Names:
    """Examples of each name."""

    names: tuple[str, ...]  # K
    vectors: np.ndarray  # float32 [N, E]
    owners: np.ndarray  # int [N], the name of each
    limit: float  # cosine below which nobody is like enough
    digest: str  # of the likeness that made the vectors

    def cosines(self, vectors: np.ndarray) -> np.ndarray:
        """How like heads [M, E] are to each name: float32 [M, K], -1 to 1."""
        means = np.stack([self.vectors[self.owners == number].mean(0) for number in range(len(self.names))])
        return vectors @ (means / np.linalg.norm(means, axis=1, keepdims=True)).T

    def probabilities(self, vectors: np.ndarray) -> np.ndarray:
        """Of heads [M, E], who they are: float32 [M, 1 + K], nobody of the names first."""
        cosines = np.pad(self.cosines(vectors), ((0, 0), (1, 0)), constant_values=self.limit)
        return np.asarray(ops.convert_to_numpy(ops.softmax(SHARPNESS * cosines, axis=1)), np.float32)


def write_names(folder: Path, names: Names) -> None:
    """Writes names.npz into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    said = {"names": np.array(names.names), "likeness": np.array(names.digest)}
    numbers = {"vectors": names.vectors, "owners": names.owners, "limit": np.float32(names.limit)}
    write_arrays(folder / NAMES, {**said, **numbers})


def read_names(folder: Path) -> Names:
    """What `tools.name_from_examples` wrote; ValueError: damaged."""
    arrays = read_arrays(folder / NAMES)
    try:
        names = tuple(clean_name(str(name)) for name in arrays["names"])
        vectors, owners = arrays["vectors"].astype(np.float32), arrays["owners"].astype(int)
        limit, digest = float(arrays["limit"]), str(arrays["likeness"])
        whole = vectors.ndim == 2 and owners.shape == vectors.shape[:1] and all(names)
        if not whole or len({*names}) < len(names) or set(owners.tolist()) != {*range(len(names))}:
            raise ValueError("its arrays do not fit together")
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{folder / NAMES} does not hold names ({error}); make it anew with tools.name_from_examples"
        ) from None
    return Names(names, vectors, owners, limit, digest)
