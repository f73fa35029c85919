"""How well faces get their names: shares of right answers, mix-ups, probabilities, and strangers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.measures.calibration import Reliability, auroc, reliability_of
from faces.answers import evidence_of, softmax

BINS = 10
KEPT = 0.95  # of the right answers on the validation set keep their name when "unknown" may be answered
LEVEL = 0.95
REPLICATES = 1000
LIKELIEST = 5
_TEMPERATURES = np.geomspace(0.005, 50, 500)


@dataclass(frozen=True)
class NameMeasures:
    """Figures of one name.

    Attributes:
        name: of the character.
        faces: measured.
        right: of them.
        right_of_five: of them among the five likeliest.
        called: faces that got this name.
        taken_for: whom it is taken for most often, and how often; None where never.
    """

    name: str
    faces: int
    right: int
    right_of_five: int
    called: int
    taken_for: tuple[str, int] | None

    @property
    def recall(self) -> float | None:
        return self.right / self.faces if self.faces else None

    @property
    def precision(self) -> float | None:
        return self.right / self.called if self.called else None


@dataclass(frozen=True, eq=False)
class UnknownMeasures:
    """What remains when "unknown" may be answered.

    Attributes:
        strangers: faces of nobody that is known.
        rejected: of them were called unknown.
        known: faces of known characters.
        known_kept: of these got some name.
        right_kept: share of the right answers that kept their name; None without any.
        auroc: how well the evidence tells right answers from strangers; None where either is missing.
    """

    strangers: int
    rejected: int
    known: int
    known_kept: int
    right_kept: float | None
    auroc: float | None

    @property
    def rejected_share(self) -> float | None:
        return self.rejected / self.strangers if self.strangers else None


@dataclass(frozen=True, eq=False)
class FaceMeasures:
    """Everything about a measured set of N faces.

    Attributes:
        names: K names.
        truth: int [N].
        probabilities: float [N, K].
        known: bool [N]: not called unknown.
        top1: share of right first answers.
        top5: share of faces whose name is among the five likeliest.
        top1_interval: in which it would be with other sources of the same kind, at `LEVEL`.
        per_name: in the order of `names`.
        confusion: int [K + 1, K + 1]: rows who it is (the last: strangers), columns the answer (the last:
            unknown).
        calibration: of the probabilities.
        uncalibrated: of those without temperature.
        unknown: on the strangers that were measured beside.
    """

    names: tuple[str, ...]
    truth: np.ndarray
    probabilities: np.ndarray
    known: np.ndarray
    top1: float
    top5: float
    top1_interval: tuple[float, float]
    per_name: tuple[NameMeasures, ...]
    confusion: np.ndarray
    calibration: Reliability
    uncalibrated: Reliability
    unknown: UnknownMeasures | None

    @property
    def right(self) -> np.ndarray:
        """Where the first answer is the right one: bool [N]."""
        return self.probabilities.argmax(axis=1) == self.truth

    @property
    def mean_recall(self) -> float:
        """Of the names that have faces: each name counts the same."""
        return float(np.mean([one.recall for one in self.per_name if one.recall is not None]))


def choose_temperature(logits: np.ndarray, truth: np.ndarray) -> float:
    """By what logits are to be divided, so that the right names are likeliest (Guo et al. 2017, section 4.2).

    As if there were one more face that could be anybody (Laplace's rule of succession): of 150 faces with two
    mistakes nobody can tell that 99.9 % is right.

    Args:
        logits: [N, K] of faces that were not trained on.
        truth: int [N].
    """
    if not len(truth):
        return 1.0
    losses = []
    for temperature in _TEMPERATURES:
        loss = -np.log(softmax(logits / temperature) + 1e-12)
        losses.append(loss[np.arange(len(truth)), truth].sum() + loss.mean())
    return float(_TEMPERATURES[int(np.argmin(losses))])


def choose_limit(logits: np.ndarray, truth: np.ndarray, rule: str) -> float:
    """The value of a rule that the share KEPT of the right answers reaches; -inf where there are none."""
    right = logits.argmax(axis=1) == truth
    evidence = evidence_of(logits[right], rule)
    return float(np.quantile(evidence, 1 - KEPT)) if len(evidence) else float("-inf")


def measure_unknown(
    logits: np.ndarray, truth: np.ndarray, strangers: np.ndarray, *, rule: str, limit: float
) -> UnknownMeasures:
    """What the answer "unknown" does.

    Args:
        logits: [N, K] of faces of known characters.
        truth: int [N].
        strangers: [M, K], logits of faces of nobody that is known.
        rule: one of `nets.thresholds.RULES`.
        limit: of the rule.
    """
    own, others = evidence_of(logits, rule), evidence_of(strangers, rule)
    right = logits.argmax(axis=1) == truth
    return UnknownMeasures(
        strangers=len(others),
        rejected=int((others < limit).sum()),
        known=len(own),
        known_kept=int((own >= limit).sum()),
        right_kept=float((own[right] >= limit).mean()) if right.any() else None,
        auroc=auroc(own[right], others),
    )


def measure_faces(
    names: Sequence[str],
    logits: np.ndarray,
    truth: np.ndarray,
    groups: Sequence[str],
    *,
    temperature: float,
    rule: str,
    limit: float,
    strangers: np.ndarray | None = None,
) -> FaceMeasures:
    """Measures N faces of known characters, and M of strangers.

    Args:
        names: K names.
        logits: [N, K].
        truth: int [N].
        groups: of each face: what comes from one source, for the interval.
        temperature: of the probabilities.
        rule: by which "unknown" is answered.
        limit: of the rule.
        strangers: [M, K] logits.

    Raises:
        ValueError: there is no face.
    """
    if not len(truth):
        raise ValueError("there is no face of a known name to measure")
    probabilities = softmax(logits / temperature)
    order = np.argsort(-logits, axis=1, kind="stable")
    places = (order == truth[:, None]).argmax(axis=1)  # [N], 0 for a right first answer
    answers, known = order[:, 0], evidence_of(logits, rule) >= limit
    count = len(names)
    confusion = np.zeros((count + 1, count + 1), np.int64)
    np.add.at(confusion, (truth, np.where(known, answers, count)), 1)
    if strangers is not None and len(strangers):
        named = evidence_of(strangers, rule) >= limit
        np.add.at(
            confusion, (np.full(len(strangers), count), np.where(named, strangers.argmax(axis=1), count)), 1
        )
    best = probabilities[np.arange(len(truth)), answers]
    plain = softmax(logits)[np.arange(len(truth)), answers]
    right = places == 0
    return FaceMeasures(
        names=tuple(names),
        truth=truth,
        probabilities=probabilities,
        known=known,
        top1=float(right.mean()),
        top5=float((places < LIKELIEST).mean()),
        top1_interval=_interval(right, groups),
        per_name=tuple(_per_name(names, number, truth, answers, places) for number in range(count)),
        confusion=confusion,
        calibration=reliability_of(best, right, bins=BINS, lowest_score=0.0),
        uncalibrated=reliability_of(plain, right, bins=BINS, lowest_score=0.0),
        unknown=None
        if strangers is None
        else measure_unknown(logits, truth, strangers, rule=rule, limit=limit),
    )


def _per_name(
    names: Sequence[str], number: int, truth: np.ndarray, answers: np.ndarray, places: np.ndarray
) -> NameMeasures:
    own = truth == number
    wrong = np.bincount(answers[own & (answers != number)], minlength=len(names))
    most = int(wrong.argmax())
    return NameMeasures(
        name=names[number],
        faces=int(own.sum()),
        right=int((places[own] == 0).sum()),
        right_of_five=int((places[own] < LIKELIEST).sum()),
        called=int((answers == number).sum()),
        taken_for=(names[most], int(wrong[most])) if wrong[most] else None,
    )


def _interval(right: np.ndarray, groups: Sequence[str]) -> tuple[float, float]:
    """The middle `LEVEL` of bootstrap draws of whole sources (Efron 1979)."""
    _, number = np.unique(np.array(groups), return_inverse=True)
    faces, hits = np.bincount(number), np.bincount(number, right)
    draws = np.random.default_rng(0).multinomial(len(faces), np.full(len(faces), 1 / len(faces)), REPLICATES)
    shares = (draws @ hits) / np.maximum(draws @ faces, 1)
    low, high = np.quantile(shares, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
