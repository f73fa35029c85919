"""What a person can say about a conversion; the rest of it imports TensorFlow, which takes seconds."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro

from datasets.annotations import ReadOptions
from datasets.splits import SplitOptions


@dataclass(frozen=True)
class ConversionOptions:
    """Converts pictures labelled with LabelImg to TFRecords."""

    #: folder with Annotations/ and JPEGImages/ (and ImageSets/Main/ if you have lists), or one flat folder
    #: with pictures and XML side by side.
    dataset_dir: Path
    output_dir: Path  #: folder for TFRecords, labels.txt, dataset.json, dataset.png and problems.csv.
    dataset_name: str = "pascalvoc"  #: the only format there is: pascalvoc, which LabelImg writes.
    #: one set of this name with all pictures, instead of train, validation and test.
    output_name: str | None = None
    #: the names that may occur; a name that it does not list is an error. Default: every name found, appended
    #: to labels.txt in the output folder.
    labels_file: Annotated[Path | None, tyro.conf.arg(aliases=("--labels_path",))] = None
    pictures_per_shard: int = 200  #: at most so many pictures in one TFRecord file.
    strict: bool = False  #: any problem stops the conversion, with exit status 1.
    model_name: str = "ssd_300_lite"  #: network whose anchors dataset.png compares with the boxes.
    figure: bool = True  #: draw dataset.png.
    #: read and encode pictures in an Apache Beam pipeline on this runner, not in threads here; Beam's own
    #: flags stand behind it: "FlinkRunner --flink_master=host:8081". Workers see both folders by these paths.
    runner: str | None = None
    reading: Annotated[ReadOptions, tyro.conf.arg(name="")] = field(default_factory=ReadOptions)
    splitting: Annotated[SplitOptions, tyro.conf.arg(name="")] = field(default_factory=SplitOptions)

    def check(self) -> None:
        """Raises ValueError for what cannot be meant; not in the constructor, which tyro would speak for."""
        if self.dataset_name != "pascalvoc":
            raise ValueError(
                f"--dataset_name {self.dataset_name}: only pascalvoc can be converted, LabelImg's XML"
            )
        if self.pictures_per_shard < 1:
            raise ValueError(
                f"--pictures_per_shard {self.pictures_per_shard}: must be at least 1 (default 200)"
            )
        name = self.output_name
        if name is not None and (not name or name[0] in ". -" or set(name) & set('/\\:*?"<>|')):
            raise ValueError(
                f"--output_name {name!r}: files begin with it, so it is not empty, has none of "
                '/ \\ : * ? " < > | and does not begin with a dot, blank or hyphen (example: voc_2007_train)'
            )

    def assigning(self) -> dict[str, Any]:
        """What decides where a source goes, as dataset.json remembers it."""
        return {"seed": self.splitting.seed, "split_fractions": list(self.splitting.split_fractions)}
