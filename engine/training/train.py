"""The training program, read from top to bottom: data, network, starting weights, loss, fit."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import keras
import numpy as np
from rich.console import Console

from datasets.pictures import save_picture
from datasets.records import RecordDataset, has_countable_box, open_dataset, traces_of_records
from engine.evaluation import evaluate_model
from engine.input_pipeline import (
    naming_unreadable_pictures,
    remembered,
    training_batches,
    training_filenames,
)
from engine.training.anchors import choose_anchors
from engine.training.between_steps import Bookkeeper, Schedule, demand_best_weights
from engine.training.devices import cpu_has_avx512, has_gpu
from engine.training.freezing import (
    Stage,
    demand_statistics,
    freezes_batch_norm,
    multipliers_of,
    scopes,
    set_trainable,
    stages_of,
)
from engine.training.length import training_length
from engine.training.log import TrainingLog
from engine.training.memory import explaining_memory, free_bytes, memory_warning
from engine.training.model import TrainingModel
from engine.training.optimizer import make_optimizer, resolve
from engine.training.options import VALIDATION, TrainingOptions
from engine.training.precision import choose_precision, computing_in, scaling_loss
from engine.training.run_config import chosen, decided_by_machine, make_config
from engine.training.run_folder import (
    LAST,
    Progress,
    alone_in,
    begin,
    can_resume,
    demanding_room,
    put_back,
    read_state,
    state_of,
)
from engine.training.start import expect_background, starting_weights
from engine.training.validation import write_thresholds
from files.writing import write_json
from nets import get_network
from nets.checkpoint import CONFIG, THRESHOLDS, anchors_for_config, read_network
from nets.network import Network
from preprocessing.presets import adjusted, get_preset
from terminal.bars import TrainingBar
from visualization.drawing import contact_sheet, draw_boxes

MOSAIC_PICTURES = 16
FEW_PICTURES = 1000  # what small_cpu and small_gpu are made for: engine/training/recipes.py


def train(options: TrainingOptions, console: Console | None = None) -> bool:
    """Train, or go on training.

    Args:
        options: as from the command line.
        console: where to talk; standard output if not given.

    Returns:
        Whether the training is finished, the thresholds of its detector chosen; it is not where a signal
        stopped it, and the same options go on.

    Raises:
        ValueError: something about the options, the data, the starting weights or the folder is wrong.
        FloatingPointError: the loss is not finite; the message names the pictures.
    """
    with alone_in(options.train_dir):
        return _train(options, console or Console())


def _train(options: TrainingOptions, console: Console) -> bool:
    # Names and paths are other people's, and no markup.
    say = partial(console.print, highlight=False, soft_wrap=True, markup=False, emoji=False)
    keras.utils.set_random_seed(options.seed)

    # ------------------------------------------------------------------ data
    dataset = open_dataset(options.dataset_dir, options.dataset_name)
    if dataset.note:
        say(dataset.note)
    training_split = dataset.split(options.dataset_split_name)
    if not training_split.boxes:
        raise ValueError(
            f"{dataset.folder}: split {options.dataset_split_name!r} has no boxes, and nothing can be learnt "
            "from it: label its pictures and convert again."
        )
    validation = _is_validated(dataset, options, say)
    length = training_length(options, training_split.pictures)
    batch_size, total_steps, evaluate_steps = length.batch_size, length.steps, length.evaluate_steps
    if length.why:
        say(length.why)
    if options.recipe == "none" and options.checkpoint_path and training_split.pictures <= FEW_PICTURES:
        say(
            "Without --recipe values are the usual ones; --recipe=small_cpu, or small_gpu for a VGG network, "
            "has those that measured best on a few hundred pictures (docs/recipe.md)."
        )
    settings = replace(
        options, batch_size=batch_size, max_number_of_steps=total_steps, evaluate_steps=evaluate_steps
    )
    settings = resolve(settings, total_steps=total_steps, pretrained=bool(options.checkpoint_path))

    # --------------------------------------------------------------- network
    network = get_network(options.model_name)
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
    config = make_config(options, dataset, network, augmentation)
    folder = options.train_dir
    resuming = can_resume(folder, config)
    begun = json.loads((folder / CONFIG).read_text(encoding="utf-8")) if resuming else {}
    settings = replace(
        settings,
        precision=choose_precision(options.precision, network),
        jit_compile="on" if use_xla(network, options.jit_compile) else "off",
    )
    settings = replace(settings, **decided_by_machine(begun))
    with computing_in(settings.precision):
        model = network.build(len(dataset.labels) + 1)
    settings = replace(settings, freeze_batch_norm="on" if freezes_batch_norm(model, options) else "off")

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
        optimizer = scaling_loss(optimizer, settings.precision)
        optimizer.build(model.trainable_variables)
        trainer = TrainingModel(network, model, options)
        trainer.compile(optimizer=optimizer, jit_compile=settings.jit_compile == "on")
        return trainer

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
        config["start"] = begun.get("start")
        state = read_state(folder, say)
        progress = state.progress
        say(f"Resuming {folder} after step {progress.step} of {total_steps}.")
        demand_best_weights(folder, progress, say)
        if begun.get("options") != config["options"]:  # the records have moved, say
            with demanding_room(folder, CONFIG, progress.step):
                write_json(folder / CONFIG, begun | {"options": config["options"]})
        if progress.finished:
            say("This training is finished; its weights are there. Nothing to do.")
            if validation and not (folder / THRESHOLDS).is_file():  # cut off before they were chosen
                write_thresholds(folder, dataset_dir=options.dataset_dir, say=say)
            return True
        network = read_network(folder)  # with the anchors that it was begun with
        memory, said = remembered(dataset, options.dataset_split_name, settings.cache_pictures, free_bytes())
        config |= anchors_for_config(network) | {"chosen": chosen(options, settings)}
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
        say(f"New training in {folder} from {start.summary()}")
        if not start.restored and "vgg" in network.name:
            say(
                "Warning: a VGG network from random weights needs very many pictures. "
                "Give --checkpoint_path=imagenet, an .npz or a checkpoint."
            )
        memory, said = remembered(dataset, options.dataset_split_name, options.cache_pictures, free_bytes())
        settings = replace(settings, cache_pictures="off" if memory is None else "on")
        with console.status("Looking at the training pictures"):
            network = choose_anchors(
                network,
                options.anchors,
                checkpoint_path=options.checkpoint_path,
                batches=lambda: batches_from(0),
                say=say,
            )
            traces = traces_of_records(training_split.files)
        config |= anchors_for_config(network) | {"chosen": chosen(options, settings)}
        # A state from the start on: whatever is found beside it was written by this training. And a disk
        # without room for it is found now, not after the first hour.
        progress = Progress()
        trainer = new_trainer(first)
        state = state_of(trainer, progress)
        with demanding_room(folder, "the start of a training"):
            begin(folder, config, traces, trainer, progress)
    for half in (*folder.glob(".*.tmp"), *(folder / LAST).glob(".*.tmp")):  # of a training that was killed
        half.unlink()
    free = None if has_gpu() else free_bytes()
    for line in (said, memory_warning(model, batch_size, free)):
        if line:
            say(line)
    say(
        f"{network.name}, {len(dataset.labels)} names, {training_split.pictures} pictures with "
        f"{training_split.boxes} boxes; {total_steps} steps of {batch_size} pictures = "
        f"{total_steps * batch_size / max(1, training_split.pictures):.1f} passes; "
        f"{settings.optimizer} with rate {settings.learning_rate:g}, {settings.learning_rate_decay_type}, "
        f"warm-up {settings.warmup_steps} steps"
        + (f"; {frozen} of {len(model.layers)} layers frozen" if frozen else "")
        + (f" until step {first.end}" if len(stages) > 1 else "")
        + (f"; computing in {settings.precision}" if settings.precision != "float32" else "")
        + ("; batch normalisation frozen" if settings.freeze_batch_norm == "on" else "")
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
                explaining_memory(model, batch_size, free),
                naming_unreadable_pictures(dataset, options.dataset_split_name),
            ):
                trainer.fit(
                    batches_from(progress.step),
                    epochs=1,
                    steps_per_epoch=stage.end - progress.step,
                    shuffle=False,
                    verbose=0,
                    callbacks=[bar.callback(), bookkeeper],
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
        if validation:
            write_thresholds(folder, dataset_dir=options.dataset_dir, say=say)
    return progress.finished


def use_xla(network: Network, choice: str) -> bool:
    """Whether to compile with XLA, as chosen or, for `auto`, as measured."""
    if choice != "auto":
        return choice == "on"
    if has_gpu():
        return True
    # On two cores with AVX-512, ssd_300_vgg trains with XLA at 0.81 of the speed without. On two with AVX2
    # only it is said to take 1.95 s a picture without and 1.6 s with, which was not measured here.
    return network.jit_on_cpu and not cpu_has_avx512()


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
    return contact_sheet(drawn, columns=4)


def _is_validated(dataset: RecordDataset, options: TrainingOptions, say: Callable[[str], None]) -> bool:
    """Whether there is a set to validate on; one that was asked for must exist, and serve."""
    name, count = options.validation_split_name, options.validation_pictures
    try:
        dataset.split_name(name)
    except ValueError:
        if name != VALIDATION:
            raise
        say("There is no validation set: the last weights are kept, and nothing says how good they are.")
        return False
    if has_countable_box(dataset.split(name).files, count or None):
        return True
    which = f"the first {count} pictures" if count else "the pictures"
    problem = f"{dataset.folder}: {which} of split {name!r} have no object that counts"
    if name != VALIDATION or count:
        raise ValueError(f"{problem}: nothing could be measured on them. Give another set, or more of it.")
    say(f"{problem}: nothing is measured during this training, and its last weights are kept.")
    return False
