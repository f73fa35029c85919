"""The rows of `benchmarks.gpu` for comparison: torchvision's `ssd300_vgg16`, trained as well as it goes.

Not called by people. As many pictures, boxes and classes as ours, on the device already; AdamW, fused,
gradients clipped to the same norm; channels last, as tensor cores want it; bfloat16 is autocast. `compile` is
`torch.compile` of the backbone and of the heads; matching and the loss, which loop over the pictures in
Python, stay as torchvision has them.
"""

import json
import sys
from typing import Any

# Optional, and no dependency of the project.
import torch  # pyright: ignore[reportMissingImports]
import torchvision  # pyright: ignore[reportMissingImports]

from benchmarks.clock import CLASSES, Settings, answer, median_seconds

SIZE, BOXES = 300, 4
GRADIENT_CLIP = 10.0  # engine.training.learning has the same
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def main(arguments: list[str]) -> None:
    """Answer the keys that follow the settings."""
    settings = Settings(**json.loads(arguments[0]))

    def measure(key: str) -> dict:
        _, precision, way, batch_size = key.split()
        return step_row(settings, precision, way, int(batch_size))

    answer(arguments[1:], measure, device)


def device() -> dict[str, Any]:
    """What PyTorch computes on."""
    gpu = DEVICE == "cuda"
    compiler = f"CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}" if gpu else ""
    versions = {"backend": f"torch {torch.__version__}, torchvision {torchvision.__version__}"}
    memory = torch.cuda.get_device_properties(0).total_memory / 2**30 if gpu else None
    found = {"device": torch.cuda.get_device_name() if gpu else "cpu", "kind": DEVICE}
    return {**found, "compiler": compiler, "memory_gib": memory, **versions}


def step_row(settings: Settings, precision: str, way: str, batch_size: int) -> dict:
    """A training step in float32 or bfloat16, with `torch.compile` or `eager`."""
    torch.backends.cudnn.benchmark = True  # shapes stay: the fastest algorithms pay
    torch.manual_seed(0)
    images, targets = synthetic_batch(batch_size)
    step = training_step(precision, way, images, targets)
    if DEVICE == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    timed = median_seconds(step, lambda _: torch.cuda.synchronize() if DEVICE == "cuda" else None, settings)
    peak = round(torch.cuda.max_memory_allocated() / 2**30, 3) if DEVICE == "cuda" else None
    return {**timed, "pictures_per_second": batch_size / timed["seconds"], "memory_gib": peak}


def synthetic_batch(count: int):
    """Pictures of noise in 0...1 [3, 300, 300], and for each its boxes in pixels and their classes."""
    corners = torch.rand(count, BOXES, 2) * 0.6
    boxes = SIZE * torch.cat([corners, corners + 0.1 + 0.3 * torch.rand(count, BOXES, 2)], dim=2)
    classes = torch.randint(1, CLASSES, (count, BOXES))
    targets = [
        {"boxes": some.to(DEVICE), "labels": names.to(DEVICE)}
        for some, names in zip(boxes, classes, strict=True)
    ]
    return list(torch.rand(count, 3, SIZE, SIZE).to(DEVICE)), targets


def training_step(precision: str, way: str, images, targets):
    """Forward, loss, backward and optimiser on one batch; the step gives the loss, on the device."""
    build = torchvision.models.detection.ssd300_vgg16
    model = build(weights=None, weights_backbone=None, num_classes=CLASSES).to(DEVICE).train()
    model = model.to(memory_format=torch.channels_last)
    if way == "compile":
        torch.compiler.reset()  # else a second batch size is compiled for any, which is slower
        model.backbone = torch.compile(model.backbone, dynamic=False)
        model.head = torch.compile(model.head, dynamic=False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=5e-4, fused=True)

    def step():
        with torch.autocast(DEVICE, torch.bfloat16, enabled=precision == "bfloat16"):
            loss: Any = sum(model(images, targets).values())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), GRADIENT_CLIP)
        optimizer.step()
        return loss.detach()

    return step


if __name__ == "__main__":
    main(sys.argv[1:])
