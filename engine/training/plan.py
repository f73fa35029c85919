"""Everything about a training that is decided before its first step, in one object that does not change.

And what config.json says about it, by which it is known again.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import keras
from rich.console import Console

from boxes.anchors import shapes_of
from datasets.records import RecordDataset, open_dataset, with_more
from engine.input.pictures import fits_in_memory, free_bytes
from engine.input_pipeline import TrainingPictures, index_of, naming_unreadable_pictures
from engine.training.devices import device_count, process
from engine.training.learning import NEW_NAMES, constants_of, scopes, set_trainable
from engine.training.machine import Machine, choose_precision, computing_in, use_xla
from engine.training.options import UNLABELLED, VALIDATION, Settings, TrainingOptions, without_gaps
from engine.training.run_folder import PREVIOUS, STATE, never_learnt
from engine.training.start import (
    choose_anchors,
    demand_new_names,
    from_imagenet,
    keeps_statistics,
    starting_weights,
)
from files.below import sha256_of
from files.reading import table_beside
from nets import get_network
from nets.checkpoint import ANCHOR_SHAPES, CONFIG, WEIGHTS, is_checkpoint, network_of, read_config
from nets.network import Network
from nets.saving import versions
from preprocessing.presets import Augmentation, get_preset

FEW_PICTURES = 1000  # what small_cpu and small_gpu are made for: recipes.toml
Say = Callable[[str], object]
# Options that change where files are and how a run is watched, not what it computes: they may differ when it
# goes on. Records are compared by their contents.
NOT_COMPARED = {"dataset_dir", "train_dir", "save_interval_secs", "report"}
NOT_COMPARED |= {"devices", "coordinator", "num_processes", "process_id"}
# Of those that are gone two are what the machine chose, one said where names of a checkpoint begin.
NOT_COMPARED |= {"cache_pictures", "jit_compile", "checkpoint_model_scope"}
# Options that are gone, and what every training has now.
GONE = table_beside(__file__, "gone")
GONE |= dict.fromkeys(GONE.pop("nothing"))
# What people are told.
_SAID: dict[str, str] = table_beside(__file__)


@dataclass(frozen=True, eq=False, kw_only=True)
class Run:
    """A training."""

    settings: Settings  # the options, without gaps
    dataset: RecordDataset  # the records
    validation: str | None  # the set that the best weights are chosen on; None where nothing can be measured
    network: Network  # with the anchors of this training
    model: keras.Model  # of the network, with the weights that it starts with; those that learn are marked
    pictures: TrainingPictures  # the stream of augmented pictures
    machine: Machine  # what the machine decided
    devices: int  # that share each batch
    config: Mapping  # what config.json says
    begun: bool  # whether the folder holds it already, finished or not

    @property
    def folder(self) -> Path:
        """Of this training."""
        return self.settings.train_dir

    def summary(self) -> str:
        """What will run, in one line."""
        settings, split = self.settings, self.dataset.split(self.settings.dataset_split_name)
        steps, batch_size = settings.max_number_of_steps, settings.batch_size
        layers = [layer for layer in self.model.layers if layer.weights]
        frozen, chosen = sum(not layer.trainable for layer in layers), self.config["chosen"]
        return (
            f"{self.network.name}, {len(self.dataset.labels)} names, {split.pictures} pictures with "
            f"{split.boxes} boxes; {steps} steps of {batch_size} pictures = "
            f"{steps * batch_size / max(1, split.pictures):.1f} passes; "
            f"highest rate {settings.learning_rate:g}, warm-up {chosen['warmup_steps']} steps"
            + (f"; {frozen} of {len(self.model.layers)} layers frozen" if frozen else "")
            + ("; batch normalisation frozen" if chosen["freeze_batch_norm"] == "on" else "")
        )


def plan(options: TrainingOptions, console: Console, say: Say) -> Run:
    """Decide everything about a training, once, from its options as they were given.

    Raises:
        ValueError: something about the options, the data, the starting weights or the folder is wrong.
    """
    keras.utils.set_random_seed(options.seed)

    # ------------------------------------------------------------------ data
    dataset, validation, settings = _data(options, say)

    only_new = options.trainable_scopes == NEW_NAMES
    if only_new:  # what is there stays as it is: other anchors would see something else
        settings = replace(settings, anchors="start", weight_decay=0.0)

    # ----------------------------------------------- network, machine, folder
    published = get_network(options.model_name)
    augmentation = get_preset(
        options.augmentation, zoom_out_max=options.zoom_out_max, paste_probability=options.paste_probability
    )
    asked = _asked_for(options, dataset, published, augmentation)
    begun = begun_config(options.train_dir, asked)
    machine, on_memory = _machine(options, published, dataset, begun)
    pictures = TrainingPictures(
        dataset=dataset,
        split=options.dataset_split_name,
        image_size=published.image_size,
        batch_size=settings.batch_size,
        augmentation=augmentation,
        seed=options.seed,
        repeat_threshold=options.repeat_factor,
        in_memory=machine.cache_pictures,
    )

    # ------------------------------------------ the model and what it starts from
    with computing_in(machine.precision):
        model = published.build(len(dataset.labels) + 1)
    frozen_norms = keeps_statistics(published, options.checkpoint_path)
    set_trainable(model, options.trainable_scopes, norms=not frozen_norms)
    if begun:
        start, network = begun.get("start"), network_of(begun)
    else:
        start = _start(options, model, published, dataset, say)
        say(on_memory)
        with console.status("Looking at the training pictures"):
            network = choose_anchors(
                published, settings.anchors, options.checkpoint_path, batches=pictures.batches, say=say
            )
    chosen = {name: value for name, value in vars(settings).items() if vars(options)[name] != value}
    chosen |= machine.as_json() | constants_of(settings.max_number_of_steps, averaged=not only_new)
    chosen["freeze_batch_norm"] = "on" if frozen_norms else "off"
    layers = network.anchor_layers
    anchors = {} if layers == published.anchor_layers else {ANCHOR_SHAPES: shapes_of(layers)}
    return Run(
        settings=settings,
        dataset=dataset,
        validation=validation,
        network=network,
        model=model,
        pictures=pictures,
        machine=machine,
        devices=device_count(options, settings.batch_size),
        config={**asked, **anchors, "chosen": chosen, "start": start},
        begun=bool(begun),
    )


def _data(options: TrainingOptions, say: Say) -> tuple[RecordDataset, str | None, Settings]:
    """The records, the set to validate on if there is one, and the options without gaps."""
    dataset = open_dataset(options.dataset_dir, options.dataset_name)
    unlabelled = options.train_dir / UNLABELLED
    if options.unlabelled_dir is not None and options.dataset_dir != unlabelled:
        dataset = with_more(dataset, options.dataset_split_name, open_dataset(unlabelled))
    training = dataset.split(options.dataset_split_name)
    if not training.boxes:
        said = _SAID["no_boxes"].format(dataset.folder, options.dataset_split_name, training.note)
        raise ValueError(said.rstrip())
    settings, chosen = without_gaps(options, training.pictures)
    device_count(options, settings.batch_size)  # what is wrong with them is told at once
    wanted = options.validation_split_name
    if wanted != VALIDATION:
        dataset.split_name(wanted)  # one that was asked for must be there; the error lists the sets
    validation, problem = validation_split(dataset, wanted)
    if problem and wanted != VALIDATION:
        raise ValueError(f"{dataset.folder}: {problem}: nothing could be measured. Give another set.")
    note = problem and f"{problem}: the last weights are kept, and nothing says how good they are."
    used = [training, *([dataset.split(wanted)] if validation or problem.startswith("Nothing") else [])]
    lines = [dataset.note, *(one.note for one in used), note, chosen]
    if options.recipe == "none" and options.checkpoint_path and training.pictures <= FEW_PICTURES:
        lines.append(_SAID["usual_values"])
    for line in filter(None, lines):
        say(line)
    return dataset, validation, settings


def validation_split(dataset: RecordDataset, name: str) -> tuple[str | None, str]:
    """The set to validate on, if there is one of that name with anything to find; else why there is none."""
    try:
        name = dataset.split_name(name)
    except ValueError:
        return None, "There is no validation set"
    if not dataset.split(name).difficult.all():
        return name, ""
    return None, f"Nothing that counts is marked in {name}"


def _machine(
    options: TrainingOptions, network: Network, dataset: RecordDataset, begun: Mapping
) -> tuple[Machine, str]:
    """What the machine decides, or decided where the training was begun; and a line about its memory."""
    if begun:
        return Machine.from_json({**begun["options"], **begun.get("chosen", {})}), ""
    split = options.dataset_split_name
    free, (_, processes) = free_bytes(), process()  # all of them may be on this host
    with naming_unreadable_pictures(dataset, split):
        in_memory, line = fits_in_memory(index_of(dataset, split), free and free // processes)
    return Machine(choose_precision(options.precision, network), use_xla(network), in_memory), line


def _start(
    options: TrainingOptions, model: keras.Model, network: Network, dataset: RecordDataset, say: Say
) -> dict:
    """Fill the model with what it starts from; what config.json says about it."""
    skip = scopes(options.checkpoint_exclude_scopes)
    start = starting_weights(model, network, dataset.labels, options.checkpoint_path, skip=skip)
    if options.trainable_scopes == NEW_NAMES:
        demand_new_names(start, dataset.labels, options.checkpoint_path, options.dataset_dir)
    say(f"New training in {options.train_dir} from {start.summary()}")
    if not start.restored and "vgg" in network.name:
        say(_SAID["random_vgg"])
    counts = {"restored": len(start.restored), "fresh": len(start.fresh)}
    return {"source": start.source, **counts, "known": list(start.known)}


# ------------------------------------------------------------------------------------------ config.json
def _asked_for(
    options: TrainingOptions, dataset: RecordDataset, network: Network, augmentation: Augmentation
) -> dict:
    """What config.json says of what is asked for: the network, every option as given, the data, the versions.

    What was chosen where nothing was given (None), and what it started from, come later.
    """
    used = {dataset.split_name(options.dataset_split_name)}  # the sets that decide about the weights
    with suppress(ValueError):  # there need not be one to validate on
        used.add(dataset.split_name(options.validation_split_name))
    return {
        "model_name": network.name,
        "options": {
            name: str(value) if isinstance(value, Path) else value for name, value in vars(options).items()
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
                if name in used
            },
        },
        "versions": versions(),
    }


def _compared(config: Mapping) -> dict[str, object]:
    """What config.json says that decides about the weights, one fact to a name; a shard's is its checksum."""
    # An option that did not exist then had its default.
    options = {one.name: one.default for one in fields(TrainingOptions)} | config.get("options", {})
    facts = {f"--{name}": value for name, value in options.items() if name not in NOT_COMPARED}
    data = config.get("dataset", {})
    facts["labels"] = data.get("labels")
    for name, split in data.get("splits", {}).items():
        shards = split.get("shards", {}).items()
        facts |= {f"{name} {key}": value for key, value in split.items() if key == "pictures"}
        facts |= {f"content of {shard}": str(digest)[:12] for shard, digest in shards}
    return facts


