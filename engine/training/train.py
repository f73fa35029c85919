"""The training program, read from top to bottom: plan, state, fit, thresholds."""

from collections.abc import Callable
from contextlib import closing, nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from keras.distribution import DataParallel
from rich.console import Console

from datasets.problems import some_of
from datasets.records import RecordDataset, open_dataset
from engine.evaluation import Evaluation, evaluate_model
from engine.input_pipeline import naming_unreadable_pictures
from engine.measures.thresholds import choose_thresholds
from engine.measures.trained_on import with_past
from engine.training import devices
from engine.training.between_steps import Bookkeeper, TrainingLog
from engine.training.learning import NEW_NAMES, TrainingModel, make_optimizer, multipliers_of, new_outputs_of
from engine.training.machine import described, explaining_memory
from engine.training.options import VALIDATION, TrainingOptions
from engine.training.plan import Run, Say, plan, validation_split
from engine.training.run_folder import Standing, alone_in, begin, demanding_room, put_back, resume
from engine.training.start import checkpoint_at
from files.writing import write_bytes, write_json
from nets.checkpoint import THRESHOLDS, Checkpoint, build_model, read_checkpoint
from terminal.bars import TrainingBar
from visualization.drawing import draw_boxes

FIRST_PICTURES, IN_A_ROW = 16, 4  # of first_batch.jpg, at most


def train(options: TrainingOptions, console: Console | None = None) -> bool:
    """Train, or go on training, talking to the console; whether it is finished, its thresholds chosen.

    It is not where a signal stopped it, and the same options go on; nor in other processes than the first.

    Raises:
        ValueError: something about the options, the data, the starting weights or the folder is wrong.
        FloatingPointError: the loss is not finite; the message names the pictures.
    """
    first = devices.process()[0] == 0
    console = console or Console(quiet=not first)
    # Names and paths are other people's, and no markup.
    say = partial(console.print, highlight=False, soft_wrap=True, markup=False, emoji=False)
    # The others find what the first has begun, and all that it decided, as one that goes on finds it.
    with alone_in(options.train_dir) if first else nullcontext(devices.wait_for_all("begun")):
        # ---------------------------- data, network, starting weights: what will run
        run = plan(options, console, say)

        # -------------------------------------------------- where the training stands
        state = resume(run.folder, run.config, run.settings.max_number_of_steps, say) if run.begun else None
        trainer = None if state is not None and state.standing.finished else new_trainer(run)
        if state is None:
            traces = run.dataset.traces(options.dataset_split_name)
            traces = with_past(traces, checkpoint_at(options.checkpoint_path))
            standing = begin(run.folder, run.config, traces, trainer)
        else:
            standing = state.standing if trainer is None else put_back(state, trainer)
        if first:
            devices.wait_for_all("begun")

        # ------------------------------------------------------------------------ fit
        if trainer is None:
            say("This training is finished; its weights are there. Nothing to do.")
        else:
            fit(run, trainer, standing, console, say)
        devices.part()
        if not (first and standing.finished):
            return False
        if trainer is not None:
            best = f", best validation mAP {standing.best:.3f} at step {standing.best_step}"
            best = best if run.validation else ""
            say(f"Done after {standing.seconds / 60:.1f} minutes of training{best}: {run.folder}")

        # ------------------------------------------- from which score on a name is said
        if run.validation and not (run.folder / THRESHOLDS).is_file():
            write_thresholds(run.folder, dataset_dir=options.dataset_dir, say=say)
    return True


def new_trainer(run: Run) -> TrainingModel:
    """The network as it learns, with a fresh optimiser."""
    if run.settings.trainable_scopes == NEW_NAMES:
        multipliers = new_outputs_of(run.model, run.dataset.labels, run.config["start"]["known"])
    else:
        multipliers = multipliers_of(run.model, run.settings.learning_rate_multipliers)
    steps, precision = run.settings.max_number_of_steps, run.machine.precision
    optimizer = make_optimizer(run.settings, total_steps=steps, precision=precision, multipliers=multipliers)
    optimizer.build(run.model.trainable_variables)
    trainer = TrainingModel(run.network, run.model, run.settings)
    xla: Any = run.machine.jit_compile
    trainer.compile(optimizer=optimizer, jit_compile=xla)
    return trainer


