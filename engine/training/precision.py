"""In which numbers a network computes while it trains: its weights are float32 in any case."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from engine.training.devices import compute_capability, cpu_has_bfloat16, has_gpu
from nets.network import Network


def choose_precision(choice: str, network: Network) -> str:
    """`choice`, or for `auto` what the device computes fastest without losing accuracy.

    bfloat16, which has the range of float32, where a GPU has units for it (NVIDIA from Ampere on, compute
    capability 8); float16 where it has units for that only (Volta, Turing: 7). A CPU with units for bfloat16
    trains networks of plain convolutions faster with it, those of depthwise ones slower: the network says
    which it is, as measured with benchmarks/networks.py. float32 elsewhere.
    """
    if choice != "auto":
        return choice
    if not has_gpu():
        return "bfloat16" if network.bfloat16_on_cpu and cpu_has_bfloat16() else "float32"
    capability = compute_capability()
    if capability is None or capability < 7.0:
        return "float32"
    return "bfloat16" if capability >= 8.0 else "float16"


@contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Layers that are made in the block compute in this precision; those that say otherwise do not."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision if precision == "float32" else f"mixed_{precision}")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def scaling_loss(optimizer: keras.optimizers.Optimizer, precision: str) -> keras.optimizers.Optimizer:
    """The optimiser, for float16 one that scales the loss so that small gradients do not become 0.

    A step whose gradients leave the range of float16 is left out, and the next is scaled less.
    """
    return keras.optimizers.LossScaleOptimizer(optimizer) if precision == "float16" else optimizer
