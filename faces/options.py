"""What training and measuring a face classifier can be told. Without Keras, for `--help`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from datasets.splits import SplitOptions
from faces.folder import FaceOptions

DEFAULT_CACHE = Path("runs/face_features")


@dataclass(frozen=True)
class FaceTrainingOptions:
    """Trains a face classifier."""

    faces_dir: Path  #: one folder of pictures per character, or pictures with LabelImg's XML.
    train_dir: Path  #: folder for the classifier and its report; made if it does not exist.
    #: around a box of XML, as a share of its longer side; pictures without XML are taken whole.
    margin: float = 0.15
    cache_dir: Path = DEFAULT_CACHE  #: where what was seen in faces is kept, for all trainings.
    #: parts into which the characters are divided, to measure how well strangers are told apart: each part is
    #: left out of a training once; 0 leaves that out.
    left_out: int = 5
    reading: Annotated[FaceOptions, tyro.conf.arg(name="")] = field(default_factory=FaceOptions)
    splitting: Annotated[SplitOptions, tyro.conf.arg(name="")] = field(
        default_factory=lambda: SplitOptions(split_fractions=(0.6, 0.2, 0.2))
    )

    def __post_init__(self) -> None:
        if not 0 <= self.margin <= 2:
            raise ValueError(f"--margin {self.margin}: must be in 0...2, a share of the box's longer side")
        if self.left_out < 0:
            raise ValueError(f"--left_out {self.left_out}: must be 0 or more")
        if self.splitting.split_by == "lists":
            raise ValueError("--split_by lists: faces are split by source or picture; ImageSets/ is not read")


@dataclass(frozen=True)
class FaceEvaluationOptions:
    """Measures a face classifier on a folder of faces."""

    checkpoint_path: Path  #: the --train_dir of train_face_classifier.py.
    faces_dir: Path  #: one folder of pictures per character, or pictures with LabelImg's XML.
    eval_dir: Path  #: folder for the report; made if it does not exist.
    #: folder of pictures of faces of nobody that the classifier knows, with or without folders inside.
    strangers_dir: Path | None = None
    cache_dir: Path = DEFAULT_CACHE  #: where what was seen in faces is kept.
    reading: Annotated[FaceOptions, tyro.conf.arg(name="")] = field(default_factory=FaceOptions)
