"""Measures a trained network on a set of TFRecords.

    python eval_ssd_network.py --dataset_dir=O --checkpoint_path=RUN --eval_dir=E [--dataset_split_name=test]
    python eval_ssd_network.py --dataset_dir=O --checkpoint_path=RUN --eval_dir=E --wait_for_checkpoints

Writes into E `report.html` (for people), `report.json` (the numbers) and `detections.json` (what was found,
in pixels, with every score from 0.01 up). The same command writes the same files. Beside a running training
--wait_for_checkpoints measures each new checkpoint, with a line in E/metrics.csv and a point in TensorBoard.

Exit status: 0; 1 if there was nothing to measure; 2 for wrong flags; 130 if stopped with Ctrl-C.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich.box
import rich.console
import rich.progress
import rich.table
import rich.text

from ssd_tensorflow import flags as ancestor_flags
from terminal.command import command
from terminal.quiet import start_tensorflow

if TYPE_CHECKING:
    from datasets.records import RecordDataset
    from engine.measures.measure import Measurements
    from engine.measures.strangers import StrangerDetections, StrangerResult
    from nets.checkpoint import Checkpoint

# Longer side of the pictures in report.html: readable labels, two beside each other on a page.
GALLERY_PIXELS = 420


@dataclass(frozen=True)
class Options:
    """Measures a trained network on a set of TFRecords: VOC 2007, VOC 2012 and COCO average precision."""

    dataset_dir: Path
    """Folder of TFRecords: the --output_dir of tf_convert_data.py."""
    checkpoint_path: Path
    """Checkpoint folder: the --train_dir of a training. Or a TensorFlow checkpoint or .npz of tf-slim names,
    whose classes are named by a labels.txt beside it, or by the dataset."""
    eval_dir: Path
    """Folder for report.html, report.json and detections.json; made if it does not exist."""
    model_name: str | None = None
    """Network of a TensorFlow checkpoint; not given: found out. A checkpoint folder says its own."""
    dataset_name: str | None = None
    """Look only at the sets of this name: pascalvoc_2007 means voc_2007_test and so on, pascalvoc or nothing
    means all."""
    dataset_split_name: str = "test"
    """Set to measure on: train, validation, test, or the --output_name of a conversion."""
    batch_size: int = 16
    """Pictures that the network sees at once."""
    max_pictures: int | None = None
    """Measure only the first so many pictures."""
    max_num_batches: int | None = None
    """Measure only the first so many times --batch_size pictures."""
    wait_for_checkpoints: bool = False
    """Measure each new checkpoint of a running training as it appears, until that is finished."""
    wait_minutes: float = 60.0
    """Without any sign of life from the training for so long, stop waiting."""
    score_threshold: float | None = None
    """Score from which detections are reported: for precision, recall, the confusion matrix and the drawn
    pictures. Not given: for each name the one that its training chose on the validation set, 0.5 where it
    chose none. Average precision looks at all scores."""
    strangers_dir: Path | None = None
    """Folder of pictures that show none of the characters (other series, photographs, empty scenes): counts
    how often somebody there is taken for one, and how well "unknown" would be answered."""
    gallery_pictures: int = 8
    """How many of the best and of the worst pictures report.html shows; 0 for none."""

    def __post_init__(self):
        if self.score_threshold is not None and not 0.01 <= self.score_threshold <= 1:
            raise ValueError(
                f"--score_threshold must be in 0.01...1, not {self.score_threshold}: below 0.01 nothing "
                "counts as a detection."
            )
        for flag, least in (
            ("batch_size", 1),
            ("max_pictures", 1),
            ("max_num_batches", 1),
            ("gallery_pictures", 0),
            ("wait_minutes", 0),
        ):
            value = getattr(self, flag)
            if value is not None and value < least:
                raise ValueError(f"--{flag} must be at least {least}, not {value}.")

    @property
    def most_pictures(self) -> int | None:
        """How many pictures to measure at most; None for all."""
        batches = self.max_num_batches
        limits = (self.max_pictures, batches if batches is None else batches * self.batch_size)
        return min((limit for limit in limits if limit is not None), default=None)


def evaluate(options: Options, console: rich.console.Console) -> Measurements:
    """Measure --checkpoint_path, write the files, and say on the console what came out.

    Raises:
        ValueError: the dataset or the checkpoint cannot be used, or there is nothing to measure.
    """
    from ssd_tensorflow.checkpoints import as_checkpoint_folder

    dataset = open_sets(options, console)
    with as_checkpoint_folder(options.checkpoint_path, dataset.labels, options.model_name) as folder:
        return measure_checkpoint(options, console, dataset, folder)


def watch(options: Options, console: rich.console.Console) -> None:
    """Measure each new checkpoint of a training until it is finished.

    Raises:
        ValueError: as `evaluate`, or no sign of life from the training for --wait_minutes.
    """
    from engine.training.log import TrainingLog
    from engine.training.watch import new_checkpoints
    from nets.checkpoint import METRICS

    dataset = open_sets(options, console)
    log = None
    console.print(f"Waiting for checkpoints in {options.checkpoint_path} (Ctrl-C stops)", highlight=False)
    for folder in new_checkpoints(options.checkpoint_path, patience=60 * options.wait_minutes):
        step = json.loads((folder / METRICS).read_text(encoding="utf-8")).get("step", 0)
        console.print(f"[bold]Checkpoint of step {step}[/bold]", highlight=False)
        found = measure_checkpoint(options, console, dataset, folder)
        log = log or TrainingLog(options.eval_dir, step=step - 1)
        figures = {"map_voc07": found.evaluation.map_voc07, "map_voc12": found.evaluation.map_voc12}
        log.row(step, {**figures, "coco_ap": found.coco.ap, "coco_ap50": found.coco.ap50})
    console.print(f"The training in {options.checkpoint_path} is finished.", highlight=False)


def open_sets(options: Options, console: rich.console.Console) -> RecordDataset:
    """The records, with what there is to say about them said."""
    # Not at the top: importing TensorFlow takes seconds that --help and wrong flags need not wait for.
    from datasets.records import open_dataset

    dataset = open_dataset(options.dataset_dir, options.dataset_name)
    if dataset.note:
        console.print(rich.text.Text(dataset.note), soft_wrap=True)
    return dataset


def measure_checkpoint(
    options: Options, console: rich.console.Console, dataset: RecordDataset, folder: Path
) -> Measurements:
    """Measure a checkpoint folder, write the files, and say on the console what came out."""
    from engine.evaluation import evaluate_model, read_pictures
    from engine.measures.measure import measure
    from engine.measures.strangers import detect_strangers
    from engine.measures.trained_on import leak_notes_of
    from engine.reports.evaluation import write_reports
    from nets.checkpoint import build_model, read_checkpoint
    from nets.thresholds import Thresholds

    checkpoint = read_checkpoint(folder)
    split = dataset.split_name(options.dataset_split_name)
    pictures = dataset.split(split).pictures
    total = min(pictures, options.most_pictures or pictures)
    notes = name_notes(dataset.labels, checkpoint.labels)
    if total < pictures:
        notes.append(f"Only the first {total} of the {pictures} pictures of {split} were measured.")
    notes += leak_notes_of(checkpoint, dataset, split)
    for note in notes:
        console.print(rich.text.Text(f"Warning: {note}", style="yellow"), soft_wrap=True)

    columns = (*rich.progress.Progress.get_default_columns(), rich.progress.MofNCompleteColumn())
    with rich.progress.Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("Detecting", total=total)
        model, batch_size = build_model(checkpoint), min(options.batch_size, total) or 1
        evaluation = evaluate_model(
            model,
            checkpoint.network,
            dataset,
            split,
            batch_size=batch_size,
            max_pictures=options.most_pictures,
            labels=checkpoint.labels,
            progress=lambda count: progress.advance(task, count),
        )
        strangers = None
        if options.strangers_dir is not None:
            progress.reset(task, description="Strangers", total=None)
            strangers = detect_strangers(
                model,
                checkpoint.network,
                checkpoint.labels,
                options.strangers_dir,
                batch_size=batch_size,
                progress=lambda done, all_: progress.update(task, completed=done, total=all_),
            )
    thresholds = checkpoint.thresholds
    if options.score_threshold is not None:
        thresholds = Thresholds(options.score_threshold, unknown=thresholds.unknown)
    measurements = measure(evaluation, thresholds, strangers=strangers)
    shown = [number for part in measurements.gallery(options.gallery_pictures) for number in part]
    write_reports(
        options.eval_dir,
        measurements,
        title=f"{checkpoint.network.name} on {split} of {options.dataset_dir.name or options.dataset_dir}",
        ran=what_ran(options, dataset, split, checkpoint),
        pictures=read_pictures(dataset, split, shown, longest=GALLERY_PIXELS),
        gallery_pictures=options.gallery_pictures,
        notes=notes,
        stranger_cards=stranger_cards(options, measurements, strangers),
    )
    console.print(name_table(measurements))
    for line in (*summary(measurements), f"See {options.eval_dir / 'report.html'}"):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    return measurements


def stranger_cards(
    options: Options, measurements: Measurements, strangers: StrangerDetections | None
) -> list[dict[str, Any]]:
    """The surest false detections on strangers, to look at."""
    from datasets.pictures import read_picture
    from engine.reports.evaluation import stranger_card
    from visualization.drawing import scale_to

    if strangers is None or options.strangers_dir is None or measurements.strangers is None:
        return []
    cards = []
    for number in measurements.strangers.worst[: options.gallery_pictures]:
        name, found = strangers.filenames[number], strangers.detections[number]
        picture = scale_to(read_picture(options.strangers_dir / name), GALLERY_PIXELS)
        cards.append(stranger_card(name, picture, found.above(measurements.thresholds.of(found.names))))
    return cards


def name_notes(dataset_labels: Sequence[str], checkpoint_labels: Sequence[str]) -> list[str]:
    """What a reader must know when data and checkpoint do not name the same.

    Raises:
        ValueError: they have no name in common.
    """
    unknown = [name for name in dataset_labels if name not in checkpoint_labels]
    unseen = [name for name in checkpoint_labels if name not in dataset_labels]
    if len(unknown) == len(dataset_labels):
        raise ValueError(
            f"The checkpoint knows none of the dataset's names, so there is nothing to measure: it knows "
            f"{', '.join(checkpoint_labels)}; the dataset has {', '.join(dataset_labels)}. Names are "
            "compared letter by letter; is this the right checkpoint?"
        )
    notes = []
    if unknown:
        notes.append(
            f"The checkpoint does not know {', '.join(unknown)}. Objects of that name cannot be found "
            "and count as missed: their average precision is 0."
        )
    if unseen:
        notes.append(
            f"The dataset does not have {', '.join(unseen)}, which the checkpoint knows. Detections of "
            "that name are wrong here, but it has no average precision and does not count in the means."
        )
    return notes


def what_ran(
    options: Options, dataset: RecordDataset, split: str, checkpoint: Checkpoint
) -> dict[str, dict[str, Any]]:
    """What a reader of the numbers needs to repeat them, as plain values."""
    from files.digests import sha256_of
    from nets.checkpoint import versions

    info = dataset.split(split)
    return {
        "options": {
            name: str(value) if isinstance(value, Path) else value for name, value in asdict(options).items()
        },
        "dataset": {
            "labels": list(dataset.labels),
            "split": split,
            "pictures": info.pictures,
            "boxes": info.boxes,
            "files": [path.name for path in info.files],
        },
        "checkpoint": {
            "model_name": checkpoint.network.name,
            "labels": list(checkpoint.labels),
            "weights_sha256": sha256_of(checkpoint.folder / "weights.npz"),
        },
        "versions": versions("faster-coco-eval"),
    }


def name_table(measurements: Measurements) -> rich.table.Table:
    """The per-name table for the screen, lowest average precision first."""
    from engine.reports.evaluation import name_rows
    from engine.reports.page import percent

    overall, evaluation = measurements.overall, measurements.evaluation
    caption = f"counts, precision and recall at {measurements.threshold_text}"
    table = rich.table.Table(
        show_footer=True, caption=caption, box=rich.box.SIMPLE_HEAD, padding=(0, 0, 0, 1)
    )
    for heading, footer in (
        ("name", "all"),
        ("AP07", percent(evaluation.map_voc07)),
        ("AP12", percent(evaluation.map_voc12)),
        ("objects", str(overall.right + overall.missed)),
        ("from", ""),
        ("found", str(overall.right)),
        ("wrong", str(overall.wrong)),
        ("precision", percent(overall.precision)),
        ("recall", percent(overall.recall)),
    ):
        numeric = heading != "name"
        table.add_column(heading, footer, justify="right" if numeric else "left", no_wrap=numeric)
    for row in name_rows(measurements):
        result, point = row["result"], row["point"]
        table.add_row(
            rich.text.Text(row["name"]),
            percent(result.ap_voc07),
            percent(result.ap_voc12),
            str(result.objects),
            f"{row['threshold']:.2f}",
            str(point.right),
            str(point.wrong),
            percent(point.precision),
            percent(point.recall),
        )
    return table


def summary(measurements: Measurements) -> list[str]:
    """The figures in lines of text, and how fast the run was."""
    evaluation, coco, timing = measurements.evaluation, measurements.coco, measurements.evaluation.timing
    lines = [
        f"mAP VOC 2007 {evaluation.map_voc07:.4f} · VOC 2012 {evaluation.map_voc12:.4f} · "
        f"COCO AP {coco.ap:.4f}, AP50 {coco.ap50:.4f}, AP75 {coco.ap75:.4f} · {evaluation.images} pictures",
        "95 % of the draws of as many pictures: "
        + ", ".join(
            f"{what} {low:.3f} to {high:.3f}"
            for what, (low, high) in (
                ("VOC 2007", measurements.intervals.map_voc07),
                ("VOC 2012", measurements.intervals.map_voc12),
            )
        ),
        "Mistakes, with the points of mAP that each kind costs: "
        + ", ".join(
            f"{count} {kind} ({100 * measurements.errors.costs[kind]:.1f})"
            for kind, count in measurements.errors.counts.items()
            if count or measurements.errors.costs[kind] >= 0.001
        ),
    ]
    if measurements.calibration.error is not None:
        lines.append(f"Expected calibration error of the scores: {measurements.calibration.error:.3f}")
    lines += [
        line
        for what, result in (
            ("strangers", measurements.strangers),
            ("pictures without anyone marked", measurements.without_objects),
        )
        if result is not None
        for line in stranger_lines(what, result)
    ]
    if timing.milliseconds_per_picture is not None and timing.waiting_share is not None:
        lines.append(
            f"{timing.milliseconds_per_picture:.1f} ms per picture, {100 * timing.waiting_share:.1f} % of it "
            "waiting for input (first batch not counted)"
        )
    if not any(len(found) for found in evaluation.detections):
        lines.append(
            "Nothing was detected with a score of 0.01 or more: was this checkpoint trained long enough?"
        )
    return lines


def stranger_lines(what: str, result: StrangerResult) -> list[str]:
    """False detections where nobody is, and what the answer "unknown" would change."""
    lines = [
        f"On {what}: {result.false_detections} false detections on {result.pictures} pictures = "
        f"{result.per_picture:.3f} per picture; {100 * result.share_with_any:.1f} % have any"
    ]
    if result.comparable:
        known = {rule: value for rule, value in result.auroc.items() if value is not None}
        lines.append(
            "  AUROC of right detections against these: "
            + ", ".join(f"{rule} {value:.3f}" for rule, value in known.items())
        )
    answer = result.unknown
    if answer is not None:
        lines.append(
            f'  With "unknown" as an answer {answer.false_detections} keep a name = '
            f"{answer.false_detections / result.pictures:.3f} per picture; so do "
            f"{100 * answer.right_kept:.1f} % of the right detections"
        )
    return lines


@command("eval_ssd_network.py")
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    options = ancestor_flags.parse(Options, arguments, ancestor_flags.EVALUATION)
    start_tensorflow()
    from ssd_tensorflow.checkpoints import is_tensorflow_checkpoint

    waits = options.wait_for_checkpoints and not is_tensorflow_checkpoint(options.checkpoint_path)
    (watch if waits else evaluate)(options, rich.console.Console())


if __name__ == "__main__":
    sys.exit(main())
