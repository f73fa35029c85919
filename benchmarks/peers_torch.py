"""What `benchmarks.peers` asks of torchvision's `ssd300_vgg16`, in PyTorch's own environment.

Not called by people. Every line of standard input is a key, `LEAST_SECONDS KIND WAY BATCH`, and is answered
at once: then the other process measures something else, in turns. Channels last, which is what a CPU likes.
"""

import sys
from collections.abc import Callable
from functools import cache

# Optional, and no dependency of the project.
import torch  # pyright: ignore[reportMissingImports]
import torchvision  # pyright: ignore[reportMissingImports]

from benchmarks.clock import CLASSES, answer
from benchmarks.gpu_torch import SIZE, device, synthetic_batch, training_step
from benchmarks.peers_turns import block

NOBODY = 10.0  # added to what background says, so that nobody is found: as in most of a picture


def main() -> None:
    """Answer the keys of standard input, until it ends."""

    def measure(key: str) -> dict:
        least, kind, way, batch = key.split()
        return {"seconds": block(made(kind, way, int(batch)), float(least))}

    answer(map(str.strip, sys.stdin), measure, lambda: {**device(), "threads": torch.get_num_threads()})


@cache
def made(kind: str, way: str, batch: int) -> Callable[[], object]:
    """What is to be timed: a training step (`train`) or looking at pictures (`detect`)."""
    torch.manual_seed(0)
    if kind == "train":
        return training_step("float32", way, *synthetic_batch(batch))
    return detection(way, batch)


def detection(way: str, batch: int) -> Callable[[], object]:
    """Pictures in 0...1 [3, 300, 300] to boxes, as torchvision's users call it."""
    build = torchvision.models.detection.ssd300_vgg16
    model = build(weights=None, weights_backbone=None, num_classes=CLASSES).eval()
    model = model.to(memory_format=torch.channels_last)
    with torch.no_grad():
        for layer in model.head.classification_head.module_list:
            layer.bias.view(-1, CLASSES)[:, 0] += NOBODY
    if way == "compile":
        model.backbone = torch.compile(model.backbone, dynamic=False)
        model.head = torch.compile(model.head, dynamic=False)
    images = list(torch.rand(batch, 3, SIZE, SIZE))

    def detect():
        with torch.inference_mode():
            return model(images)

    return detect


if __name__ == "__main__":
    main()
