"""The result of an evaluation in plain sentences: what goes wrong, and what would help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from engine.measures.measure import Measurements
from engine.measures.strangers import StrangerResult
from engine.reports.page import percent

# What undoing a kind of mistake gains must be worth a sentence.
_WORTH = 0.01

_CURES = {
    "missed": "label more pictures like the ones where it happens (small, turned away, half hidden)",
    "wrong name": "label more pictures of the names that it mixes up, best together in one picture",
    "bad box": "look whether all boxes are drawn by the same rule (always the head, always to the same edge)",
    "wrong name and bad box": "look whether all boxes are drawn by the same rule, then label more pictures",
    "duplicate": "look whether some characters have a box for the head and others for the whole body",
    "background": "add pictures without any of the characters (other people, empty scenes), without boxes",
}

_NOTHING_LEARNT = 0.05  # mAP
_FEW_TO_JUDGE = 10  # objects; below, one picture more or less decides the figure
_FEW_PICTURES = 10  # drawing from fewer with replacement says little about others


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


def summary(measurements: Measurements) -> list[str]:
    """The figures in lines for the screen, and how fast the run was."""
    evaluation, coco, timing = measurements.evaluation, measurements.coco, measurements.evaluation.timing
    (low07, high07), (low12, high12) = measurements.intervals.map_voc07, measurements.intervals.map_voc12
    mistakes = ", ".join(
        f"{count} {kind} ({100 * measurements.errors.costs[kind]:.1f})"
        for kind, count in measurements.errors.counts.items()
        if count or measurements.errors.costs[kind] >= 0.001
    )
    lines = [
        f"mAP VOC 2007 {evaluation.map_voc07:.4f} · VOC 2012 {evaluation.map_voc12:.4f} · "
        f"COCO AP {coco.ap:.4f}, AP50 {coco.ap50:.4f}, AP75 {coco.ap75:.4f} · {evaluation.images} pictures",
        f"95 % of the draws of as many pictures: VOC 2007 {low07:.3f} to {high07:.3f}, "
        f"VOC 2012 {low12:.3f} to {high12:.3f}",
        f"Mistakes, with the points of mAP that each kind costs: {mistakes}",
    ]
    if measurements.calibration.error is not None:
        lines.append(f"Expected calibration error of the scores: {measurements.calibration.error:.3f}")
    lines += _stranger_lines("strangers", measurements.strangers)
    lines += _stranger_lines("pictures without anyone marked", measurements.without_objects)
    if timing.milliseconds_per_picture is not None and timing.waiting_share is not None:
        lines.append(
            f"{timing.milliseconds_per_picture:.1f} ms per picture, {100 * timing.waiting_share:.1f} % of it "
            "waiting for input (first batch not counted)"
        )
    if not any(map(len, evaluation.detections)):
        lines.append(
            "Nothing was detected with a score of 0.01 or more: was this checkpoint trained long enough?"
        )
    return lines


def _stranger_lines(what: str, result: StrangerResult | None) -> list[str]:
    """False detections where nobody is, and what the answer "unknown" would change."""
    if result is None:
        return []
    lines = [
        f"On {what}: {result.false_detections} false detections on {result.pictures} pictures = "
        f"{result.per_picture:.3f} per picture; {100 * result.share_with_any:.1f} % have any"
    ]
    if result.comparable:
        known = (f"{rule} {value:.3f}" for rule, value in result.auroc.items() if value is not None)
        lines.append(f"  AUROC of right detections against these: {', '.join(known)}")
    if result.unknown is not None:
        left = result.unknown.false_detections
        lines.append(
            f'  With "unknown" as an answer {left} keep a name = {left / result.pictures:.3f} per picture; '
            f"so do {100 * result.unknown.right_kept:.1f} % of the right detections"
        )
    return lines


def in_short(measurements: Measurements) -> list[str]:
    """The result in a few plain sentences."""
    overall, counts, score = measurements.overall, measurements.confusion.counts, measurements.score_threshold
    reported = "reported detections" if score is None else f"detections with a score of at least {score:g}"
    low, high = measurements.intervals.map_voc07
    pictures = measurements.evaluation.images
    sentences = [
        f"Of {overall.right + overall.missed} marked objects {overall.right} were found "
        f"({percent(overall.recall)}); of {overall.detections} {reported}, {overall.wrong} were wrong.",
        f"The mAP (VOC 2007) is {percent(measurements.evaluation.map_voc07)}; "
        + (
            f"with other pictures of the same kind it could as well be {percent(low)} to {percent(high)}."
            if pictures >= _FEW_PICTURES
            else f"{_counted(pictures, 'picture')} cannot say how much of it is luck: measure on more."
        ),
    ]
    rated = [(one.ap_voc07, one) for one in measurements.names.values() if one.ap_voc07 is not None]
    ap, weakest = min(rated, key=lambda pair: pair[0])
    if len(rated) > 1 and ap < 1:
        sentences.append(
            f"The weakest name is {weakest.name}: average precision {percent(ap)}, "
            f"{_counted(weakest.objects, 'object')}."
        )
    for marked, taken_for, count, of in most_mixed_up(measurements, 1):
        sentences.append(f"The most frequent mix-up is {marked} taken for {taken_for}: {count} of {of}.")
    missed, nothing = int(counts[:-1, -1].sum()), int(counts[-1].sum())
    wrong_names = int(_mix_ups(measurements).sum())
    if missed or nothing or wrong_names:
        sentences.append(
            f"Mistakes by kind: {missed} missed, {wrong_names} under another name, "
            f"{nothing} where nothing is marked or something found already."
        )
    else:
        sentences.append("Nothing was missed, mixed up or invented.")
    for result, what in (
        (measurements.strangers, "pictures of strangers"),
        (measurements.without_objects, "pictures on which nobody is marked"),
    ):
        if result is not None:
            sentences.append(
                f"False detections on {what}: {result.false_detections} on {result.pictures}, "
                f"{result.per_picture:.2f} per picture; {percent(result.share_with_any)} of the pictures "
                "have at least one."
            )
    return sentences


def most_mixed_up(measurements: Measurements, count: int) -> list[tuple[str, str, int, int]]:
    """The most frequent mix-ups: (marked name, detected name, how often, of how many marked)."""
    names, counts, mistakes = (
        measurements.confusion.names,
        measurements.confusion.counts,
        _mix_ups(measurements),
    )
    order = np.argsort(-mistakes, axis=None, kind="stable")[:count]
    places = np.stack(np.unravel_index(order, mistakes.shape), axis=1).tolist()
    return [
        (names[row], names[column], int(mistakes[row, column]), int(counts[row].sum()))
        for row, column in places
        if mistakes[row, column]
    ]


def _mix_ups(measurements: Measurements) -> np.ndarray:
    """How often each name was taken for each other: [K, K], rows = marked."""
    counts = measurements.confusion.counts[:-1, :-1]
    return counts - np.diag(np.diag(counts))


def what_would_help(measurements: Measurements, trained_boxes: Mapping[str, int]) -> list[str]:
    """What it confuses, which name needs more pictures, and what to do about the costliest mistakes.

    Args:
        measurements: on the validation set.
        trained_boxes: name -> boxes in the training set.
    """
    if measurements.evaluation.map_voc07 < _NOTHING_LEARNT:
        return []  # names are no worse than each other, and advice on labels would mislead
    mix_ups = [
        f"{marked} for {taken} ({count} of {of})"
        for marked, taken, count, of in most_mixed_up(measurements, 3)
        if count > 1
    ]
    sentences = [
        f"It takes {'; '.join(mix_ups)}." if mix_ups else "It does not confuse any two names more than once."
    ]
    sentences += _needs_pictures(measurements, trained_boxes)
    kind, cost = max(measurements.errors.costs.items(), key=lambda item: item[1])
    if cost >= _WORTH:
        sentences.append(
            f"The costliest mistakes are of the kind “{kind}”: without them the mAP would be "
            f"{100 * cost:.1f} points higher. What helps: {_CURES[kind]}."
        )
    few = [name for name, one in measurements.names.items() if 0 < one.objects < _FEW_TO_JUDGE]
    if few:
        sentences.append(
            f"The validation set has fewer than {_FEW_TO_JUDGE} objects of {', '.join(few)}: their figures "
            "are mostly luck, and more pictures there make them worth something."
        )
    without = [name for name, one in measurements.names.items() if not one.objects and name in trained_boxes]
    if without:
        sentences.append(f"The validation set has no {', '.join(without)}: nothing is known of them.")
    return sentences


def what_it_learnt_from(trained_boxes: Mapping[str, int]) -> list[str]:
    """All that can be said of a training that was measured on nothing.

    Args:
        trained_boxes: name -> boxes in the training set.
    """
    fewest = sorted(trained_boxes, key=lambda name: trained_boxes[name])[:3]
    listed = ", ".join(f"{name} ({_counted(trained_boxes[name], 'box', 'boxes')})" for name in fewest)
    return [
        "Whom it confuses and misses is not known: convert with a validation set, which tf_convert_data.py "
        f"makes by itself. The names with the fewest boxes to learn from are {listed}."
    ]


def _needs_pictures(measurements: Measurements, trained_boxes: Mapping[str, int]) -> list[str]:
    """Which names are found worst, and whether they are also those with the fewest boxes."""
    rated = {name: one.ap_voc07 for name, one in measurements.names.items() if one.ap_voc07 is not None}
    if len(rated) < 2:
        return []
    boxes = {name: trained_boxes.get(name, 0) for name in rated}
    said = {name: f"AP {percent(ap)}, {_counted(boxes[name], 'box', 'boxes')}" for name, ap in rated.items()}
    mean = float(np.mean(list(rated.values())))
    usual = float(np.median(list(boxes.values())))
    lowest = sorted(rated, key=lambda name: (rated[name], boxes[name]))
    upper = {name: (measurements.intervals.ap_voc07[name] or (0.0, 1.0))[1] for name in rated}
    behind = [name for name in lowest if upper[name] < mean][:3]
    if not behind:
        return [
            "No name is found so much worse than the others that it could not be luck. If you label more, "
            f"begin with {lowest[0]} ({said[lowest[0]]} to learn from)."
        ]
    scarce = [f"{name} ({said[name]})" for name in behind if boxes[name] < 0.8 * usual]
    others = [f"{name} (AP {percent(rated[name])})" for name in behind if boxes[name] >= 0.8 * usual]
    sentences = []
    if scarce:
        sentences.append(
            f"More pictures are needed most of {', '.join(scarce)}: found worse than the rest, and with "
            f"fewer boxes to learn from (half of the names have {usual:.0f} or more)."
        )
    if others:
        sentences.append(
            f"Found worse than the rest, though not for lack of boxes: {', '.join(others)}. Look at the "
            "pictures where it fails; often labels differ, or only one view of them was labelled."
        )
    return sentences


def _counted(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def how_it_learnt(
    steps: Sequence[float], precision: Sequence[float], best_step: float | None, total_steps: float | None
) -> list[str]:
    """Whether a longer training would have helped.

    Args:
        steps: of the validations.
        precision: mAP of each, 0...1.
        best_step: whose weights were kept.
        total_steps: that were asked for; None if nobody asked.
    """
    if len(steps) < 3 or len(precision) != len(steps) or best_step is None:
        return []
    if max(precision) < _NOTHING_LEARNT:
        return [
            "So far it has learnt next to nothing: train longer (--max_number_of_steps), start from trained "
            "weights (--checkpoint_path), and look at the pictures under “What the network saw”."
        ]
    sentences = []
    if total_steps is not None and steps[-1] < total_steps:
        sentences.append(f"The training stopped at step {steps[-1]:.0f} of {total_steps:.0f}.")
    late = [value for step, value in zip(steps, precision, strict=True) if step >= 0.7 * steps[-1]]
    if best_step >= steps[-1] and precision[-1] - min(late) > 0.01:
        sentences.append("It was still getting better when it ended: train longer (--max_number_of_steps).")
    elif best_step < 0.7 * steps[-1]:
        sentences.append(
            f"It was best at step {best_step:.0f} and not better after: a longer training would not help, "
            "other pictures would."
        )
    else:
        sentences.append("It had settled at the end: a longer training would change little.")
    return sentences
