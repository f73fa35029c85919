"""Checkpoint folders, written: the inverse of `nets.checkpoint`, which says what is in them."""

import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

from datasets.new_labels import write_labels
from files.writing import save_arrays, whole_file, write_json
from nets.checkpoint import CONFIG, LABELS, METRICS, THRESHOLDS, WEIGHTS


def model_weights(model: keras.Model) -> dict[str, np.ndarray]:
    """Variable path -> array, of a model as built by `Network.build`."""
    return {variable.path: np.asarray(keras.ops.convert_to_numpy(variable)) for variable in model.weights}


def write_checkpoint(
    folder: Path,
    *,
    labels: Sequence[str],
    config: Mapping,
    weights: Mapping[str, np.ndarray],
    metrics: Mapping | None = None,
) -> None:
    """Write a checkpoint folder; what is there fits together, also where the disk is full.

    The weights, which are large, are written first and renamed last: a disk without room for them leaves
    everything as it was.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with whole_file(folder / WEIGHTS, durable=True) as temporary:
        save_arrays(temporary, weights)
        write_labels(folder / LABELS, labels)
        write_json(folder / CONFIG, dict(config))
        write_json(folder / METRICS, dict(metrics or {}))
        (folder / THRESHOLDS).unlink(missing_ok=True)  # chosen for the weights that now go


def versions(*packages: str) -> dict[str, str]:
    """Versions of Python, TensorFlow, Keras, NumPy and more packages by their names on PyPI; the backend."""
    return {
        "python": platform.python_version(),
        "backend": keras.backend.backend(),
        **{name: importlib.metadata.version(name) for name in ("tensorflow", "keras", "numpy", *packages)},
    }
