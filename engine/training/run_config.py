"""What config.json says about a training, and whether two trainings are the same one."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, fields
from pathlib import Path

from datasets.records import RecordDataset
from engine.training.options import TrainingOptions
from files.writing import sha256_of
from nets.checkpoint import versions
from nets.network import Network
from preprocessing.presets import Augmentation

# Options that change where files are and how a run is watched, not what it computes: they may differ when it
# goes on. Records are compared by their contents.
NOT_COMPARED = frozenset({"dataset_dir", "train_dir", "save_interval_secs", "report"})
# Options that auto leaves to the machine; pictures in memory, too, differ a little from decoded ones.
BY_MACHINE = frozenset({"precision", "jit_compile", "cache_pictures"})


def make_config(
    options: TrainingOptions, dataset: RecordDataset, network: Network, augmentation: Augmentation
) -> dict:
    """What config.json says: the network, every option, the data and the versions.

    What was chosen where nothing was given (`chosen`), and what it started from, come later.

    Args:
        options: as given; None is what was left to be chosen.
        dataset: the records.
        network: the network.
        augmentation: the preset with the options' changes.
    """
    return {
        "model_name": network.name,
        "options": {
            name: str(value) if isinstance(value, Path) else value for name, value in asdict(options).items()
        },
        "augmentation": asdict(augmentation),
        "dataset": {
            "labels": list(dataset.labels),
            "splits": {
                name: {
                    "pictures": split.pictures,
                    "boxes": split.boxes,
                    "shards": {path.name: sha256_of(path) for path in split.files},
                }
                for name, split in dataset.splits.items()
                if name in _used_splits(dataset, options)
            },
        },
        "versions": versions(),
    }


def chosen(options: TrainingOptions, settings: TrainingOptions) -> dict:
    """For config.json: the options as they ran, where they were left to be chosen.

    Args:
        options: as given.
        settings: the same without gaps: what ran.
    """
    given = asdict(options)
    return {name: value for name, value in asdict(settings).items() if given[name] != value}


def decided_by_machine(begun: Mapping) -> dict:
    """What the machine chose at the start, which stays so wherever the training goes on.

    Args:
        begun: config.json of the training; {} for a new one.
    """
    return {name: value for name, value in begun.get("chosen", {}).items() if name in BY_MACHINE}


def differences(there: Mapping, config: Mapping) -> list[str]:
    """A line for each option and each fact about the data in which two trainings differ.

    Args:
        there: config.json of the one.
        config: `make_config` of the other.
    """
    defaults = {one.name: one.default for one in fields(TrainingOptions)}  # options that did not exist then
    compared = (
        ("--", {**defaults, **there.get("options", {})}, config["options"], "asked for"),
        ("", _facts_of_data(there.get("dataset", {})), _facts_of_data(config["dataset"]), "now"),
    )
    return [
        f"  {before}{key}: {old.get(key)!r} there, {new.get(key)!r} {now}"
        for before, old, new, now in compared
        for key in sorted(old.keys() | new.keys())
        if key not in NOT_COMPARED and old.get(key) != new.get(key)
    ]


def _facts_of_data(dataset: Mapping) -> dict[str, object]:
    """What config.json says about the records, one fact to a name; a shard's is its checksum."""
    facts: dict[str, object] = {"labels": dataset.get("labels")}
    for name, split in dataset.get("splits", {}).items():
        facts |= {f"{name} {key}": value for key, value in split.items() if key != "shards"}
        facts |= {
            f"content of {shard}": str(digest)[:12] for shard, digest in split.get("shards", {}).items()
        }
    return facts


def _used_splits(dataset: RecordDataset, options: TrainingOptions) -> set[str]:
    """The full names of the sets that decide about the weights."""
    used = {dataset.split_name(options.dataset_split_name)}
    with suppress(ValueError):  # there need not be one to validate on
        used.add(dataset.split_name(options.validation_split_name))
    return used
