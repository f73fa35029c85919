"""A network that needs no training: it sees in which quarters of a picture which colour lies.

Pictures are four quarters; red, green and blue ones are objects of the first, second and third name, the
stronger the colour the higher the score (0.5 at half strength), black ones are background.
"""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from boxes.anchors import AnchorLayer
from nets.network import Network
from nets.saving import model_weights, write_checkpoint
from tests.engine.records_by_hand import record

# (ymin, xmin, ymax, xmax) of the quarters: top left, top right, bottom left, bottom right
QUARTERS = np.array([(y, x, y + 0.5, x + 0.5) for y in (0.0, 0.5) for x in (0.0, 0.5)], np.float32)  # [4, 4]
STRENGTH = 20.0
BLACK = (0, 0.0)  # a quarter in which nothing is seen


def build(num_classes: int) -> keras.Model:
    image = keras.Input((8, 8, 3), name="image")
    quarters = keras.layers.AveragePooling2D(4)(image)  # [B, 2, 2, 3]
    logits = keras.layers.Conv2D(num_classes, 1, name="logits_conv")
    codes = keras.layers.Conv2D(4, 1, kernel_initializer="zeros", name="codes_conv")
    outputs = {
        "codes": keras.layers.Reshape((4, 4))(codes(quarters)),
        "logits": keras.layers.Reshape((4, num_classes))(logits(quarters)),
    }
    kernel, bias = np.zeros((1, 1, 3, num_classes), np.float32), np.zeros(num_classes, np.float32)
    for name in range(num_classes - 1):
        kernel[0, 0, name, name + 1] = STRENGTH / 255
    bias[0] = STRENGTH / 2
    logits.set_weights([kernel, bias])
    return keras.Model(image, outputs, name="colours")


NETWORK = Network("colours", 8, (AnchorLayer(2, 2, 0.5, ((0.5, 0.5),)),), build, jit_on_cpu=False)


def picture(*colours: tuple[int, float], height: int = 32, width: int = 48) -> np.ndarray:
    """uint8 [height, width, 3] with (name number, strength in 0...1) in the first quarters, then black."""
    image = np.zeros((2, 2, 3), np.uint8)
    for place, (name, strength) in enumerate(colours):
        if name:
            image[place // 2, place % 2, name - 1] = round(255 * strength)
    return np.repeat(np.repeat(image, height // 2, 0), width // 2, 1)


def write_records(path, pictures) -> None:
    """TFRecords of (filename, picture, [(class id, name, quarter, difficult), ...])."""
    with tf.io.TFRecordWriter(str(path)) as writer:
        for filename, image, objects in pictures:
            encoded = tf.io.encode_jpeg(image, quality=95, chroma_downsampling=False).numpy()
            classes, names, quarters, difficult = zip(*objects, strict=True) if objects else ((),) * 4
            facts = {"filename": filename, "height": image.shape[0], "width": image.shape[1]}
            facts |= {"names": names, "difficult": difficult}
            writer.write(record(encoded, QUARTERS[list(quarters)], classes, **facts))


def make_checkpoint(folder: Path, labels: Sequence[str], **metrics: float) -> Path:
    """A checkpoint folder of the network."""
    weights = model_weights(NETWORK.build(len(labels) + 1))
    config = {"model_name": NETWORK.name}
    write_checkpoint(folder, labels=labels, config=config, weights=weights, metrics=metrics)
    return folder
