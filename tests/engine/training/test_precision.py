import keras
import numpy as np
import pytest

from engine.training import devices, precision
from engine.training.devices import compute_capability, has_gpu
from engine.training.optimizer import OptimizerOptions, make_optimizer, resolve
from engine.training.precision import choose_precision, computing_in, scaling_loss
from nets import NETWORKS, get_network

VGG, MOBILENET = get_network("ssd_300_vgg"), get_network("ssd_300_mobilenet_v2")


@pytest.mark.parametrize("network", [VGG, MOBILENET])
@pytest.mark.parametrize(
    ("capability", "chosen"), [(None, "float32"), (6.1, "float32"), (7.5, "float16"), (9.0, "bfloat16")]
)
def test_the_gpu_decides_unless_somebody_does(monkeypatch, network, capability, chosen):
    monkeypatch.setattr(precision, "has_gpu", lambda: True)
    monkeypatch.setattr(precision, "compute_capability", lambda: capability)
    assert choose_precision("auto", network) == chosen
    assert choose_precision("float16", network) == "float16"
    assert choose_precision("float32", network) == "float32"


@pytest.mark.parametrize(
    ("flags", "backend", "network", "chosen"),
    [
        ("fma avx512_bf16", "tensorflow", VGG, "bfloat16"),
        ("amx_tile amx_bf16", "tensorflow", VGG, "bfloat16"),
        ("fma avx512_bf16", "jax", VGG, "float32"),
        ("fma avx512f", "tensorflow", VGG, "float32"),
        ("fma avx512_bf16", "tensorflow", MOBILENET, "float32"),
    ],
)
def test_without_a_gpu_the_cpu_and_the_network_decide(monkeypatch, tmp_path, flags, backend, network, chosen):
    cpu_info = tmp_path / "cpuinfo"
    cpu_info.write_text(f"processor : 0\nmodel name : amx_bf16 by name\nflags\t\t: {flags}\n")
    monkeypatch.setattr(devices, "_CPU_INFO", cpu_info)
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    monkeypatch.setattr(precision, "has_gpu", lambda: False)
    assert choose_precision("auto", network) == chosen


def test_a_cpu_that_nothing_is_known_of_computes_in_float32(monkeypatch, tmp_path):
    monkeypatch.setattr(devices, "_CPU_INFO", tmp_path / "none")
    monkeypatch.setattr(precision, "has_gpu", lambda: False)
    assert choose_precision("auto", VGG) == "float32"


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


def test_float16_scales_the_loss_and_leaves_out_steps_that_overflow():
    variable = keras.Variable(np.ones(2, "f"))
    settings = resolve(OptimizerOptions(warmup_steps=0, weight_decay=0.0), total_steps=10, pretrained=False)
    optimizer = scaling_loss(make_optimizer(settings, total_steps=10), "float16")
    optimizer.build([variable])
    assert float(optimizer.scale_loss(1.0)) > 1000.0
    optimizer.apply([keras.ops.convert_to_tensor([np.inf, 1.0])], [variable])
    assert np.array(variable).tolist() == [1.0, 1.0]
    optimizer.apply([keras.ops.convert_to_tensor([1.0, 1.0])], [variable])
    assert (np.array(variable) < 1.0).all()
    plain = make_optimizer(settings, total_steps=10)
    assert scaling_loss(plain, "bfloat16") is plain
