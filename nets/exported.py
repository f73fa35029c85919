"""Files that export_model.py wrote, read again: their own network, and behind it the project's own tail.

ONNX Runtime runs `.onnx`, OpenVINO `.xml` with its `.bin`, TensorFlow's interpreter `.tflite`. A SavedModel
is a program, which may do more than look at pictures: who wrote it opens it (nets.export_formats).
"""

import json
import os
import warnings
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from datasets.labels import clean_name
from nets import get_network
from nets.postprocess import Look, look_at
from nets.thresholds import thresholds_from
from preprocessing.resize import resize_picture

# What every file answers: of each anchor its box [A, 4] and probabilities [A, C], background first.
ANCHORS = "anchor_boxes", "anchor_probabilities"
KEPT = "boxes", "scores", "classes"  # of what is a detection, where the format has operations for that
FACTS = "detector.json"  # in the zip behind a .tflite, where others have their labels
OPENVINO_FACTS = "detector"
# A picture, uint8 [H, W, 3] RGB, -> `ANCHORS`, and `KEPT` if the file has them, as nets.onnx_export says.
Outputs = Callable[[np.ndarray], dict[str, np.ndarray]]
Reader = Callable[[Path], tuple[dict[str, str], Outputs]]  # a file -> `facts_of` it, and what it answers


def square(picture: np.ndarray, size: int) -> np.ndarray:
    """What a network looks at of a picture, uint8 [H, W, 3], in whole levels: uint8 [size, size, 3]."""
    return np.rint(resize_picture(picture, size)).astype(np.uint8)


class Exported:
    """Such a file, in the place of a `Detector`'s model.

    Attributes:
        path: the file.
        labels: the names it knows, from `facts_of`, as are `network` and `thresholds`.
        outputs: what the file itself answers.
    """

    def __init__(self, path: Path, *, reader: Reader | None = None):
        self.path, reader = path, reader or _READERS.get(path.suffix)
        if reader is None:
            raise ValueError(f"{path} is no file of export_model.py: no {', '.join(_READERS)}")
        try:
            facts, self.outputs = reader(path)
            self.labels = tuple(clean_name(name) for name in json.loads(facts["labels"]))
            self.network = get_network(facts["network"])
            self.thresholds = thresholds_from(json.loads(facts["thresholds"]))
            self.look([np.zeros((8, 8, 3))], self.labels)  # whatever it is, it can be used
        except ModuleNotFoundError as error:
            raise ValueError(f"the package {error.name} is not installed; run: make setup EXPORT=1") from None
        except Exception as error:  # each library has its own
            said = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
            raise ValueError(f"{path} is no file of export_model.py ({said}); write it anew") from error

    def look(self, images: Sequence[np.ndarray], labels: Sequence[str]) -> list[Look]:
        """`nets.postprocess.DetectionModel.look` of the file: in whole levels."""
        looks = []
        for picture in images:
            seen = self.outputs(np.rint(picture).astype(np.uint8))
            boxes, shares = (seen[key] for key in ANCHORS)
            if shares.shape[1] != 1 + len(labels):
                raise ValueError(f"{len(labels)} labels for {shares.shape[1] - 1} names")
            looks.append(look_at(boxes, shares, np.log(np.maximum(shares, 1e-9)), labels))
        return looks


def _onnx(path: Path) -> tuple[dict[str, str], Outputs]:
    import onnxruntime

    session = onnxruntime.InferenceSession(path.read_bytes())  # not by its path: that opens files beside it
    names = [output.name for output in session.get_outputs()]

    def outputs(picture: np.ndarray) -> dict[str, np.ndarray]:
        return dict(zip(names, session.run(None, {"picture": picture}), strict=True))

    return session.get_modelmeta().custom_metadata_map, outputs


def _openvino(path: Path) -> tuple[dict[str, str], Outputs]:
    import openvino

    core = openvino.Core()
    model = core.read_model(path)
    exact = {"INFERENCE_PRECISION_HINT": "f32"}  # else bfloat16 where the CPU has it: off in the third digit
    compiled = core.compile_model(model, "CPU", exact)
    there = model.get_rt_info([OPENVINO_FACTS]).astype(dict)
    facts = {key: value.astype(str) for key, value in there.items()}

    def outputs(picture: np.ndarray) -> dict[str, np.ndarray]:
        said = compiled({"picture": picture})
        return {name: said[name] for name in (*KEPT, *ANCHORS)}

    return facts, outputs


def _litert(path: Path) -> tuple[dict[str, str], Outputs]:
    import tensorflow as tf

    with zipfile.ZipFile(path) as behind:
        if behind.getinfo(FACTS).file_size > 2**20:
            raise ValueError(f"its {FACTS} is too large")
        facts = json.loads(behind.read(FACTS))
    with warnings.catch_warnings(action="ignore", category=UserWarning):  # it moves elsewhere one day
        interpreter = tf.lite.Interpreter(model_content=path.read_bytes(), num_threads=os.cpu_count())
    run = interpreter.get_signature_runner()
    (name, given), *_ = run.get_input_details().items()

    def outputs(picture: np.ndarray) -> dict[str, np.ndarray]:
        said = run(**{name: square(picture, given["shape"][1])[None]})
        return {key: said[key][0] for key in ANCHORS}

    return facts, outputs


_READERS = {".onnx": _onnx, ".xml": _openvino, ".tflite": _litert}
