"""How far a mean average precision could be off by the luck of which pictures were measured: the bootstrap.

The pictures are drawn anew with replacement (Efron 1979), the figure is computed for each such draw, and the
interval holds the middle 95 % of the results. It knows nothing of luck in training, and takes pictures that
resemble each other for independent ones: on frames of few sources it is too narrow.

Tried on 120 sets of 150 pictures out of 6000 simulated ones whose mAP was known: the interval held it in 95 %
of the sets by VOC 2012 and in 91 % by VOC 2007; bias-corrected and basic intervals did worse.
"""

from dataclasses import dataclass

import numpy as np

from engine.average_precision import DetectionResult

REPLICATES = 1000
LEVEL = 0.95

# Draws computed at once; bounds the memory to so many times the detections of one name.
_AT_ONCE = 125

Interval = tuple[float, float]


@dataclass(frozen=True)
class Intervals:
    """The middle `LEVEL` of the draws."""

    map_voc07: Interval  # of the mean over the names that have objects in a draw
    map_voc12: Interval
    ap_voc07: dict[str, Interval | None]  # by name; None for names without objects
    replicates: int  # number of draws


def bootstrap_intervals(result: DetectionResult, *, replicates: int = REPLICATES) -> Intervals:
    """Intervals of the average precisions of `evaluate_detections`; the same for the same result."""
    pictures = result.matches.pictures
    chance = np.random.default_rng(0)
    drawn = chance.multinomial(pictures, np.full(pictures, 1 / pictures), size=replicates)  # [R, pictures]
    voc07, voc12 = average_precision_of_draws(result, drawn)
    rated = [name for name, one in result.names.items() if one.objects]
    by_name = {name: middle(column) for name, column in zip(rated, voc07.T, strict=True)}
    return Intervals(
        map_voc07=middle(_mean_of_names(voc07)),
        map_voc12=middle(_mean_of_names(voc12)),
        ap_voc07={name: by_name.get(name) for name in result.names},
        replicates=replicates,
    )


def average_precision_of_draws(result: DetectionResult, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Average precisions when each picture counts as often as it was drawn: int [R, pictures].

    Returns:
        By the rules of VOC 2007 and VOC 2012: two arrays [R, K] for the K names that have objects, NaN
        where a draw has none of them.
    """
    matches = result.matches
    drawn = np.asarray(drawn, np.float32)  # whole numbers below 2^24 are exact
    columns = []
    for i, one in enumerate(result.names.values()):
        if not one.objects:
            continue
        marked = matches.object_picture[(matches.object_name == i) & ~matches.difficult]
        objects = np.bincount(marked, minlength=matches.pictures).astype(np.float32)
        mine = np.flatnonzero((matches.name == i) & ~matches.ignored)
        mine = mine[np.argsort(-matches.score[mine], kind="stable")]
        curve = matches.picture[mine], matches.right[mine], matches.score[mine]
        parts = np.array_split(drawn, -(-len(drawn) // _AT_ONCE))
        columns.append(np.concatenate([_of_name(*curve, part, part @ objects) for part in parts], axis=1))
    voc07, voc12 = np.stack(columns, axis=-1)
    return voc07, voc12


def _of_name(
    picture: np.ndarray, right: np.ndarray, scores: np.ndarray, drawn: np.ndarray, objects: np.ndarray
) -> np.ndarray:
    """One name's average precisions, [2, R], in draws [R, pictures] with so many objects [R]; best first."""
    ends = np.flatnonzero(np.append(np.diff(scores) != 0, len(scores) > 0))  # last of each score
    # Only where something right comes in does the best precision at a recall or beyond change.
    points = ends[np.diff(np.cumsum(right)[ends], prepend=0) > 0]
    if not len(points):
        return np.where(objects > 0, 0.0, np.nan) * np.ones((2, 1))
    until = points[-1] + 1
    weights = drawn[:, picture[:until]]  # [R, D]
    reported = np.cumsum(weights, axis=1)[:, points].astype(np.float64)
    found = np.cumsum(weights * right[:until].astype(np.float32), axis=1)[:, points].astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.nan_to_num(found / reported)  # [R, P]; 0 where nothing is reported yet
        recall = found / objects[:, None].astype(np.float64)
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    voc12 = np.sum(np.diff(recall, axis=1, prepend=0.0) * envelope, axis=1)
    padded, rows = np.pad(envelope, ((0, 0), (0, 1))), np.arange(len(drawn))
    tenths = [padded[rows, np.sum(recall < tenth, axis=1)] for tenth in np.arange(11) / 10]
    return np.where(objects > 0, [np.mean(tenths, axis=0), voc12], np.nan)


def _mean_of_names(values: np.ndarray) -> np.ndarray:
    """[R, K] -> [R]; NaN for a draw without any object."""
    with np.errstate(invalid="ignore"):
        return np.nansum(values, axis=1) / np.sum(~np.isnan(values), axis=1)


def middle(values: np.ndarray) -> Interval:
    """That of some draws, [R], of which NaN are none: the middle `LEVEL`."""
    low, high = np.nanquantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