def _differences(there: Mapping, config: Mapping) -> list[str]:
    """A line for each option and each fact about the data in which two config.json differ."""
    lines, old, new = [], _compared(there), _compared(config)
    for name in sorted(old.keys() | new.keys()):
        option = name.removeprefix("--")
        was, now = old.get(name), GONE[option] if option in GONE else new.get(name)
        if was == now or (option == "checkpoint_path" and _one_start(str(was or ""), str(now or ""))):
            continue
        if option in GONE:
            end = f"; there is no such option any more (CHANGELOG.md), and every training has {now!r}"
        else:
            end = f", {now!r} " + ("asked for" if name.startswith("--") else "now")
        lines.append(f"  {name}: {was!r} there{end}")
    return lines


def _one_start(was: str, now: str) -> bool:
    """Whether two texts may mean one start, spelled otherwise, copied, or gone: a state does not need it."""
    if not (was and now) or from_imagenet(was) != from_imagenet(now):
        return False
    files = []
    for path in (Path(was), Path(now)):
        places = (path / WEIGHTS, path, Path(f"{path}.index"))
        files += [next((file.resolve() for file in places if file.is_file()), None)]
    one, other = files
    return one is None or other is None or one == other or sha256_of(one) == sha256_of(other)


def begun_config(folder: Path, config: Mapping) -> dict:
    """config.json of exactly this training, where it was begun in `folder`, finished or not; else {}.

    Raises:
        ValueError: it holds another training or a checkpoint; the message names what differs.
    """
    cure = f"another --train_dir; to start from its weights add --checkpoint_path={folder}."
    there = {name for name in (CONFIG, WEIGHTS, STATE, PREVIOUS) if (folder / name).is_file()}
    states = there & {STATE, PREVIOUS}
    if (there and CONFIG not in there) or (WEIGHTS in there and not states):
        what = "a checkpoint" if is_checkpoint(folder) else f"{' and '.join(sorted(there))} of something else"
        raise ValueError(_SAID["not_resumed"].format(folder, what, STATE, CONFIG, cure))
    begun = read_config(folder) if there else {}
    if process()[0] and not states:  # process 0 has begun
        raise ValueError(f"--train_dir={folder} must be on a disk that all processes share.")
    if not states:  # nothing is there, or what a start that was cut off has left
        return {}
    try:
        differing = _differences(begun, config)
        Machine.from_json(begun["options"] | begun["chosen"])
    except (AttributeError, TypeError, KeyError) as error:
        raise ValueError(f"{folder / CONFIG} is damaged ({error}). Give {cure}") from None
    if differing and never_learnt(folder):
        return {}  # with other options it begins anew
    if differing:
        raise ValueError(_SAID["another"].format(folder, "\n".join(differing), cure))
    return begun
