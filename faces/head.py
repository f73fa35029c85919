"""Trains the head of a face classifier: one layer, on rows that were computed before, in seconds.

`discriminant` is Fisher's linear discriminant: what differs between pictures of one character counts
little, what differs between characters counts much. It has a closed form and one number to choose. `softmax`
is logistic regression by gradient descent, what one calls "training the last layer".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from faces.answers import softmax
from faces.classifier import Head
from faces.options import HeadOptions

OnEpoch = Callable[[int, float, Head], None]


def train_head(
    rows: np.ndarray,
    classes: np.ndarray,
    names: int,
    options: HeadOptions,
    *,
    seed: int,
    on_epoch: OnEpoch = lambda epoch, loss, head: None,
) -> Head:
    """Trains on all views of all faces.

    Args:
        rows: float16 [N, V, D].
        classes: int [N].
        names: K.
        options: see there.
        seed: of the order in which views are seen; the same seed gives the same head.
        on_epoch: called after each epoch (the discriminant has one) with its number from 1, its mean loss and
            the head so far.
    """
    if options.head == "softmax":
        return _softmax(rows, classes, names, options, seed=seed, on_epoch=on_epoch)
    head = discriminant(rows, classes, names, shrinkage=options.shrinkage)
    shares = softmax(head.logits(rows))  # [N, V, K]
    own = np.take_along_axis(shares, classes[:, None, None], axis=2)
    on_epoch(1, float(-np.log(own + 1e-12).mean()), head)
    return head


def discriminant(rows: np.ndarray, classes: np.ndarray, names: int, *, shrinkage: float) -> Head:
    """Fisher's linear discriminant with a shrunk covariance, scaled so that logits vary by about 1.

    Args:
        rows: [N, V, D].
        classes: int [N], each of the K at least once.
        names: K.
        shrinkage: added to each direction's variance within characters, in units of its mean over as many
            directions as there are faces.
    """
    count, views, size = rows.shape
    flat = rows.reshape(-1, size).astype(np.float32)
    of_row = np.repeat(classes, views)
    centre = flat.mean(axis=0)
    flat -= centre
    means = np.stack([flat[of_row == name].mean(axis=0) for name in range(names)])  # [K, D]
    flat -= means[of_row]
    variance = float(np.einsum("nd,nd->", flat, flat)) / len(flat)
    ridge = max(shrinkage * variance / min(size, count), 1e-12)
    if len(flat) < size:  # through the rows' products with each other (Woodbury's identity)
        products = (flat @ flat.T).astype(np.float64)
        products[np.diag_indices_from(products)] += ridge * len(flat)
        kernel = (means.T - flat.T @ np.linalg.solve(products, flat @ means.T)) / ridge
    else:
        covariance = (flat.T @ flat).astype(np.float64) / len(flat)
        covariance[np.diag_indices_from(covariance)] += ridge
        kernel = np.linalg.solve(covariance, means.T)
    kernel = kernel.astype(np.float32)  # [D, K]
    bias = -0.5 * np.einsum("kd,dk->k", means, kernel)
    flat += means[of_row]
    spread = float((flat @ kernel + bias).std())
    return folded(kernel / max(spread, 1e-12), bias / max(spread, 1e-12), centre, 1.0)


def _softmax(
    rows: np.ndarray,
    classes: np.ndarray,
    names: int,
    options: HeadOptions,
    *,
    seed: int,
    on_epoch: OnEpoch,
) -> Head:
    views, size = rows.shape[1:]
    flat = rows.reshape(-1, size)
    targets = np.eye(names, dtype=np.float32)[np.repeat(classes, views)]
    mean, scale = centre_and_scale(flat)
    layer = keras.layers.Dense(names, kernel_initializer="zeros")
    model = keras.Sequential([keras.Input((size,)), layer])
    steps = -(-len(flat) // options.batch_size) * options.epochs
    schedule: Any = keras.optimizers.schedules.CosineDecay(options.learning_rate, steps)
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=options.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=options.label_smoothing)
    model.compile(optimizer, loss, jit_compile=False)
    rng = np.random.default_rng(seed)
    for epoch in range(1, options.epochs + 1):
        losses = []
        for chosen in np.array_split(rng.permutation(len(flat)), steps // options.epochs):
            batch = (flat[chosen].astype(np.float32) - mean) * scale
            losses.append(float(model.train_on_batch(batch, targets[chosen])))
        kernel, bias = (np.asarray(weight, np.float32) for weight in model.get_weights())
        on_epoch(epoch, float(np.mean(losses)), folded(kernel, bias, mean, scale))
    kernel, bias = (np.asarray(weight, np.float32) for weight in model.get_weights())
    return folded(kernel, bias, mean, scale)


def centre_and_scale(rows: np.ndarray) -> tuple[np.ndarray, float]:
    """Of float16 [N, D]: the mean row, and by what rows around it are multiplied to have mean length 1."""
    mean = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
    square = sum(
        float(((part.astype(np.float32) - mean) ** 2).sum())
        for part in np.array_split(rows, len(rows) // 512 + 1)
    )
    return mean, float(1 / np.sqrt(max(square / len(rows), 1e-12)))


def folded(kernel: np.ndarray, bias: np.ndarray, mean: np.ndarray, scale: float) -> Head:
    """The head for rows as they are, of one for rows that were centred and scaled."""
    kernel = kernel * scale
    return Head(kernel, bias - mean @ kernel)
