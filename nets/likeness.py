"""Names from a few examples: how like a head is to the heads that have names, without any training.

`likeness.npz`, beside the weights of a finder of heads, holds VGG-16's first eight convolutions and a linear
map of what they and the colours say about a head. The last convolution and the map were trained to tell
thousands of drawn people apart (`benchmarks.anybody.likeness`), and two small layers to tell drawn heads from
what a finder takes for some (`benchmarks.anybody.second_look`).

    conv1_1/kernel, conv1_1/bias, ...   float16 [3, 3, in, out], [out]
    projection    float16 [D, E]
    mean          float16 [D]
    strangers     float16 [S, E]    vectors of drawn people
    head/hidden, head/out    float16 [D, H], [H]    whether it is a head at all
    cut/hidden, cut/out      the same of one that the picture's border cuts off

A head's vector has two parts of length 1: NUMBERS by that map, whose products say how like two heads are, and
how strong each channel of the last convolution is in the whole head. Both vote on names.

`names.npz` is what `tools.name_from_examples` makes of a person's boxes.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import keras
import numpy as np
from keras import layers, ops
from scipy import special

from boxes.detections import Detections
from boxes.geometry import area, clip, crop_around, decode, intersection
from datasets.labels import clean_name
from files.reading import read_arrays
from nets.ssd_vgg import RGB_MEAN
from preprocessing.resize import resize_picture

LIKENESS, NAMES = "likeness.npz", "names.npz"
ANEW = "make it anew with tools.name_from_examples"
SIDE, CELLS = 64, 4  # of a head in pixels; of its map, per side
NUMBERS = 128  # of the first part of a vector
CONVOLUTIONS = ("conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2", "conv3_3", "conv4_1")
MARGIN = 0.15  # around a head's box, in its longer side; the map was made of pictures 0.8 to 1.7 heads wide
# Of the softmax of votes and of their regression: of 6 to 16, and 0.5 to 4, about the least log loss, faces10
SHARPNESS, _RIDGE = 16.0, 1.0
_BATCH = 4  # looks: few pictures show more than two heads
_INNER = 0.07  # of a head, off each side of the second look: 0.12 is alike on faces10, 0.18 worse
_ALIKE = 50  # drawn strangers who are most like a head say how like anybody is; not varied
_PARTS, _HUES, _GREYS = 3, 12, 4  # of the colours: parts per side

# Score of a head that counts as the one in a box, and its share in it; 0.1 to 0.3, and 0.6 to 0.8, are alike.
_SURE, _INSIDE = 0.2, 0.8
_TRUST = 0.5  # in the second look at what a finder found; recall in 200 real frames was alike with 0.75
CUT = 0.01  # of a picture, or a part of it: what comes so near its border is cut off by it; not varied
_UPPER = 0.65  # of a box, in which the middle of its head lies: of a figure at least; not varied


class Likeness:
    """Heads as vectors."""

    def __init__(self, arrays: dict[str, np.ndarray], side: int = SIDE):
        """Of what likeness.npz holds; pictures are looked at with so many pixels, a multiple of 32."""
        self._projection, self._mean = (np.asarray(arrays[key], np.float32) for key in ("projection", "mean"))
        self.strangers = np.asarray(arrays["strangers"], np.float32)  # [S, NUMBERS], of drawn people
        self._heads, self._cut = (
            [np.asarray(arrays[f"{kind}/{part}"], np.float32) for part in ("hidden", "out")]
            for kind in ("head", "cut")
        )
        given, seen = convolutions(arrays, CONVOLUTIONS, side)
        self._model = keras.Model(given, cell_roots(seen))
        self._channels = _channels(self._mean[None])[0]
        self.width = NUMBERS + len(self._channels)  # E, of a vector
        # Of the map: what another one made cannot be compared with what it makes.
        self.rows_digest = hashlib.blake2b(self._projection.tobytes() + b"2 looks", digest_size=8).hexdigest()
        self.digest = f"{self.rows_digest}, channels"

    @classmethod
    def load(cls, folder: Path, side: int = SIDE) -> "Likeness":
        """Of a folder with likeness.npz; ValueError: it has none, or a damaged one."""
        try:
            return cls(read_arrays(folder / LIKENESS), side)
        except FileNotFoundError:
            raise ValueError(f"{folder} has no {LIKENESS}; only checkpoints/anime_heads has one") from None
        except KeyError as error:
            raise ValueError(f"{folder / LIKENESS} lacks {error}; take a copy that is whole") from None

    def vectors(self, heads: Sequence[np.ndarray]) -> np.ndarray:
        """Of pictures with one head each, uint8 [H, W, 3] RGB, looked at twice: float32 [N, E]."""
        return self.look(heads)[0]

    def look(self, heads: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """`vectors` of heads, and `rows` of the first look at each."""
        rows = self.rows([look for head in heads for look in (head, _mirrored_inside(head))])
        vectors = self.project(rows)
        return parts_of_length_1(vectors[::2] + vectors[1::2]), rows[::2]

    def surer(self, found: Detections, rows: np.ndarray) -> np.ndarray:
        """Scores [N] after a second look, `rows` [N, D]: odds by odds; cut heads by layers of their own."""
        cut = np.minimum(found.boxes[:, :2], 1 - found.boxes[:, 2:]).min(1, initial=1) < CUT
        said = [np.maximum((rows - self._mean) @ hidden, 0) @ out for hidden, out in (self._cut, self._heads)]
        return found.scores / (found.scores + (1 - found.scores) * np.exp(-_TRUST * np.where(cut, *said)))

    def rows(self, pictures: Sequence[np.ndarray], batch_size: int = _BATCH) -> np.ndarray:
        """What the layers and the colours say of pictures, uint8 [H, W, 3] RGB: float32 [N, D]."""
        rows, side = [np.zeros((0, len(self._mean)), np.float32)], self._model.inputs[0].shape[1]
        for first in range(0, len(pictures), batch_size):
            some = [np.asarray(resize_picture(one, side)) for one in pictures[first : first + batch_size]]
            batch = np.zeros((batch_size, side, side, 3), np.float32)  # always whole: one graph serves all
            batch[: len(some)] = some
            roots = ops.convert_to_numpy(self._model.predict_on_batch(batch))[: len(some)]
            colours = np.stack([cell_colours(one.astype(np.uint8)) for one in some])
            rows.append(np.concatenate([roots, colours.astype(np.float32)], 1))
        return np.concatenate(rows)

    def project(self, rows: np.ndarray) -> np.ndarray:
        """What `rows` says, [N, D], as vectors: float32 [N, E]."""
        learnt = (rows - self._mean) @ self._projection
        return parts_of_length_1(np.hstack([learnt, _channels(rows) - self._channels]))

    def of_anybody(self, vectors: np.ndarray) -> np.ndarray:
        """How like heads [M, E] are to those of many drawn strangers who are most like them: [M], -1 to 1."""
        return np.sort(vectors[:, :NUMBERS] @ self.strangers.T, axis=1)[:, -_ALIKE:].mean(1)


def head_of(image: np.ndarray, box: np.ndarray) -> np.ndarray:
    """What is looked at of a head: a picture, uint8 [H, W, 3], and its box, [4] corners as fractions."""
    return crop_around(image, box, MARGIN)[0]


def head_in(box: np.ndarray, found: Detections) -> np.ndarray:
    """The head in a person's box, [4] corners, which may show a whole body.

    Of the heads that were found in its picture the surest in its upper part; the box, where there is none.
    """
    inside = np.asarray(intersection(found.boxes, box[None]))[:, 0] >= _INSIDE * np.asarray(area(found.boxes))
    upper = found.boxes[:, [0, 2]].mean(1) <= box[0] + _UPPER * (box[2] - box[0])
    return np.vstack([found.where(inside & upper).above(_SURE).boxes, box])[0]


def _mirrored_inside(head: np.ndarray) -> np.ndarray:
    """The second look at a head, mirrored and from nearer: what both looks say is surer."""
    rows, columns = (int(_INNER * side) for side in head.shape[:2])
    return np.ascontiguousarray(head[rows : len(head) - rows, columns : head.shape[1] - columns][:, ::-1])


def _of_length_1(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def parts_of_length_1(vectors: np.ndarray) -> np.ndarray:
    """Vectors [N, E] whose two parts have length 1 each."""
    return np.hstack([_of_length_1(part) for part in np.split(vectors, [NUMBERS], axis=1)])


def _channels(rows: np.ndarray) -> np.ndarray:
    """Of `Likeness.rows` [N, D] how strong each channel is in all cells: [N, C], roots, of length 1."""
    roots = rows[:, : -(_PARTS**2) * (_HUES + _GREYS)]
    cells = roots.reshape(len(rows), CELLS**2, roots.shape[1] // CELLS**2)
    return _of_length_1(np.sqrt((cells**2).mean(1)))


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


def clearness(cosines: np.ndarray, anybody: np.ndarray) -> np.ndarray:
    """How much more heads are like the first of some names, [M, K], than like anybody: [M].

    That is half the second name, half `Likeness.of_anybody` (as Auckenthaler et al. 2000 normalise scores).
    """
    first, *second = np.sort(cosines, axis=1).T[::-1][:2]
    return first - (sum(second) + anybody) / 2


@dataclass(frozen=True, eq=False)
class Names:
    """Examples of each name."""

    names: tuple[str, ...]  # K
    vectors: np.ndarray  # float32 [N, E]
    owners: np.ndarray  # int [N], the name of each
    around: np.ndarray  # float32 [N, 4], codes of boxes relative to the heads in them; 0: not known
    limit: float  # `clearness` below which nobody is like enough
    digest: str  # of the likeness that made the vectors

    def examples(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Of one name the vectors, [n, E], and `around`, [n, 4]."""
        return self.vectors[self.owners == number], self.around[self.owners == number]

    def cosines(self, vectors: np.ndarray) -> np.ndarray:
        """How like heads [M, E] are to each name: float32 [M, K], -1 to 1."""
        means = np.stack([self.examples(number)[0].mean(0)[:NUMBERS] for number in range(len(self.names))])
        return vectors[:, :NUMBERS] @ _of_length_1(means).T

    def votes(self, vectors: np.ndarray) -> np.ndarray:
        """Whose heads [M, E] are, by ridge regression on all examples: float [M, K]."""
        return vectors @ self._weights

    @cached_property
    def _weights(self) -> np.ndarray:
        each = 1 / np.bincount(self.owners)  # a name with many examples counts no more than one with few
        weighed = (self.vectors * (each / each.mean())[self.owners, None]).T
        wanted = np.eye(len(each))[self.owners] - 1 / len(each)
        return np.linalg.solve(weighed @ self.vectors + _RIDGE * np.eye(len(weighed)), weighed @ wanted)

    def probabilities(self, vectors: np.ndarray, anybody: np.ndarray) -> np.ndarray:
        """Of heads [M, E], `of_anybody` [M], who they are: float32 [M, 1 + K], nobody of the names first."""
        votes = self.votes(vectors)
        nobody = votes.max(1) - clearness(self.cosines(vectors), anybody) + self.limit
        return special.softmax(SHARPNESS * np.column_stack([nobody, votes]), axis=1).astype(np.float32)

    def boxes_of(self, heads: np.ndarray) -> np.ndarray:
        """Boxes as the person draws them, around heads: corners [M, 4] -> [M, 4]."""
        codes = self.around[self.around.any(1)]
        usual = np.median(codes, axis=0) if len(codes) else np.zeros(4)
        return clip(decode(np.float32(usual), np.float32(heads)))


def read_names(folder: Path) -> Names:
    """What `tools.name_from_examples` wrote; ValueError: damaged."""
    arrays = read_arrays(folder / NAMES)
    try:
        names = tuple(clean_name(str(name)) for name in arrays["names"])
        vectors, owners = arrays["vectors"].astype(np.float32), arrays["owners"].astype(int)
        around = arrays["around"].astype(np.float32)
        limit, digest = float(arrays["limit"]), str(arrays["digest"])
        whole = vectors.ndim == 2 and owners.shape == vectors.shape[:1] and all(names)
        whole = whole and len(names) > 1 and around.shape == (len(vectors), 4)
        if not whole or len({*names}) < len(names) or set(owners.tolist()) != {*range(len(names))}:
            raise ValueError("its arrays do not fit together")
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{folder / NAMES} does not hold names ({error}); {ANEW}") from None
    return Names(names, vectors, owners, around, limit, digest)
