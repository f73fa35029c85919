import keras
import numpy as np
import pytest
import tensorflow as tf

from engine.training import machine
from engine.training.machine import (
    ACTIVATIONS,
    VALUES_PER_WEIGHT,
    choose_precision,
    compute_capability,
    computing_in,
    explaining_memory,
    has_gpu,
    largest_batch,
    picture_bytes,
    step_bytes,
    use_xla,
)
from nets import NETWORKS, get_network
from tests.engine.training_run import TABLES

VGG, MOBILENET = get_network("ssd_300_vgg"), get_network("ssd_300_mobilenet_v2")


@pytest.mark.parametrize("network", [VGG, MOBILENET])
@pytest.mark.parametrize(
    ("capability", "chosen"), [(None, "float32"), (6.1, "float32"), (7.5, "float16"), (9.0, "bfloat16")]
)
def test_the_gpu_decides_unless_somebody_does(monkeypatch, network, capability, chosen):
    monkeypatch.setattr(machine, "has_gpu", lambda: True)
    monkeypatch.setattr(machine, "compute_capability", lambda: capability)
    assert choose_precision("auto", network) == chosen
    assert choose_precision("float16", network) == "float16"
    assert choose_precision("float32", network) == "float32"


@pytest.mark.parametrize(("flags", "backend", "network", "chosen"), TABLES["precisions"])
def test_without_a_gpu_the_cpu_and_the_network_decide(monkeypatch, tmp_path, flags, backend, network, chosen):
    cpu_info = tmp_path / "cpuinfo"
    if flags:
        cpu_info.write_text(f"processor : 0\nmodel name : amx_bf16 by name\nflags\t\t: {flags}\n")
    monkeypatch.setattr(machine, "_CPU_INFO", cpu_info)
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    monkeypatch.setattr(machine, "has_gpu", lambda: False)
    assert choose_precision("auto", get_network(network)) == chosen


def test_without_a_gpu_there_is_no_capability(monkeypatch):
    def list_devices(kind):  # as JAX answers
        raise RuntimeError(f"Unknown backend: {kind!r} requested")

    monkeypatch.setattr(keras.distribution, "list_devices", list_devices)
    assert not has_gpu()
    assert compute_capability() is None


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_network_computes_in_bfloat16_with_weights_and_outputs_in_float32(name):
    before = keras.config.dtype_policy().name
    with computing_in("bfloat16"):
        model = get_network(name).build(3)
    assert keras.config.dtype_policy().name == before
    assert {variable.dtype for variable in model.weights} == {"float32"}
    assert {output.dtype for output in model.output.values()} == {"float32"}
    convolutions = [layer for layer in model.layers if len(layer.weights) and "onv" in type(layer).__name__]
    assert {layer.compute_dtype for layer in convolutions} == {"bfloat16"}


def test_xla_is_on_where_it_was_measured_faster(monkeypatch):
    monkeypatch.setattr(keras.distribution, "list_devices", lambda kind: [])
    for found, faster in ((["SSSE3", "AVX2"], True), (["X86_V3"], True), (["X86_V3", "X86_V4"], False)):
        monkeypatch.setattr(
            np, "show_config", lambda mode, found=found: {"SIMD Extensions": {"found": found}}
        )
        assert use_xla(VGG) is faster
        assert use_xla(MOBILENET) is False
    monkeypatch.setattr(keras.distribution, "list_devices", lambda kind: ["gpu:0"])
    assert use_xla(MOBILENET) is True


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


@pytest.fixture
def explaining(monkeypatch):
    """`explaining_memory` on a processor where there is room for so many pictures; what it said."""

    def make(batch_size: int, room: int | None):
        model, said = network(), []
        free = None if room is None else step_bytes(model, room) if room else 1
        monkeypatch.setattr(machine, "has_gpu", lambda: False)
        monkeypatch.setattr(machine, "free_bytes", lambda: free)
        return explaining_memory(model, batch_size, said.append), said

    return make


@pytest.mark.parametrize(
    "error",
    [
        tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor with shape[9,9]"),
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 99 bytes."),
        MemoryError(),
    ],
)
@pytest.mark.parametrize(("batch_size", "room", "said"), TABLES["out_of_memory"])
def test_out_of_memory_says_which_batch_size_would_fit(explaining, error, batch_size, room, said):
    with pytest.raises(ValueError, match=rf"(?s){said}"), explaining(batch_size, room or None)[0]:
        raise error


@pytest.mark.parametrize(
    ("room", "warned"), [(8, ""), (None, ""), (3, "--batch_size=2 would fit."), (0, "A smaller --model_name")]
)
def test_a_training_that_may_be_killed_is_warned_of(explaining, room, warned):
    context, said = explaining(8, room)
    with context:
        pass
    assert len(said) == bool(warned)
    assert warned in "".join(said)


def test_a_full_disk_is_not_called_memory_and_other_errors_stay(explaining):
    with pytest.raises(ValueError, match=r"^No space left on device: make room"), explaining(8, None)[0]:
        raise tf.errors.ResourceExhaustedError(None, None, "events.v2; No space left on device")
    with pytest.raises(KeyError), explaining(8, None)[0]:
        raise KeyError("something else")
