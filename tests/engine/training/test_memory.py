import keras
import pytest
import tensorflow as tf

from engine.training.memory import (
    ACTIVATIONS,
    VALUES_PER_WEIGHT,
    explaining_memory,
    free_bytes,
    largest_batch,
    memory_warning,
    picture_bytes,
    step_bytes,
)
from engine.training.precision import computing_in


def network() -> keras.Model:
    """4 x 4 x 3 inputs, 4 x 4 x 2 outputs, 8 weights."""
    image = keras.Input((4, 4, 3))
    return keras.Model(image, keras.layers.Conv2D(2, 1, name="conv")(image), name="small")


def test_bytes_by_hand():
    model = network()
    assert picture_bytes(model) == ACTIVATIONS * 4 * (4 * 4 * 3 + 4 * 4 * 2)
    assert step_bytes(model, 10) == 4 * VALUES_PER_WEIGHT * 8 + 10 * picture_bytes(model)
    with computing_in("float16"):
        half = network()
    assert picture_bytes(half) == ACTIVATIONS * (4 * 4 * 4 * 3 + 2 * 4 * 4 * 2)  # pictures stay float32


def test_the_largest_batch_is_below_what_failed_and_within_what_is_there():
    model = network()
    assert largest_batch(model, 16, None) == 8
    assert largest_batch(model, 20, None) == 16
    assert largest_batch(model, 16, step_bytes(model, 5)) == 4
    assert largest_batch(model, 16, 10) == 0
    assert largest_batch(model, 1, None) == 0


@pytest.mark.parametrize(
    "error",
    [
        tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor with shape[9,9]"),
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 99 bytes."),
        MemoryError(),
    ],
)
def test_out_of_memory_says_which_batch_size_would_fit(error):
    model = network()
    with (
        pytest.raises(
            ValueError, match=r"(?s)with 8 pictures.*were free\. About 2 would fit: give --batch_size=2\."
        ),
        explaining_memory(model, 8, step_bytes(model, 3)),
    ):
        raise error


def test_where_nobody_knows_what_is_free_half_is_a_guess_and_says_so():
    with (
        pytest.raises(ValueError, match=r"about \d\.\d GiB\. Try half of it: --batch_size=4\. \("),
        explaining_memory(network(), 8, None),
    ):
        raise MemoryError


def test_a_training_that_may_be_killed_is_warned_of():
    model = network()
    assert memory_warning(model, 8, step_bytes(model, 8)) == memory_warning(model, 8, None) == ""
    assert "pictures a step take about 0.0 GiB" in memory_warning(model, 8, step_bytes(model, 3))
    assert "--batch_size=2 would fit." in memory_warning(model, 8, step_bytes(model, 3))
    assert "A smaller --model_name" in memory_warning(model, 8, 1)


def test_what_fits_with_no_picture_says_so():
    with (
        pytest.raises(
            ValueError, match="small does not fit with one picture either: choose a smaller --model"
        ),
        explaining_memory(network(), 1, None),
    ):
        raise MemoryError


def test_a_full_disk_is_not_called_memory_and_other_errors_stay():
    with (
        pytest.raises(ValueError, match=r"^No space left on device: make room"),
        explaining_memory(network(), 8, None),
    ):
        raise tf.errors.ResourceExhaustedError(None, None, "events.v2; No space left on device")
    with pytest.raises(KeyError), explaining_memory(network(), 8, None):
        raise KeyError("something else")


def test_this_machine_has_some_memory_or_says_nothing():
    free = free_bytes()
    assert free is None or 2**20 < free < 2**50
