"""A checkpoint folder for whatever --checkpoint_path names: itself, or made of a TensorFlow 1 checkpoint."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from datasets.labels import read_labels
from nets.checkpoint import LABELS, is_checkpoint, read_checkpoint
from nets.slim_files import find_prefix


def is_tensorflow_checkpoint(path: Path) -> bool:
    """Whether there is a TensorFlow 1 checkpoint, or an `.npz` in place of one."""
    try:
        return find_prefix(path).name != ""
    except ValueError:
        return False


@contextmanager
def as_checkpoint_folder(path: Path, labels: Sequence[str], model_name: str | None) -> Iterator[Path]:
    """The folder to use for the time of the block.

    Args:
        path: a checkpoint folder; a TensorFlow 1 checkpoint or an `.npz` of tf-slim names as
            `nets.slim_files.read_slim_variables` takes them.
        labels: names of the classes of a TensorFlow checkpoint without a labels.txt beside it.
        model_name: its network; None: found out. A checkpoint folder says its own, and they must agree.

    Raises:
        ValueError: neither, or another network, or another number of names.
    """
    if is_checkpoint(path):
        name = read_checkpoint(path).network.name
        if model_name not in (None, name):
            raise ValueError(
                f"--checkpoint_path={path} holds a {name}, but --model_name is {model_name}. Leave "
                "--model_name out, or give another checkpoint."
            )
        yield path
        return
    if not is_tensorflow_checkpoint(path):
        if (path / "checkpoint").is_file() or any(path.parent.glob("*.index")):
            find_prefix(path)  # says which TensorFlow checkpoints there are
        read_checkpoint(path)  # says what is missing
    from ssd_tensorflow.conversion import import_checkpoint

    beside = (path if path.is_dir() else path.parent) / LABELS
    if beside.is_file():
        labels = read_labels(beside)
    with tempfile.TemporaryDirectory(prefix="checkpoint-") as temporary:
        folder = Path(temporary) / "imported"
        try:
            import_checkpoint(path, labels, folder, model_name=model_name)
        except ValueError as error:
            names = ", ".join(labels[:4]) + (", …" if len(labels) > 4 else "")
            whose = beside if beside.is_file() else "the dataset"
            raise ValueError(
                f"{error} (The labels taken are those of {whose}: {names}. Where the checkpoint has others, "
                f"write them to {beside}; names are then compared by their text.)"
            ) from error
        yield folder
