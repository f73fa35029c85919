import keras
import numpy as np

from engine.training.between_steps import averaged_weights
from nets.postprocess import DetectionModel
from tests.engine.conftest import TINY


def values(variables) -> list[np.ndarray]:
    return [np.array(keras.ops.convert_to_numpy(one)) for one in variables]


def test_averages_are_measured_and_both_are_left(rng):
    """JAX gives the memory of a model's weights away to a prediction: averages have some of their own."""
    model = TINY.build(3)
    optimizer = keras.optimizers.AdamW(use_ema=True, ema_momentum=0.9)
    optimizer.build(model.trainable_variables)
    averages = [one for one in optimizer.variables if "average" in one.path]
    assert len(averages) == len(model.trainable_variables)
    for average, weight in zip(averages, model.trainable_variables, strict=True):
        average.assign(keras.ops.copy(weight) + 1.0)
    before = values(model.trainable_variables), values(averages)
    detector, picture = DetectionModel(model, TINY), rng.uniform(0, 255, (1, 64, 64, 3)).astype(np.float32)
    measured = []
    for _ in range(2):
        with averaged_weights(model, optimizer):
            detector.look(picture, ["a", "b"])
            measured = values(model.trainable_variables)
    np.testing.assert_equal(measured, before[1])
    np.testing.assert_equal((values(model.trainable_variables), values(averages)), before)
