"""Makes likeness.npz of portraits: what tells drawn people apart, as VGG-16's first layers see them.

    python -m benchmarks.anybody.portraits --output_path=portraits.npy --people=1792 --seed=5
    python -m benchmarks.anybody.likeness --portraits=portraits.npy --vgg_path=vgg16.npz --output_dir=heads

Of the last convolution half of the channels are kept, those of which Fisher's discriminants make most; from
there on it learns, with the linear map, to tell the people apart: a softmax of cosines with a margin (Wang et
al. 2018, CosFace). The layers below stay ImageNet's. The last of the people are kept as strangers.
"""

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import scipy.linalg
from keras import layers, ops
from rich.console import Console
from sklearn.utils.extmath import randomized_svd

from files.writing import write_arrays
from nets.likeness import (
    CONVOLUTIONS,
    LIKENESS,
    NUMBERS,
    SIDE,
    Likeness,
    cell_colours,
    cell_roots,
    convolutions,
)
from nets.slim_files import read_slim_variables
from preprocessing.resize import resize_picture
from terminal.bars import counting_bars
from terminal.command import command

KEPT = 1000  # directions in which portraits differ most
SHRUNK = 0.1  # of the scatter within people, towards a ball: Friedman 1989, regularised discriminants
CHANNELS = 256  # of the last convolution
HELD_OUT, SHOTS_KEPT = 100, 4  # people who stay strangers, portraits of each
SHARPNESS, MARGIN = 20.0, 0.25  # of the softmax of cosines
BATCH, RATE, WARM_UP, DROPPED = 128, 0.02, 50, 0.2
PROTOTYPES = math.sqrt(0.1)  # length of prototypes: they turn ten times as fast as with length 1


@dataclass(frozen=True)
class Options:
    """Makes likeness.npz."""

    portraits: Path
    """What benchmarks.anybody.portraits wrote."""
    vgg_path: str
    """VGG-16's ImageNet weights by tf-slim name: an .npz, or vgg_16.ckpt."""
    output_dir: Path
    """Folder that gets likeness.npz, beside a finder's weights."""
    shots: int = 10
    """Portraits of each person."""
    steps: int = 800
    """Of 128 portraits."""
    seed: int = 0
    """Of their order."""


@dataclass(frozen=True, eq=False)
class Portraits:
    """What is below the layers that learn."""

    maps: np.ndarray  # float16 [N, S, S, 256], what goes into the last convolution
    colours: np.ndarray  # float32 [N, 144]


def discriminants(rows: np.ndarray, shots: int) -> tuple[np.ndarray, np.ndarray]:
    """Of rows [people * shots, D]: their mean [D] and the projection [D, NUMBERS], float32 both."""
    mean = rows.mean(0)
    _, _, axes = randomized_svd(rows[::2] - mean, KEPT, n_iter=2, random_state=0)
    points = (rows - mean) @ axes.T
    people = points.reshape(-1, shots, KEPT).mean(1)
    within = points - np.repeat(people, shots, 0)
    scatter = within.T @ within / len(within)
    scatter += SHRUNK * np.trace(scatter) / KEPT * np.eye(KEPT)
    between = people.T @ people / len(people)
    _, best = scipy.linalg.eigh(between, scatter, subset_by_index=[KEPT - NUMBERS, KEPT - 1])
    return mean.astype(np.float32), (axes.T @ best[:, ::-1]).astype(np.float32)


def vgg_arrays(path: str) -> dict[str, np.ndarray]:
    """The convolutions under the names of likeness.npz."""
    variables = {"/".join(name.split("/")[-2:]): array for name, array in read_slim_variables(path).items()}
    parts = {"kernel": "weights", "bias": "biases"}
    return {f"{name}/{ours}": variables[f"{name}/{parts[ours]}"] for name in CONVOLUTIONS for ours in parts}


def look_at(portraits: np.ndarray, arrays: Mapping[str, np.ndarray]) -> Portraits:
    """Run all but the last convolution."""
    given, x = convolutions(arrays, CONVOLUTIONS[:-1], SIDE)
    model = keras.Model(given, layers.MaxPooling2D(2)(x))
    maps = np.empty((len(portraits), *model.output.shape[1:]), np.float16)
    colours = np.empty((len(portraits), 144), np.float32)
    with counting_bars(Console(stderr=True)) as progress:
        for first in range(0, len(portraits), BATCH):
            some = np.stack(
                [np.asarray(resize_picture(one, SIDE)) for one in portraits[first : first + BATCH]]
            )
            maps[first : first + BATCH] = model.predict_on_batch(some)
            colours[first : first + BATCH] = [cell_colours(one.astype(np.uint8)) for one in some]
            progress("looking", first + len(some), len(portraits))
    return Portraits(maps, colours)


def top_of(arrays: Mapping[str, np.ndarray], seen: Portraits) -> keras.Model:
    """Maps and colours -> what the linear map of `Likeness.vectors` gets."""
    given, x = convolutions(arrays, CONVOLUTIONS[-1:], seen.maps.shape[1])
    colours = keras.Input((seen.colours.shape[1],))
    return keras.Model([given, colours], ops.concatenate([cell_roots(x), colours], axis=1))


def run(model: keras.Model, seen: Portraits, part: slice) -> np.ndarray:
    return model.predict([seen.maps[part], seen.colours[part]], batch_size=BATCH, verbose=0)


