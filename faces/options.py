"""What a training of a face classifier can be told. Without Keras, for `--help`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from datasets.splits import SplitOptions
from faces.folder import FaceOptions

DEFAULT_CACHE = Path("runs/face_features")


@dataclass(frozen=True)
class HeadOptions:
    """How the head is trained: one layer, from what the backbone saw to names.

    Attributes:
        head: discriminant (Fisher's, in closed form), or softmax (gradient descent).
        shrinkage: of the discriminant: the more faces, the less of it is needed.
        epochs: of softmax: times that every view is seen.
        batch_size: of softmax: views at once.
        learning_rate: of softmax at the start; it falls to zero along a cosine.
        weight_decay: of softmax: pulls the head's weights towards zero.
        label_smoothing: of softmax: share of the truth that is spread over all names.
    """

    head: Literal["discriminant", "softmax"] = "discriminant"
    shrinkage: float = 0.3
    epochs: int = 40
    batch_size: int = 128
    learning_rate: float = 0.01
    weight_decay: float = 0.01
    label_smoothing: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.shrinkage <= 1000:
            raise ValueError(f"--shrinkage {self.shrinkage}: must be above 0 (0.1 to 3 is usual)")
        if self.epochs < 1 or self.batch_size < 1:
            raise ValueError(
                f"--epochs {self.epochs} --batch_size {self.batch_size}: both must be at least 1"
            )
        if self.learning_rate <= 0 or self.weight_decay < 0:
            raise ValueError(
                f"--learning_rate {self.learning_rate} must be above 0, --weight_decay {self.weight_decay} "
                "not negative"
            )
        if not 0 <= self.label_smoothing < 1:
            raise ValueError(f"--label_smoothing {self.label_smoothing}: must be in 0...1, without 1")


@dataclass(frozen=True)
class FineTuning:
    """Training of the backbone's top blocks together with the head, after the head alone.

    Attributes:
        fine_tune_epochs: times that every view is seen; 0: the backbone stays as it is.
        fine_tune_learning_rate: of the top blocks and the head, after a warm-up.
    """

    fine_tune_epochs: int = 0
    fine_tune_learning_rate: float = 1e-4

    def __post_init__(self) -> None:
        if self.fine_tune_epochs < 0:
            raise ValueError(f"--fine_tune_epochs {self.fine_tune_epochs}: must be 0 (none) or more")
        if self.fine_tune_learning_rate <= 0:
            raise ValueError(f"--fine_tune_learning_rate {self.fine_tune_learning_rate}: must be above 0")


@dataclass(frozen=True)
class FaceTrainingOptions:
    """Trains a face classifier.

    Attributes:
        faces_dir: one folder of pictures per character, or pictures with LabelImg's XML.
        train_dir: folder for the classifier and its report; made if it does not exist.
        backbone: vgg16, mobilenet_v2, inception_v3, efficientnet_v2_b0, efficientnet_v2_s, a network of this
            project (ssd_300_vgg ...), or the folder of a trained detector.
        backbone_weights: imagenet (downloads once), none (random), or a file: keras.applications' no_top .h5,
            or variables by tf-slim name (.npz, TensorFlow checkpoint). A detector's folder needs nothing.
        image_size: side of the picture that the backbone sees; default: the backbone's own.
        strides: which of its feature maps are looked at: 4 sees the finest details, 32 is the last one.
        cells: parts per side in which each map is summed up: 4 tell the hair above from the chin below.
        statistics: what is taken of each channel in each part: mean, std, max.
        margin: around a box of XML, as a share of its longer side; pictures without XML are taken whole.
        views: how many views of each training face: itself, its mirror image, and others a little turned,
            shifted, zoomed and lit otherwise. All are computed once and kept.
        mirrored: a face's mirror image has its say in the answer, too.
        cache_dir: where what the backbone saw is kept, for all trainings.
        left_out: parts into which the characters are divided, to measure how well strangers are told apart:
            each part is left out of a training once; 0 leaves that out.
    """

    faces_dir: Path
    train_dir: Path
    backbone: str = "vgg16"
    backbone_weights: str | None = None
    image_size: int | None = None
    strides: tuple[int, ...] = (8,)
    cells: int = 4
    statistics: tuple[str, ...] = ("mean",)
    margin: float = 0.15
    views: int = 4
    mirrored: bool = True
    cache_dir: Path = DEFAULT_CACHE
    left_out: int = 5
    head: Annotated[HeadOptions, tyro.conf.arg(name="")] = field(default_factory=HeadOptions)
    tuning: Annotated[FineTuning, tyro.conf.arg(name="")] = field(default_factory=FineTuning)
    reading: Annotated[FaceOptions, tyro.conf.arg(name="")] = field(default_factory=FaceOptions)
    splitting: Annotated[SplitOptions, tyro.conf.arg(name="")] = field(
        default_factory=lambda: SplitOptions(split_fractions=(0.6, 0.2, 0.2))
    )

    def __post_init__(self) -> None:
        if not 1 <= self.views <= 64:
            raise ValueError(f"--views {self.views}: must be in 1...64; 1 is each face as it is")
        if not 0 <= self.margin <= 2:
            raise ValueError(f"--margin {self.margin}: must be in 0...2, a share of the box's longer side")
        if self.left_out < 0:
            raise ValueError(f"--left_out {self.left_out}: must be 0 or more")
        if self.image_size is not None and not 16 <= self.image_size <= 1024:
            raise ValueError(f"--image_size {self.image_size}: must be in 16...1024 pixels")
        if not self.strides:
            raise ValueError("--strides: give at least one, for example --strides 8 16")
        if self.splitting.split_by == "lists":
            raise ValueError("--split_by lists: faces are split by source or picture; ImageSets/ is not read")
