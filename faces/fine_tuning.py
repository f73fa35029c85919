"""Trains a backbone's top blocks together with the head; the lower blocks see every view only once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import keras
import numpy as np

from faces.backbone import Backbone, split_backbone
from faces.classifier import Head
from faces.encoder import FaceEncoder, Pooling, pooled
from faces.extraction import crop_face
from faces.folder import Face
from faces.options import FaceTrainingOptions
from faces.views import face_view, look_at
from preprocessing.resize import resize_picture

_BATCH = 16
_MOST_BYTES = 1_500_000_000  # of what the lower blocks saw, in memory; beyond it fewer views are used


def fine_tune(
    backbone: Backbone,
    pooling: Pooling,
    head: Head,
    faces: Sequence[Face],
    classes: np.ndarray,
    options: FaceTrainingOptions,
    *,
    view_seed: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[FaceEncoder, Head]:
    """Trains, changing the weights of `backbone` in place.

    Batch normalisation keeps the statistics that it has: a few faces are no better ones.

    Args:
        backbone: whose blocks behind its cut are trained.
        pooling: of its maps.
        head: trained on its rows as they were.
        faces: of the training, N.
        classes: int [N].
        options: of the training.
        view_seed: of the views.
        progress: called with batches done and all, both passes counted.

    Returns:
        The encoder and the head as they are now.

    Raises:
        ValueError: the backbone has no map behind its cut.
    """
    trunk, top = split_backbone(backbone)
    early = len(trunk.outputs) - 1
    trunk_model = keras.Model(
        trunk.inputs[0], [trunk.outputs[0], *([pooled(trunk.outputs[1:], pooling)] if early else [])]
    )
    trunk_model.compile(jit_compile=backbone.plain_convolutions)
    shapes = [tuple(output.shape[1:]) for output in trunk_model.outputs]
    bytes_each = 2 * sum(int(np.prod(shape)) for shape in shapes)
    views = max(1, min(options.views, _MOST_BYTES // max(1, bytes_each * len(faces))))
    total = -(-len(faces) * views // _BATCH)
    steps = total * options.tuning.fine_tune_epochs
    seen = [np.zeros((len(faces) * views, *shape), np.float16) for shape in shapes]
    pictures = _pictures(faces, views, view_seed, backbone.spec.image_size, options)
    for number, start in enumerate(range(0, len(seen[0]), _BATCH), start=1):
        batch = list(islice(pictures, _BATCH))
        padded = np.zeros((_BATCH, *batch[0].shape), np.float32)
        padded[: len(batch)] = batch
        outputs = trunk_model.predict_on_batch(padded)
        for kept, output in zip(seen, outputs if isinstance(outputs, list) else [outputs], strict=True):
            kept[start : start + len(batch)] = np.asarray(output)[: len(batch)]
        progress(number, total + steps)

    model = _top_model(top, pooling, head, shapes)
    for layer in top.layers:
        layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
    rate = options.tuning.fine_tune_learning_rate
    schedule: Any = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - steps // 10), warmup_target=rate, warmup_steps=max(1, steps // 10)
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=options.head.weight_decay, clipnorm=1.0)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    loss = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=options.head.label_smoothing
    )
    model.compile(optimizer, loss, jit_compile=backbone.plain_convolutions)
    targets = np.eye(head.kernel.shape[1], dtype=np.float32)[np.repeat(classes, views)]
    rng = np.random.default_rng(options.splitting.seed)
    done = total
    for _ in range(options.tuning.fine_tune_epochs):
        order = np.resize(rng.permutation(len(targets)), total * _BATCH)  # whole batches: one graph
        for chosen in order.reshape(total, _BATCH):
            value = float(model.train_on_batch([part[chosen] for part in seen], targets[chosen]))
            if not np.isfinite(value):
                raise ValueError(f"--fine_tune_learning_rate {rate}: the loss is {value}; take a lower one")
            done += 1
            progress(done, total + steps)
    kernel, bias = (np.asarray(weight, np.float32) for weight in model.get_layer("names").get_weights())
    for layer in top.layers:
        layer.trainable = True  # as it was
    return FaceEncoder(backbone, pooling), Head(kernel, bias)


def _top_model(
    top: keras.Model, pooling: Pooling, head: Head, shapes: Sequence[tuple[int, ...]]
) -> keras.Model:
    """What the lower blocks saw -> logits."""
    inputs = [keras.Input(shape, dtype="float32") for shape in shapes]
    maps = top(inputs[0])
    rows = pooled(maps if isinstance(maps, (list, tuple)) else [maps], pooling)
    if len(inputs) > 1:
        rows = keras.layers.Concatenate()([inputs[1], rows])
    layer = keras.layers.Dense(head.kernel.shape[1], name="names")
    model = keras.Model(inputs, layer(rows))
    layer.set_weights([head.kernel, head.bias])
    return model


def _pictures(
    faces: Sequence[Face], views: int, seed: int, size: int, options: FaceTrainingOptions
) -> Iterator[np.ndarray]:
    """Every view of every face, as the backbone takes it: float32 [S, S, 3]."""
    for face in faces:
        image = crop_face(face, options.margin, options.reading.max_pixels)
        for number in range(views):
            seen = look_at(image, face_view(number, seed=seed, face=face.digest))
            yield np.asarray(keras.ops.convert_to_numpy(resize_picture(seen, size)))
