import keras
import numpy as np
import pytest
import tensorflow as tf

from engine.training import machine
from engine.training.machine import choose_precision, computing_in, explaining_memory, use_xla
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
    assert not machine.has_gpu()
    assert machine.compute_capability() is None


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
        said = {"SIMD Extensions": {"found": found}}
        monkeypatch.setattr(np, "show_config", lambda mode, said=said: said)
        assert use_xla(VGG) is faster
        assert use_xla(MOBILENET) is False
    monkeypatch.setattr(keras.distribution, "list_devices", lambda kind: ["gpu:0"])
    assert use_xla(MOBILENET) is True


@pytest.mark.parametrize(
    "error",
    [
        tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor with shape[9,9]"),
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 99 bytes."),
        MemoryError(),
    ],
)
@pytest.mark.parametrize(("batch_size", "said"), [(8, "half of it: --batch_size=4"), (1, "a smaller --m")])
def test_out_of_memory_says_what_helps(error, batch_size, said):
    helps = rf"(?s)with {batch_size} pictures.*{said}"
    with pytest.raises(ValueError, match=helps), explaining_memory(batch_size):
        raise error


def test_a_full_disk_is_not_called_memory_and_other_errors_stay():
    with pytest.raises(ValueError, match=r"^No space left on device: make room"), explaining_memory(8):
        raise tf.errors.ResourceExhaustedError(None, None, "events.v2; No space left on device")
    with pytest.raises(KeyError), explaining_memory(8):
        raise KeyError("something else")
