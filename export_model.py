"""Writes a trained detector as a file for other programs, smaller machines and the browser.

    python export_model.py --checkpoint_path=RUN
    python export_model.py --checkpoint_path=RUN --format=litert --int8 --calibration_dir=my_set

The file takes plain RGB and gives named boxes: resizing, normalisation, decoding and suppression are
inside, names and thresholds with it (LiteRT: a square picture in, every anchor's box and probabilities out).
Before it gets its name it is compared with the checkpoint on pictures, and refused if it says something else.
`detect.py --checkpoint_path=detector.onnx` and `Detector.load` take it, too. Needs `make setup EXPORT=1`.

Exit status: 0; 1 if there is no usable checkpoint, or a file that is not as good; 2 for wrong flags.
"""

import importlib.util
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console

from terminal.bars import counting_bars
from terminal.command import command
from terminal.quiet import start_tensorflow, without_remarks

SUFFIXES = {"onnx": ".onnx", "openvino": ".xml", "litert": ".tflite", "saved_model": ""}
_PACKAGES = {"onnx": ("tf2onnx", "onnxruntime"), "openvino": ("tf2onnx", "onnxruntime", "openvino")}


@dataclass(frozen=True)
class Options:
    """Writes a trained detector as a file for other programs, smaller machines and the browser."""

    checkpoint_path: Path  #: checkpoint folder: the --train_dir of a training.
    #: the file to write, for a SavedModel the folder; not given: detector with the format's suffix.
    output_path: Path | None = None
    #: onnx (ONNX Runtime, browsers), openvino (Intel; .xml and .bin), litert (phones; .tflite), saved_model
    #: (TensorFlow Serving; a program, so that nothing here opens it again).
    format: Literal["onnx", "openvino", "litert", "saved_model"] = "onnx"
    #: how weights are stored; float16 halves the file, and scores differ in the third digit.
    weights: Literal["float16", "float32"] = "float16"
    #: compute with 8 bits: a third of float32. What the mAP loses is shown; over 0.03 the file is refused.
    int8: bool = False
    #: pictures like those to come, best a labelled set: int8 is fitted to them, and the file is compared with
    #: the checkpoint on (at most 100 of) them. int8 needs them; else those of demo/ do.
    calibration_dir: Path | None = None
    score_threshold: float = 0.01  #: lowest score that comes out, 0 to 1.
    #: ONNX of a VGG for a CPU: fewer products, a sixth faster, in ONNX Runtime; not everything can read it.
    winograd: bool = False


@command("export_model.py")
def main(options: Options) -> None:
    kind = options.format
    if not 0 <= options.score_threshold < 1:
        raise ValueError(f"--score_threshold {options.score_threshold}: must be at least 0 and below 1")
    if options.int8 and options.calibration_dir is None:
        raise ValueError("--int8 needs --calibration_dir: pictures like those that the detector will see")
    if options.int8 and kind == "saved_model":
        raise ValueError("--format=saved_model has no int8; take onnx, openvino or litert")
    if options.winograd and (options.int8 or kind != "onnx"):
        raise ValueError("--winograd is for --format=onnx without --int8")
    path = options.output_path or Path(f"detector{SUFFIXES[kind]}")
    if path.suffix != SUFFIXES[kind]:
        needed = SUFFIXES[kind] or "no suffix, for a folder"
        raise ValueError(f"--output_path {path}: --format={kind} needs {needed}")
    if path.is_dir():
        raise ValueError(f"--output_path {path} is a folder that is there already; name another")
    for package in _PACKAGES.get(kind, ()):
        if importlib.util.find_spec(package) is None:
            raise ValueError(f"the package {package} is not installed; run: make setup EXPORT=1")
    os.environ["KERAS_BACKEND"] = "tensorflow"  # which writes them all, whatever a training ran on
    start_tensorflow()
    from engine.measures.exports import compare, read_samples
    from nets.detector import Detector
    from nets.export_formats import read_saved_model, write_export
    from nets.exported import Exported

    checkpoint = Detector.trained(options.checkpoint_path)
    with counting_bars(Console(stderr=True)) as progress:
        pictures = options.calibration_dir or Path(__file__).parent / "demo"
        samples = read_samples(pictures, checkpoint.labels, progress)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".export-") as folder:
            temporary, least = Path(folder, path.name), options.score_threshold
            given = {"half": options.weights == "float16", "winograd": options.winograd}
            fit_to = samples.images if options.int8 else ()
            write_export(checkpoint, temporary, kind, score_threshold=least, fit_to=fit_to, **given)
            with without_remarks():
                reader = read_saved_model if kind == "saved_model" else None
                written = Detector.of_file(Exported(temporary, reader=reader))
                written.detect(samples.images[0])
            result = compare(checkpoint, written, samples, progress)
            truth = "labelled" if samples.truths else "by what the checkpoint reports"
            said = f"{result.before:.3f}, after {result.after:.3f} ({len(samples.images)} pictures, {truth})"
            print(f"mAP before {said}")
            if why := result.refusal(options.int8):
                raise ValueError(f"{path} is not written, for it is not what the checkpoint is: {why}")
            size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
            for file in Path(folder).iterdir():
                file.replace(path.parent / file.name)
    print(f"{path}: {size / 1e6:.1f} MB, probabilities differ by at most {result.apart:.3f}")


if __name__ == "__main__":
    raise SystemExit(main())
