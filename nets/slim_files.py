"""Files of variables by tf-slim name: TensorFlow 1 checkpoints (V1, V2) and `.npz` read, V2 written.

Nothing in them is run: a TensorFlow checkpoint holds tensors only, and an `.npz` with pickled objects is
refused. What the variables mean is the business of `nets.slim_names`.
"""

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from files.reading import MAX_BYTES, demand_finite, read_arrays, table_beside

# What may stand behind a checkpoint's prefix.
_PARTS = re.compile(r"\.(index|meta|data-\d{5}-of-\d{5})$")
# How TensorFlow 2 ends the names in its own, object-based checkpoints.
_OBJECT_BASED = "/.ATTRIBUTES/VARIABLE_VALUE"

# First bytes of files that people take for a checkpoint.
_TAKEN_FOR_CHECKPOINTS = {"zip": b"PK\x03\x04", "gzip": b"\x1f\x8b", "hdf5": b"\x89HDF", "pickle": b"\x80"}

# What people are told.
_SAID: dict[str, str] = table_beside(__file__)


def read_slim_variables(path: Path | str) -> dict[str, np.ndarray]:
    """Read variables by name from an `.npz` file or a TensorFlow 1 checkpoint.

    Args:
        path: the `.npz`; or the checkpoint's prefix (`model.ckpt-1000`), its `.index`, `.meta` or
            `.data-...` file, or a folder with a `checkpoint` file, which names its latest.

    Raises:
        ValueError: nothing there, not such a file, or numbers that are none; it says what is there instead.
    """
    path = Path(path)
    if path.suffix == ".npz" and path.is_file():
        return read_arrays(path)
    prefix = find_prefix(path)
    import tensorflow as tf  # for its checkpoint reader only; works under any Keras backend

    try:
        reader = tf.train.load_checkpoint(str(prefix))
        shapes, types = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
        size = sum(types[name].size * int(np.prod(shape, dtype=object)) for name, shape in shapes.items())
        if size > MAX_BYTES:
            raise ValueError(f"{path} says it holds {size} bytes of variables, more than {MAX_BYTES}.")
        if any(name.endswith(_OBJECT_BASED) for name in shapes):
            raise ValueError(_SAID["object_based"].format(path))
        variables = {name: np.asarray(reader.get_tensor(name)) for name in sorted(shapes)}
    except (tf.errors.OpError, IndexError, MemoryError) as error:
        what = _what_it_is(prefix) or getattr(error, "message", str(error))
        raise ValueError(f"{path} is not a TensorFlow checkpoint that can be read: {what}.") from error
    return demand_finite(path, variables)


def write_slim_checkpoint(folder: Path, variables: Mapping[str, np.ndarray], global_step: int) -> Path:
    """Write a V2 checkpoint as `tf.train.Saver` of TensorFlow 1 does, and the `checkpoint` file beside it.

    Args:
        folder: made if it does not exist.
        global_step: behind the file's name, and a variable of this name (int64).

    Returns:
        The prefix: `folder/model.ckpt-STEP`.

    Raises:
        ValueError: a file of this name is there already.
    """
    import tensorflow as tf

    prefix = folder / f"model.ckpt-{global_step}"
    # The data first, then what points to it: whoever finds a `checkpoint` file finds the rest.
    files = [f"{prefix.name}.data-00000-of-00001", f"{prefix.name}.index", "checkpoint"]
    for name in files:
        if (folder / name).exists():
            raise ValueError(f"{folder / name} is there already and stays as it is. Choose another folder.")
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {**variables, "global_step": np.int64(global_step)}
    with tempfile.TemporaryDirectory(prefix=".", dir=folder) as temporary:
        tf.raw_ops.SaveV2(
            prefix=str(Path(temporary, prefix.name)),
            tensor_names=list(tensors),
            shape_and_slices=[""] * len(tensors),
            tensors=list(tensors.values()),
        )
        state = f'model_checkpoint_path: "{prefix.name}"\nall_model_checkpoint_paths: "{prefix.name}"\n'
        Path(temporary, "checkpoint").write_text(state, encoding="utf-8")
        for name in files:
            Path(temporary, name).replace(folder / name)
    return prefix


def find_prefix(path: Path) -> Path:
    """The prefix of the TensorFlow checkpoint that `path` means; ValueError where there is none."""
    prefix = _latest(path) if path.is_dir() else path.with_name(_PARTS.sub("", path.name))
    if re.search(r"[\[\]\\]", str(prefix)):
        raise ValueError(_SAID["a_pattern"].format(prefix))
    if prefix.is_file():  # a V1 checkpoint is one file
        return prefix
    index = prefix.with_name(f"{prefix.name}.index")
    if not index.is_file():
        raise ValueError(_SAID["nothing_there"].format(path, prefix, index) + _there_is(prefix.parent))
    if not any(file.name.startswith(f"{prefix.name}.data-") for file in prefix.parent.iterdir()):
        raise ValueError(_SAID["index_alone"].format(index, prefix.name))
    return prefix


def _latest(folder: Path) -> Path:
    """The prefix that a folder's `checkpoint` file names.

    Only the name counts: the file holds whole paths where it was written with such, and the folder may
    have moved since.
    """
    import tensorflow as tf

    try:
        state = tf.train.get_checkpoint_state(str(folder))
    except ValueError:  # what TensorFlow makes of bytes that are not text, and of a file that names nothing
        state = None
    if state is None:
        raise ValueError(_SAID["no_latest"].format(folder) + _there_is(folder))
    return folder / re.split(r"[\\/]", state.model_checkpoint_path)[-1]


def _there_is(folder: Path) -> str:
    """The checkpoints in a folder, for an error message; empty where there is none."""
    if not folder.is_dir():
        return f" The folder {folder} does not exist either."
    found = sorted(_PARTS.sub("", file.name) for file in folder.glob("*.index"))
    found += sorted(file.name for file in folder.glob("*.npz"))
    return f" In {folder} there is {', '.join(found[:5])}{', …' if len(found) > 5 else ''}." if found else ""


def _what_it_is(file: Path) -> str:
    """What a file is that is no checkpoint, by its first bytes; empty where that says nothing."""
    if not file.is_file():
        return ""
    with file.open("rb") as opened:
        start = opened.read(8)
    kinds = (kind for kind, magic in _TAKEN_FOR_CHECKPOINTS.items() if start.startswith(magic))
    return next((_SAID[kind] for kind in kinds), "")
