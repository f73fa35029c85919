"""The training program, read from top to bottom: data, network, starting weights, loss, fit."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import keras
import numpy as np
from rich.console import Console

from datasets.pictures import save_picture
from datasets.records import RecordDataset, open_dataset
from engine.anchor_choice import choose_anchors
from engine.bookkeeping import Bookkeeper, Schedule
from engine.devices import has_gpu
from engine.evaluation import evaluate_model
from engine.input_pipeline import (
    naming_unreadable_pictures,
    remembered,
    training_batches,
    training_filenames,
)
from engine.memory import explaining_memory, free_bytes
from engine.optimizers import make_optimizer, resolve
from engine.precision import choose_precision, computing_in, scaling_loss
from engine.progress import TrainingBar
from engine.run_state import (
    Progress,
    can_resume,
    demanding_room,
    put_back,
    read_state,
    save_state,
    state_of,
)
from engine.stages import (
    Stage,
    demand_statistics,
    freezes_batch_norm,
    multipliers_of,
    scopes,
    set_trainable,
    stages_of,
)
from engine.starting_weights import expect_background, starting_weights
from engine.training_length import training_length
from engine.training_log import TrainingLog
from engine.training_model import TrainingModel
from engine.training_options import VALIDATION, TrainingOptions
from engine.training_report import REPORT, write_training_report
from nets import get_network
from nets.checkpoint import CONFIG, anchors_for_config, read_network, write_json
from nets.network import Network
from nets.versions import versions
from preprocessing.presets import adjusted, get_preset
from visualization.drawing import draw_boxes, mosaic

MOSAIC_PICTURES = 16


def train(options: TrainingOptions, console: Console | None = None) -> Path:
    """Train, or go on training.

    Args:
        options: as from the command line.
        console: where to talk; standard output if not given.

    Returns:
        The checkpoint folder: `options.train_dir`.

    Raises:
        ValueError: something about the options, the data, the starting weights or the folder is wrong.
        FloatingPointError: the loss is not finite; the message names the pictures.
    """
    console = console or Console()
    say = partial(console.print, highlight=False, soft_wrap=True)
    keras.utils.set_random_seed(options.seed)

    # ------------------------------------------------------------------ data
    dataset = open_dataset(options.dataset_dir, options.dataset_name)
    if dataset.note:
        say(dataset.note)
    training_split = dataset.split(options.dataset_split_name)
    validation = _validation_split(dataset, options)
    length = training_length(options, training_split.pictures)
    batch_size, total_steps, evaluate_steps = length.batch_size, length.steps, length.evaluate_steps
    if length.why:
        say(length.why)
    settings = replace(
        options, batch_size=batch_size, max_number_of_steps=total_steps, evaluate_steps=evaluate_steps
    )
    settings = resolve(settings, total_steps=total_steps, pretrained=bool(options.checkpoint_path))

    # --------------------------------------------------------------- network
    network = get_network(options.model_name)
    precision = choose_precision(options.precision)
    settings = replace(settings, precision=precision)
    with computing_in(precision):
        model = network.build(len(dataset.labels) + 1)
    config = make_config(options, settings, dataset, network)
    folder = options.train_dir
    resuming = can_resume(folder, config)

    # -------------------------------------------------------- what will run
    stages = stages_of(options, total_steps)
    first = stages[0]
    frozen = set_trainable(model, options, unfrozen=first.unfrozen)

    def new_trainer(stage: Stage) -> TrainingModel:
        """The network as it learns in a stage, with a fresh optimiser."""
        set_trainable(model, options, unfrozen=stage.unfrozen)
        optimizer = make_optimizer(
            settings,
            total_steps=total_steps,
            steps_per_pass=training_split.pictures / batch_size,
            first_step=stage.first_step,
            multipliers=multipliers_of(model, options.learning_rate_multipliers),
        )
        optimizer = scaling_loss(optimizer, precision)
        optimizer.build(model.trainable_variables)
        trainer = TrainingModel(network, model, options)
        trainer.compile(optimizer=optimizer, jit_compile=use_xla(network, options.jit_compile))
        return trainer

    augmentation = adjusted(
        get_preset(options.augmentation),
        colour_strength=options.colour_strength,
        zoom_out_probability=options.zoom_out_probability,
        zoom_out_max=options.zoom_out_max,
        crop_min=options.crop_min,
        flip_probability=options.flip_probability,
        mosaic_probability=options.mosaic_probability,
        paste_probability=options.paste_probability,
    )

    def batches_from(step: int):
        return training_batches(
            dataset,
            options.dataset_split_name,
            image_size=network.image_size,
            batch_size=batch_size,
            augmentation=augmentation,
            seed=options.seed,
            first_step=step,
            repeat_threshold=options.repeat_factor,
            memory=memory,
        )

    # ------------------------------------------------------ starting weights
    if resuming:
        begun = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        config["start"] = begun.get("start")
        state = read_state(folder, say)
        progress = state.progress
        say(f"[bold]Resuming[/bold] {folder} after step {progress.step} of {total_steps}.")
        if progress.finished:
            say("This training is finished; its weights are there. Nothing to do.")
            if options.report and not (folder / REPORT).is_file():  # cut off before it was written
                report(folder, say)
            return folder
        network = read_network(folder)  # with the anchors that it was begun with
        config |= anchors_for_config(network)
        # As it was begun: pictures in memory differ a little from those decoded each time.
        keeping = config["chosen"]["cache_pictures"] = begun.get("chosen", {}).get("cache_pictures", "off")
        memory, said = remembered(dataset, options.dataset_split_name, keeping, free_bytes())
    else:
        start = starting_weights(
            model,
            network,
            dataset.labels,
            options.checkpoint_path,
            scope=options.checkpoint_model_scope,
            skip=scopes(options.checkpoint_exclude_scopes),
        )
        demand_statistics(model, options, start.restored)
        if options.loss == "focal":
            expect_background(model, start.fresh, len(dataset.labels) + 1)
        config["start"] = {"source": start.source, "restored": len(start.restored), "fresh": len(start.fresh)}
        say(f"[bold]New training[/bold] in {folder} from {start.summary()}")
        if not start.restored and "vgg" in network.name:
            say(
                "[yellow]Warning:[/yellow] a VGG network from random weights needs very many pictures. "
                "Give --checkpoint_path=imagenet, an .npz or a checkpoint."
            )
        memory, said = remembered(dataset, options.dataset_split_name, options.cache_pictures, free_bytes())
        config["chosen"]["cache_pictures"] = "off" if memory is None else "on"
        network = choose_anchors(
            network,
            options.anchors,
            checkpoint_path=options.checkpoint_path,
            batches=lambda: batches_from(0),
            say=say,
        )
        config |= anchors_for_config(network)
        # A state from the start on: whatever is found beside it was written by this training. And a disk
        # without room for it is found now, not after the first hour.
        progress = Progress()
        trainer = new_trainer(first)
        state = state_of(trainer, progress)
        with demanding_room(folder, "the start of a training"):
            folder.mkdir(parents=True, exist_ok=True)
            write_json(folder / CONFIG, config)
            save_state(folder, trainer, progress)
    for half in folder.glob(".*.tmp"):  # of a training that was killed while it wrote
        half.unlink()
    if said:
        say(said)
    say(
        f"{network.name}, {len(dataset.labels)} names, {training_split.pictures} pictures with "
        f"{training_split.boxes} boxes; {total_steps} steps of {batch_size} pictures = "
        f"{total_steps * batch_size / max(1, training_split.pictures):.1f} passes; "
        f"{settings.optimizer} with rate {settings.learning_rate:g}, {settings.learning_rate_decay_type}, "
        f"warm-up {settings.warmup_steps} steps"
        + (f"; {frozen} of {len(model.layers)} layers frozen" if frozen else "")
        + (f" until step {first.end}" if len(stages) > 1 else "")
        + (f"; computing in {precision}" if precision != "float32" else "")
        + ("; batch normalisation frozen" if freezes_batch_norm(model, options) else "")
    )

    # ------------------------------------------------------------------- fit
    def evaluate() -> Mapping[str, float]:
        result = evaluate_model(
            model,
            network,
            dataset,
            options.validation_split_name,
            batch_size=batch_size,
            max_pictures=options.validation_pictures or None,
        )
        return {"map_voc07": result.map_voc07, "map_voc12": result.map_voc12}

    log = TrainingLog(folder, step=progress.step)
    if progress.step == 0:
        picture = first_batch_picture(batches_from(0), dataset.labels)
        with demanding_room(folder, "first_batch.jpg", 0):
            save_picture(folder / "first_batch.jpg", picture)
        log.picture("first_batch", picture, step=0)
    bar = TrainingBar(step=progress.step, total_steps=total_steps, batch_size=batch_size, console=console)
    try:
        for stage in (stage for stage in stages if stage.end > progress.step):
            trainer = new_trainer(stage)
            put_back(state, trainer, optimizer=progress.step > stage.first_step)
            bookkeeper = Bookkeeper(
                folder,
                model,
                progress,
                Schedule(
                    total_steps,
                    stage.end,
                    evaluate_steps,
                    options.save_interval_secs,
                    options.early_stopping,
                ),
                config=config,
                evaluate=evaluate if validation else None,
                guilty_pictures=lambda step: training_filenames(
                    dataset,
                    options.dataset_split_name,
                    batch_size=batch_size,
                    augmentation=augmentation,
                    seed=options.seed,
                    step=step,
                    repeat_threshold=options.repeat_factor,
                ),
                log=log,
                bar=bar,
                say=say,
            )
            with (
                explaining_memory(model, batch_size, free_bytes()),
                naming_unreadable_pictures(dataset, options.dataset_split_name),
            ):
                trainer.fit(
                    batches_from(progress.step),
                    epochs=1,
                    steps_per_epoch=stage.end - progress.step,
                    shuffle=False,
                    verbose=0,
                    callbacks=[bar, bookkeeper],
                )
            if trainer.stop_training:
                break
            say(f"Step {progress.step}: from here on every layer learns.")
            state = state_of(trainer, progress)  # what a killed training would read
    finally:
        log.close()
    if progress.finished:
        best = f", best validation mAP {progress.best:.3f} at step {progress.best_step}" if validation else ""
        say(f"Done after {progress.seconds / 60:.1f} minutes of training{best}: {folder}")
        if options.report:
            report(folder, say)
    return folder


def report(folder: Path, say: Callable[..., None]) -> None:
    """Thresholds and report.html, by the best weights."""
    say("Choosing thresholds and writing the report ...")
    # Names come from other people's files and are no markup.
    path = write_training_report(folder, say=lambda line: say(line, markup=False))
    say(f"See {path}", markup=False)


def use_xla(network: Network, choice: str) -> bool:
    """Whether to compile with XLA, as chosen or, for `auto`, as measured."""
    if choice != "auto":
        return choice == "on"
    if has_gpu():
        return True
    return network.jit_on_cpu and not _has_avx512()


def _has_avx512() -> bool:
    """Whether this CPU has AVX-512, which TensorFlow's convolutions use and XLA's do not.

    Measured with benchmarks/networks.py on two cores with AVX-512: ssd_300_vgg trains with XLA at 0.81 of the
    speed without. On two with AVX2 only it is said to take 1.95 s a picture without and 1.6 s with, which
    this project has not measured itself.
    """
    config = np.show_config(mode="dicts")
    found = config["SIMD Extensions"]["found"] if config else []
    return any(name.startswith("AVX512") or name == "X86_V4" for name in found)


def first_batch_picture(batches, labels: tuple[str, ...]) -> np.ndarray:
    """The first augmented pictures with their boxes, as the network sees them: uint8 [H, W, 3]."""
    images, targets = next(iter(batches.take(1)))
    drawn = []
    for image, boxes, classes in list(zip(images, targets["boxes"], targets["classes"], strict=True))[
        :MOSAIC_PICTURES
    ]:
        classes = np.asarray(classes)
        names = [labels[c - 1] for c in classes[classes > 0]]
        pixels = np.clip(np.round(np.asarray(image)), 0, 255).astype(np.uint8)
        drawn.append(draw_boxes(pixels, np.asarray(boxes)[classes > 0], names))
    return mosaic(drawn, columns=4)


def make_config(
    options: TrainingOptions, settings: TrainingOptions, dataset: RecordDataset, network: Network
) -> dict:
    """What config.json says: the network, every option, the data and the versions.

    Args:
        options: as given; None is what was left to be chosen.
        settings: the same without gaps: what ran.
        dataset: the records.
        network: the network.
    """
    given, ran = asdict(options), asdict(settings)
    return {
        "model_name": network.name,
        "options": {name: str(value) if isinstance(value, Path) else value for name, value in given.items()},
        "chosen": {name: value for name, value in ran.items() if given[name] != value},
        "dataset": {
            "labels": list(dataset.labels),
            "splits": {
                name: {
                    "pictures": split.pictures,
                    "boxes": split.boxes,
                    "shards": {p.name: p.stat().st_size for p in split.files},
                }
                for name, split in dataset.splits.items()
            },
        },
        "versions": versions(),
    }


def _validation_split(dataset: RecordDataset, options: TrainingOptions) -> bool:
    """Whether there is a set to validate on; a name that was asked for must exist."""
    name = options.validation_split_name
    if name != VALIDATION or name in dataset.splits:
        return dataset.split(name).boxes > 0
    return False
