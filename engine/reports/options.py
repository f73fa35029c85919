"""What an evaluation can be told: the flags of eval_ssd_network.py."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class EvaluationOptions:
    """Measures a trained network on a set of TFRecords: VOC 2007, VOC 2012 and COCO average precision."""

    dataset_dir: Path  #: Folder of TFRecords: the --output_dir of tf_convert_data.py.
    #: Checkpoint folder: the --train_dir of a training. Or a TensorFlow checkpoint or .npz of tf-slim names,
    #: whose classes are named by a labels.txt beside it, or by the dataset.
    checkpoint_path: Path
    eval_dir: Path  #: Folder for report.html, report.json and detections.json; made if it does not exist.
    #: Network of a TensorFlow checkpoint; not given: found out. A checkpoint folder says its own.
    model_name: str | None = None
    #: Look only at the sets of this name: pascalvoc_2007 means voc_2007_test and so on, pascalvoc or nothing
    #: means all.
    dataset_name: str | None = None
    #: Set to measure on: train, validation, test, or the --output_name of a conversion.
    dataset_split_name: str = "test"
    batch_size: int = 16  #: Pictures that the network sees at once.
    max_pictures: int | None = None  #: Measure only the first so many pictures.
    max_num_batches: int | None = None  #: Measure only the first so many times --batch_size pictures.
    #: Score from which detections are reported: for precision, recall, the confusion matrix and the drawn
    #: pictures. Not given: for each name the one that its training chose on the validation set, 0.5 where it
    #: chose none. Average precision looks at all scores.
    score_threshold: float | None = None
    #: Folder of pictures that show none of the characters (other series, photographs, empty scenes): counts
    #: how often somebody there is taken for one, and how well "unknown" would be answered.
    strangers_dir: Path | None = None
    #: How many of the best and of the worst pictures report.html shows; 0 for none.
    gallery_pictures: int = 8

    def __post_init__(self):
        if self.score_threshold is not None and not 0.01 <= self.score_threshold <= 1:
            why = "below 0.01 nothing counts as a detection"
            raise ValueError(f"--score_threshold must be in 0.01...1, not {self.score_threshold}: {why}.")
        least_of = dict.fromkeys(("batch_size", "max_pictures", "max_num_batches"), 1)
        for flag, least in {**least_of, "gallery_pictures": 0}.items():
            value = getattr(self, flag)
            if value is not None and value < least:
                raise ValueError(f"--{flag} must be at least {least}, not {value}.")

    @property
    def most_pictures(self) -> int | None:
        """How many pictures to measure at most; None for all."""
        batches = self.max_num_batches
        limits = (self.max_pictures, batches if batches is None else batches * self.batch_size)
        return min((limit for limit in limits if limit is not None), default=None)