def with_fewer_channels(arrays: dict[str, np.ndarray], seen: Portraits, shots: int) -> dict[str, np.ndarray]:
    """The last convolution with the CHANNELS of which the discriminants of 432 people make most."""
    rows = run(top_of(arrays, seen), seen, slice(432 * shots))
    _, projection = discriminants(rows, shots)
    used = ((projection * rows.std(0)[:, None]) ** 2).sum(1)[: -seen.colours.shape[1]]
    last = CONVOLUTIONS[-1]
    best = np.sort(
        np.argsort(-used.reshape(-1, len(arrays[f"{last}/bias"])).sum(0), kind="stable")[:CHANNELS]
    )
    return arrays | {f"{last}/{part}": arrays[f"{last}/{part}"][..., best] for part in ("kernel", "bias")}


class Cosines(layers.Layer):
    """How like vectors [N, E] are to the prototype of each person, which learn: [N, people]."""

    def __init__(self, prototypes: np.ndarray, **more):
        super().__init__(**more)
        self.prototypes = self.add_weight(shape=prototypes.shape, name="prototypes")
        self.prototypes.assign(prototypes)

    def call(self, vectors):
        return ops.normalize(vectors, axis=1) @ ops.transpose(ops.normalize(self.prototypes, axis=1))


def with_margin(people, cosines):
    """The softmax loss of cosines, the right one made less by MARGIN."""
    right = ops.one_hot(ops.reshape(people, (-1,)), cosines.shape[1])
    logits = SHARPNESS * (cosines - MARGIN * right)
    return keras.losses.categorical_crossentropy(right, logits, from_logits=True)


class Shuffled(keras.utils.PyDataset):
    """Batches of portraits, every one once a round, in a little more or less light and moved by a cell."""

    def __init__(self, seen: Portraits, people: np.ndarray, steps: int, seed: int):
        super().__init__()
        self._seen, self._people, self._rng = seen, people, np.random.default_rng(seed)
        rounds = -(-steps * BATCH // len(people))
        order = np.concatenate([self._rng.permutation(len(people)) for _ in range(rounds)])
        self._batches = order[: steps * BATCH].reshape(steps, BATCH)

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int):
        some = self._batches[index]
        maps = self._seen.maps[some].astype(np.float32)
        maps *= self._rng.uniform(0.8, 1.2, (BATCH, 1, 1, 1)).astype(np.float32)
        if self._rng.random() < 0.5:
            maps = np.roll(maps, tuple(self._rng.integers(-1, 2, 2)), (1, 2))
        return (maps, self._seen.colours[some]), self._people[some]


def learn(
    top: keras.Model, maps: tuple[np.ndarray, np.ndarray], seen: Portraits, options: Options
) -> np.ndarray:
    """Train the last convolution, in place, and the linear map, which is returned."""
    mean, projection = maps
    people = np.repeat(np.arange(len(seen.maps) // options.shots - HELD_OUT), options.shots)
    vectors = (run(top, seen, slice(len(people))) - mean) @ projection
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    prototypes = vectors.reshape(-1, options.shots, NUMBERS).mean(1)
    prototypes *= PROTOTYPES / np.linalg.norm(prototypes, axis=1, keepdims=True)
    linear = layers.Dense(NUMBERS, use_bias=False)
    x = linear(layers.Dropout(DROPPED, seed=options.seed)(top.output - mean))
    linear.set_weights([projection])
    model = keras.Model(top.inputs, Cosines(prototypes)(x))
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, options.steps - WARM_UP, warmup_target=RATE, warmup_steps=WARM_UP
    )
    optimizer = keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, global_clipnorm=5.0)
    model.compile(optimizer, with_margin, metrics=["sparse_categorical_accuracy"])
    model.fit(Shuffled(seen, people, options.steps, options.seed), shuffle=False, verbose=2)
    return linear.get_weights()[0]


@command("python -m benchmarks.anybody.likeness")
def main(options: Options) -> None:
    keras.utils.set_random_seed(options.seed)
    arrays = vgg_arrays(options.vgg_path)
    seen = look_at(np.load(options.portraits, mmap_mode="r"), arrays)
    arrays = with_fewer_channels(arrays, seen, options.shots)
    top, half = top_of(arrays, seen), len(seen.maps) // options.shots // 2 * options.shots
    mean, projection = discriminants(run(top, seen, slice(half)), options.shots)
    projection = learn(top, (mean, projection), seen, options)
    weights = dict(zip(("kernel", "bias"), top.get_layer(CONVOLUTIONS[-1]).get_weights(), strict=True))
    arrays |= {f"{CONVOLUTIONS[-1]}/{part}": array for part, array in weights.items()}
    arrays |= {"mean": mean, "projection": projection, "strangers": np.zeros((0, NUMBERS))}
    # The second look says nothing yet: benchmarks.anybody.second_look.
    for kind in ("head", "cut"):
        arrays |= {f"{kind}/hidden": np.zeros((len(mean), 1)), f"{kind}/out": np.zeros(1)}
    arrays = {name: array.astype(np.float16) for name, array in arrays.items()}
    rows = run(top, seen, slice(len(seen.maps) - HELD_OUT * options.shots, None))
    rows = rows.reshape(HELD_OUT, options.shots, -1)[:, :SHOTS_KEPT].reshape(HELD_OUT * SHOTS_KEPT, -1)
    arrays["strangers"] = Likeness(arrays).project(rows)[:, :NUMBERS].astype(np.float16)
    write_arrays(options.output_dir / LIKENESS, arrays)


if __name__ == "__main__":
    sys.exit(main())