def fit(run: Run, trainer: TrainingModel, standing: Standing, console: Console, say: Say) -> None:
    """The steps that are left, and what happens between them; `trainer` and `standing` change in place."""
    process, processes = devices.process()
    batches = run.pictures.batches(standing.step, process=process, processes=processes)
    batch_size, total_steps = run.settings.batch_size, run.settings.max_number_of_steps
    with (
        explaining_memory(batch_size),
        naming_unreadable_pictures(run.dataset, run.settings.dataset_split_name),
        nullcontext() if process else closing(TrainingLog(run.folder, step=standing.step, say=say)) as log,
        DataParallel(auto_shard_dataset=False).scope() if run.devices > 1 else nullcontext(),
    ):
        say(run.summary())
        say(described(run.machine, run.devices, processes))
        devices.wait_for_all("a step to begin with")
        if devices.most(standing.step) != -devices.most(-standing.step):
            raise ValueError(f"{run.folder}: processes have read states of different steps; try again.")
        devices.spread([*trainer.variables, *trainer.optimizer.variables, *trainer.metrics_variables])
        if standing.step == 0 and log:
            picture = first_batch_picture(batches, run.dataset.labels)
            jpeg = tf.io.encode_jpeg(picture, quality=95, chroma_downsampling=False)
            with demanding_room(run.folder, "first_batch.jpg", 0):
                write_bytes(run.folder / "first_batch.jpg", jpeg.numpy())
            log.picture("first_batch", picture, step=0)
        bar = TrainingBar(step=standing.step, total_steps=total_steps, batch_size=batch_size, console=console)
        keeper, left = Bookkeeper(run, standing, log, bar, say), total_steps - standing.step
        trainer.fit(batches, steps_per_epoch=left, shuffle=False, verbose=0, callbacks=[keeper])


def first_batch_picture(batches, labels: tuple[str, ...]) -> np.ndarray:
    """The first augmented pictures with their boxes, as the network sees them: uint8 [H, W, 3]."""
    images, targets = next(iter(batches.take(1)))
    drawn = []
    for image, boxes, classes in zip(images, targets["boxes"], targets["classes"], strict=True):
        real = np.asarray(classes) > 0
        names = [labels[c - 1] for c in np.asarray(classes)[real]]
        pixels = np.clip(np.round(np.asarray(image)), 0, 255).astype(np.uint8)
        drawn.append(draw_boxes(pixels, np.asarray(boxes)[real], names))
    shown = np.pad(drawn[:FIRST_PICTURES], ((0, 0), (2, 2), (2, 2), (0, 0)))  # a thin dark frame
    columns = min(IN_A_ROW, len(shown))
    shown = np.pad(shown, ((0, -len(shown) % columns), (0, 0), (0, 0), (0, 0)))
    return np.vstack([np.hstack(list(row)) for row in np.split(shown, len(shown) // columns)])


# ------------------------------------------------------- the last act, and what a report needs of it
def write_thresholds(
    folder: Path, *, dataset_dir: Path | None = None, say: Callable[[str], object] = lambda line: None
) -> None:
    """Choose from which score on each name is reported, by the best weights, and write thresholds.json.

    Without anything to measure on there is no such file. The training need not be finished; `dataset_dir` is
    where its records are now, if they have moved. ValueError: no checkpoint, or no records.
    """
    checkpoint = read_checkpoint(folder)
    dataset, split, _ = records_of(checkpoint, dataset_dir)
    if split is None:
        return
    evaluation = measure_best_weights(checkpoint, dataset, split)
    thresholds = choose_thresholds(evaluation.detections, evaluation.result, chosen_on=split)
    write_json(folder / THRESHOLDS, asdict(thresholds))
    shown = some_of([f"{name} {threshold:.2f}" for name, threshold in thresholds.names.items()], 12)
    say(f"Thresholds with the best F1 on {split}: {shown}")


def records_of(
    checkpoint: Checkpoint, dataset_dir: Path | None = None
) -> tuple[RecordDataset, str | None, str]:
    """The records that a checkpoint was trained on, and their `validation_split`; as `write_thresholds`."""
    options = checkpoint.config.get("options", {})
    if dataset_dir is None and "dataset_dir" not in options:
        config = checkpoint.folder / "config.json"
        raise ValueError(f"{config} does not say where the training's records are: give --dataset_dir.")
    dataset = open_dataset(dataset_dir or Path(options["dataset_dir"]), options.get("dataset_name"))
    return dataset, *validation_split(dataset, options.get("validation_split_name", VALIDATION))


def measure_best_weights(checkpoint: Checkpoint, dataset: RecordDataset, split: str) -> Evaluation:
    """A checkpoint on the set that it was chosen on."""
    batch_size = int(checkpoint.config.get("options", {}).get("batch_size") or 16)
    batch_size, labels = min(batch_size, dataset.split(split).pictures), checkpoint.labels
    model, network = build_model(checkpoint), checkpoint.network
    return evaluate_model(model, network, dataset, split, batch_size=batch_size, labels=labels)
