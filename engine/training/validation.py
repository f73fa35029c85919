"""The set that a training's weights and thresholds are chosen on: whether there is one, and what it says."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from datasets.records import RecordDataset, has_countable_box, open_dataset
from engine.evaluation import Evaluation, evaluate_model
from engine.measures.thresholds import choose_thresholds
from engine.training.options import VALIDATION
from files.writing import write_json
from nets.checkpoint import THRESHOLDS, Checkpoint, build_model, read_checkpoint


def validation_split(dataset: RecordDataset, name: str) -> tuple[str | None, str]:
    """The set to validate on, if it has anything to find; else why there is none.

    Args:
        dataset: the records.
        name: as the training was told.
    """
    try:
        name = dataset.split_name(name)
    except ValueError:
        return None, "There is no validation set"
    if has_countable_box(dataset.split(name).files):
        return name, ""
    return None, f"Nothing that counts is marked in {name}"


def dataset_of(checkpoint: Checkpoint, dataset_dir: Path | None = None) -> RecordDataset:
    """The records that a checkpoint was trained on.

    Args:
        checkpoint: of a training.
        dataset_dir: where they are now, if they have moved.

    Raises:
        ValueError: nobody says where they are, or they cannot be read.
    """
    options = _options_of(checkpoint)
    if dataset_dir is None and "dataset_dir" not in options:
        raise ValueError(
            f"{checkpoint.folder / 'config.json'} does not say where the training's records are: give "
            "--dataset_dir."
        )
    return open_dataset(dataset_dir or Path(options["dataset_dir"]), options.get("dataset_name"))


def split_of(checkpoint: Checkpoint, dataset: RecordDataset) -> tuple[str | None, str]:
    """`validation_split` of a training that has saved weights."""
    return validation_split(dataset, _options_of(checkpoint).get("validation_split_name", VALIDATION))


def measure_best_weights(checkpoint: Checkpoint, dataset: RecordDataset, split: str) -> Evaluation:
    """A checkpoint on the set that it was chosen on."""
    return evaluate_model(
        build_model(checkpoint),
        checkpoint.network,
        dataset,
        split,
        batch_size=min(int(_options_of(checkpoint).get("batch_size") or 16), dataset.split(split).pictures),
        labels=checkpoint.labels,
    )


def write_thresholds(
    folder: Path, *, dataset_dir: Path | None = None, say: Callable[[str], object] = lambda line: None
) -> None:
    """Choose from which score on each name is reported, by the best weights, and write thresholds.json.

    Without anything to measure on there is no such file, and `Thresholds()` count.

    Args:
        folder: of a training that has saved weights; a finished one or not.
        dataset_dir: where its records are now, if they have moved.
        say: prints a line.

    Raises:
        ValueError: no checkpoint, or its records cannot be read.
    """
    checkpoint = read_checkpoint(folder)
    dataset = dataset_of(checkpoint, dataset_dir)
    split, _ = split_of(checkpoint, dataset)
    if split is None:
        return
    evaluation = measure_best_weights(checkpoint, dataset, split)
    thresholds = choose_thresholds(evaluation.detections, evaluation.result, chosen_on=split)
    write_json(folder / THRESHOLDS, thresholds.as_json())
    shown = [f"{name} {threshold:.2f}" for name, threshold in list(thresholds.names.items())[:12]]
    more = f" and {len(thresholds.names) - 12} more" if len(thresholds.names) > 12 else ""
    say(f"Thresholds with the best F1 on {split}: {', '.join(shown)}{more}")


def _options_of(checkpoint: Checkpoint) -> Mapping[str, Any]:
    return checkpoint.config.get("options", {})
