"""Tells characters that a detector was not taught from those that it was, by how clearly it answers.

Softmax only compares: a stranger's head that resembles one name a little and the others not at all gets a
high score. The logits behind it say how strong the resemblance was, and how alone it stands.
"""

from __future__ import annotations

import numpy as np
from keras import ops

from boxes.detections import Detections
from boxes.geometry import iou

UNKNOWN = "unknown"

# max_logit: Hendrycks et al. 2022, "Scaling Out-of-Distribution Detection for Real-World Settings";
# energy: Liu et al. 2020, "Energy-based Out-of-distribution Detection"; gap: how far the best name is ahead.
RULES = ("max_logit", "energy", "gap")

# Chosen by measurement (`eval_ssd_network.py --strangers_dir` makes it for any detector). AUROC of the 286
# right detections of ssd_300_lite on unseen drawn episodes against those on pictures without anyone it knows,
# at the chosen thresholds; and how many of the latter keep a name where 95 % of the right ones do:
#                                     score   max_logit   energy   gap     named
#   62 on 160 of drawn strangers      0.957   0.960       0.958    0.971   12
#   131 on 200 photographs            0.934   0.939       0.937    0.974   20
#   321 on 484 frames of a series     0.957   0.953       0.950    0.980   25
BEST_RULE = "gap"

# A box of an unknown that overlaps a better one by more is the same head: as the suppression within one name.
_SAME_HEAD = 0.45


def evidence(logits) -> dict:
    """How clearly each anchor speaks for a name, by each rule; the higher, the surer.

    Args:
        logits: [..., C], background first.

    Returns:
        rule -> [...].
    """
    names = ops.cast(logits, "float32")[..., 1:]
    best = ops.max(names, axis=-1)
    # With one name there is nobody to be mistaken for: the gap is that to a logit of 0.
    second = ops.top_k(names, 2)[0][..., 1] if names.shape[-1] > 1 else ops.zeros_like(best)
    return {"max_logit": best, "energy": ops.logsumexp(names, axis=-1), "gap": best - second}


def name_unknowns(detections: Detections, limit: float) -> Detections:
    """Calls detections `unknown` that speak for their name too weakly; one box for each unknown head.

    Args:
        detections: with evidence.
        limit: value of BEST_RULE below which a detection is of somebody else.
    """
    known = detections.evidence[BEST_RULE] >= limit
    names = tuple(
        name if sure else UNKNOWN for name, sure in zip(detections.names, known.tolist(), strict=True)
    )
    overlap = np.asarray(ops.convert_to_numpy(iou(detections.boxes, detections.boxes))) > _SAME_HEAD
    kept = known.copy()
    for i in np.flatnonzero(~known):  # best first; a named box on the same head speaks for it
        kept[i] = not (overlap[i] & kept).any()
    return detections.renamed(names).where(kept)
