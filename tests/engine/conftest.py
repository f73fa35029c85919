"""A small set of records (red and blue squares on grey) and a small network."""

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

import nets
from boxes.anchors import AnchorLayer
from datasets.examples import write_shards
from datasets.new_labels import write_labels
from nets.network import Network
from tests.engine.records_by_hand import record
from tests.engine.training_run import run, run_until

COLOURS = {"red 赤": (200, 40, 40), "blue": (40, 40, 200)}


def square_picture(rng: np.random.Generator, filename: str) -> bytes:
    """The record of a JPEG of 160 x 160 with 0 to 2 squares that do not overlap."""
    side = 160
    image = rng.normal(128, 6, (side, side, 3))
    boxes, classes = [], []
    for half in rng.permutation(2)[: rng.integers(0, 3)]:
        size = int(rng.integers(24, 70))
        top, left = int(rng.integers(0, side - size)), int(half * 80 + rng.integers(0, 80 - size))
        class_id = int(rng.integers(1, 3))
        image[top : top + size, left : left + size] = list(COLOURS.values())[class_id - 1]
        boxes.append(np.array([top, left, top + size, left + size]) / side)
        classes.append(class_id)
    _, encoded = cv2.imencode(".jpg", np.clip(image, 0, 255).astype(np.uint8)[..., ::-1])
    facts = {"filename": filename, "width": side, "height": side}
    facts |= {"names": [list(COLOURS)[class_id - 1] for class_id in classes]}
    return record(encoded.tobytes(), boxes, classes, **facts)


@pytest.fixture(scope="session")
def squares(tmp_path_factory) -> Path:
    """A dataset folder with splits train (24 pictures), validation (6) and test (6)."""
    folder = tmp_path_factory.mktemp("squares")
    write_labels(folder / "labels.txt", list(COLOURS))
    for seed, (split, pictures) in enumerate({"train": 24, "validation": 6, "test": 6}.items()):
        rng = np.random.default_rng(seed)
        records = [square_picture(rng, f"square_{seed}_{number}.jpg") for number in range(pictures)]
        write_shards(folder, split, records, per_shard=pictures)
    return folder


def tiny_network(num_classes: int) -> keras.Model:
    image = keras.Input((64, 64, 3))
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(image)
    for level in range(3):
        x = keras.layers.Conv2D(16, 3, 2, padding="same", activation="relu", name=f"stage{level}.conv")(x)
        x = keras.layers.BatchNormalization(name=f"stage{level}.norm")(x)
    outputs = {}
    for kind, name, depth in (("conv_loc", "codes", 4), ("conv_cls", "logits", num_classes)):
        y = keras.layers.Conv2D(2 * depth, 3, padding="same", name=f"head.{kind}")(x)
        outputs[name] = keras.layers.Reshape((-1, depth))(y)
    return keras.Model(image, outputs, name="tiny")


TINY = Network(
    "tiny", 64, (AnchorLayer(8, 8, 1 / 8, ((0.2, 0.2), (0.4, 0.4))),), tiny_network, jit_on_cpu=False
)


@pytest.fixture
def tiny(monkeypatch) -> Network:
    """A network that compiles in a second, known to `get_network` as `tiny` during the test."""
    monkeypatch.setitem(nets.NETWORKS, TINY.name, TINY)
    return TINY


def of_four_steps(records: Path, folder: Path) -> dict:
    return {
        "dataset_dir": records,
        "train_dir": folder,
        "model_name": TINY.name,
        "batch_size": 2,
        "max_number_of_steps": 4,
        "evaluate_steps": 2,
    }


@pytest.fixture
def options(squares, tmp_path, tiny) -> dict:
    """Keyword arguments of a training of four steps."""
    return of_four_steps(squares, tmp_path / "run")


@pytest.fixture(scope="session")
def once(squares, tmp_path_factory) -> Callable[[int], tuple[Path, str]]:
    """Such a training that ended after so many steps: its folder, to be copied, and what it said."""

    @cache
    def train(steps: int) -> tuple[Path, str]:
        folder = tmp_path_factory.mktemp("once") / "run"
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(nets.NETWORKS, TINY.name, TINY)
            options = of_four_steps(squares, folder)
            return folder, run(**options) if steps == 4 else run_until(steps, **options)

    return train


@pytest.fixture
def finished(options, once) -> dict:
    """The options of a training that is finished, in a folder of the test's own."""
    return {**options, "train_dir": Path(shutil.copytree(once(4)[0], options["train_dir"]))}


@pytest.fixture
def stopped(options, once) -> dict:
    """Likewise of one that was stopped after step 3."""
    return {**options, "train_dir": Path(shutil.copytree(once(3)[0], options["train_dir"]))}
