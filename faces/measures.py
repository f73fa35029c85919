"""How well faces get their names: shares of right answers, mix-ups, probabilities, and strangers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.measures.calibration import Reliability, auroc, reliability_of
from engine.measures.intervals import REPLICATES, Interval, middle
from faces.classifier import Judgement, softmax

KEPT = 0.95  # of the right answers on the validation set keep their name when "unknown" may be answered
LIKELIEST = 5
_BINS = 10
_TEMPERATURES = np.geomspace(0.005, 50, 500)


@dataclass(frozen=True)
class NameMeasures:
    """Figures of one name."""

    name: str  # of the character
    faces: int  # measured
    right: int  # of them
    right_of_five: int  # of them among the five likeliest
    called: int  # faces that got this name
    taken_for: tuple[str, int] | None  # whom it is taken for most often, and how often; None where never

    @property
    def recall(self) -> float | None:
        return self.right / self.faces if self.faces else None

    @property
    def precision(self) -> float | None:
        return self.right / self.called if self.called else None


@dataclass(frozen=True, eq=False)
class UnknownMeasures:
    """What remains when "unknown" may be answered."""

    strangers: int  # faces of nobody that is known
    rejected: int  # of them were called unknown
    known: int  # faces of known characters
    known_kept: int  # of these got some name
    right_kept: float | None  # share of the right answers that kept their name; None without any
    # how well the evidence tells right answers from strangers; None where either is missing
    auroc: float | None

    @property
    def rejected_share(self) -> float | None:
        return self.rejected / self.strangers if self.strangers else None


@dataclass(frozen=True, eq=False)
class FaceMeasures:
    """Everything about a measured set of N faces."""

    names: tuple[str, ...]  # K names
    truth: np.ndarray  # int [N]
    judgement: Judgement  # of the classifier
    probabilities: np.ndarray  # float [N, K]
    top1: float  # share of right first answers
    top5: float  # share of faces whose name is among the five likeliest
    top1_interval: Interval  # in which it would be with other sources of the same kind, 95 %
    per_name: tuple[NameMeasures, ...]  # in the order of `names`
    # int [K + 1, K + 1]: rows who it is (the last: strangers), columns the answer (the last: unknown)
    confusion: np.ndarray
    calibration: Reliability  # of the probabilities
    uncalibrated: Reliability  # of those without temperature
    unknown: UnknownMeasures | None  # how strangers are told apart; None where that was not measured

    @property
    def mean_recall(self) -> float:
        """Of the names that have faces: each name counts the same."""
        return float(np.mean([one.recall for one in self.per_name if one.recall is not None]))


def choose_temperature(logits: np.ndarray, truth: np.ndarray) -> float:
    """By what logits are to be divided, so that the right names are likeliest (Guo et al. 2017, section 4.2).

    As if there were one more face that could be anybody (Laplace's rule of succession): of 150 faces with two
    mistakes nobody can tell that 99.9 % is right. Logits [N, K], truth int [N].
    """
    if not len(truth):
        return 1.0
    losses = []
    for temperature in _TEMPERATURES:
        loss = -np.log(softmax(logits / temperature) + 1e-12)
        losses.append(loss[np.arange(len(truth)), truth].sum() + loss.mean())
    return float(_TEMPERATURES[int(np.argmin(losses))])


def choose_limit(logits: np.ndarray, truth: np.ndarray) -> float | None:
    """The evidence that the share KEPT of the right answers reaches; None where there are none.

    Evidence is the rule that `Judgement` has. Measured on faces that are no test faces, each fifth of ten
    characters left out once: AUROC 0.92 as with max_logit, energy 0.87.
    """
    evidence = Judgement().evidence(logits[logits.argmax(axis=1) == truth])
    return float(np.quantile(evidence, 1 - KEPT)) if len(evidence) else None


def measure_unknown(
    logits: np.ndarray, truth: np.ndarray, strangers: np.ndarray, judgement: Judgement
) -> UnknownMeasures:
    """What the answer "unknown" does to faces of known characters, and to strangers, logits [M, K]."""
    right = logits.argmax(axis=1) == truth
    kept = judgement.known(logits)
    return UnknownMeasures(
        strangers=len(strangers),
        rejected=int((~judgement.known(strangers)).sum()),
        known=len(logits),
        known_kept=int(kept.sum()),
        right_kept=float(kept[right].mean()) if right.any() else None,
        auroc=auroc(judgement.evidence(logits[right]), judgement.evidence(strangers)),
    )


def measure_faces(
    names: Sequence[str],
    logits: np.ndarray,
    truth: np.ndarray,
    groups: Sequence[str],
    judgement: Judgement,
    *,
    strangers: np.ndarray | None = None,
) -> FaceMeasures:
    """Measures N faces of known characters, and M of strangers; ValueError where there is no face.

    Logits are [N, K] for K names, those of strangers [M, K], truth is int [N], groups say for the interval
    what comes from one source.
    """
    if not len(truth):
        raise ValueError("there is no face of a known name to measure")
    count = len(names)
    probabilities = softmax(logits / judgement.temperature)
    order = np.argsort(-logits, axis=1, kind="stable")
    places = (order == truth[:, None]).argmax(axis=1)  # [N], 0 for a right first answer
    answers, right = order[:, 0], places == 0
    called = np.where(judgement.known(logits), answers, count)
    confusion = _counted(truth, called, count + 1)
    if strangers is not None:
        called = np.where(judgement.known(strangers), strangers.argmax(axis=1), count)
        confusion += _counted(np.full(len(strangers), count), called, count + 1)
    best = (np.arange(len(truth)), answers)
    # Bootstrap draws of whole sources (Efron 1979).
    _, number = np.unique(np.array(groups), return_inverse=True)
    faces, hits = np.bincount(number), np.bincount(number, right)
    draws = np.random.default_rng(0).multinomial(len(faces), np.full(len(faces), 1 / len(faces)), REPLICATES)
    return FaceMeasures(
        names=tuple(names),
        truth=truth,
        judgement=judgement,
        probabilities=probabilities,
        top1=float(right.mean()),
        top5=float((places < LIKELIEST).mean()),
        top1_interval=middle((draws @ hits) / np.maximum(draws @ faces, 1)),
        per_name=_per_name(names, truth, answers, places),
        confusion=confusion,
        calibration=reliability_of(probabilities[best], right, bins=_BINS, lowest_score=0.0),
        uncalibrated=reliability_of(softmax(logits)[best], right, bins=_BINS, lowest_score=0.0),
        unknown=None if strangers is None else measure_unknown(logits, truth, strangers, judgement),
    )


def _counted(rows: np.ndarray, columns: np.ndarray, side: int) -> np.ndarray:
    """How often each row comes with each column: int [side, side]."""
    return np.bincount(rows * side + columns, minlength=side**2).reshape(side, side)


def _per_name(
    names: Sequence[str], truth: np.ndarray, answers: np.ndarray, places: np.ndarray
) -> tuple[NameMeasures, ...]:
    first = _counted(truth, answers, len(names))
    right, of_five = np.diag(first), np.bincount(truth[places < LIKELIEST], minlength=len(names))
    wrong = first - np.diag(right)
    columns = first.sum(axis=1), right, of_five, first.sum(axis=0), wrong.argmax(axis=1), wrong.max(axis=1)
    return tuple(
        NameMeasures(name, faces, hits, five, called, (str(names[other]), times) if times else None)
        for name, (faces, hits, five, called, other, times) in zip(
            names, np.stack(columns, axis=1).tolist(), strict=True
        )
    )
