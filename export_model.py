"""Writes a trained detector as one ONNX file for other programs and for the browser.

    python export_model.py --checkpoint_path=RUN --output_path=detector.onnx

The file takes plain RGB pixels of any size and gives named boxes: resizing, normalisation, decoding and
suppression are inside, and the names are in its metadata (`labels`). Takes seconds, a minute with VGG. Needs
`make setup WEB=1`.

Exit status: 0; 1 if there is no usable checkpoint or its network cannot be written; 2 for wrong flags.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from files.writing import write_bytes
from terminal.command import command
from terminal.quiet import start_tensorflow


@dataclass(frozen=True)
class Options:
    """Writes a trained detector as one ONNX file for other programs and for the browser."""

    checkpoint_path: Path  #: checkpoint folder: the --train_dir of a training.
    output_path: Path = Path("detector.onnx")  #: the file to write.
    #: how weights are stored; float16 halves the file, and scores differ in the third digit.
    weights: Literal["float16", "float32"] = "float16"
    score_threshold: float = 0.01  #: lowest score that comes out, 0 to 1.


@command("export_model.py")
def main(options: Options) -> None:
    if not 0 <= options.score_threshold < 1:
        raise ValueError(f"--score_threshold {options.score_threshold}: must be at least 0 and below 1")
    if importlib.util.find_spec("tf2onnx") is None:
        raise ValueError("the package tf2onnx is not installed; run: make setup WEB=1")
    start_tensorflow()
    from nets.checkpoint import build_model, read_checkpoint
    from nets.onnx_export import export_onnx

    checkpoint = read_checkpoint(options.checkpoint_path)
    model, half = build_model(checkpoint), options.weights == "float16"
    written = export_onnx(
        model, checkpoint.network, checkpoint.labels, half=half, score_threshold=options.score_threshold
    ).SerializeToString()
    options.output_path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(options.output_path, written)
    print(f"{options.output_path}: {len(written) / 1e6:.1f} MB")


if __name__ == "__main__":
    raise SystemExit(main())
