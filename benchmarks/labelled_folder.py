"""Part of a labelled data set as a folder of its own."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from datasets.annotations import Annotation


def flat_name(one: Annotation) -> str:
    """The name that a picture gets there, without suffix: folders become part of it."""
    return one.stem.replace("/", "_")


def copy_annotations(folder: Path, pictures: Sequence[Annotation], labelled: Sequence[Annotation]) -> None:
    """Copies these pictures to folder/JPEGImages, and the XML of some to folder/Annotations."""
    for name in ("JPEGImages", "Annotations"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for one in pictures:
        shutil.copyfile(one.path, folder / "JPEGImages" / f"{flat_name(one)}{one.path.suffix}")
    for one in labelled:
        if one.xml is not None:
            shutil.copyfile(one.xml, folder / "Annotations" / f"{flat_name(one)}.xml")
