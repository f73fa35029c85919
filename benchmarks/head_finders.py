"""How many heads of real frames a finder finds: recall against false heads a picture.

    python -m benchmarks.head_finders --picture_dir=onepiece/JPEGImages --checkpoint_path runs/a runs/b

The truth is onepiece_heads.csv beside this file: every head of 99 validation and 101 training frames of a
public set of One Piece (annotations CC BY 4.0; the frames are not here), drawn by eye on twofold
enlargements and looked at twice. A box is tight around face, ears, hair that lies on the head and what is
worn there. "hard" ones (less than half to be seen, blurred, or under about 12 pixels) count neither as found
nor as missed.

A checkpoint looks once, and from ten sides (a finder of heads then once more at each, `nets.looks`); any of
its names is a head. Prints, for IoU 0.5, recall where
0.5, 1 and 2 heads a picture are false, and the average precision, each of both sets. With --portrait_dir and
--headless_dir also, of pictures of one face each, in how many a head is drafted around the middle, and of
pictures without a drawn head how many are drafted.
"""

import csv
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from benchmarks.other_finders import HEAD, animeface_finder, cascade_finder, widen
from boxes.detections import Detections
from datasets.pictures import SUFFIXES, read_picture
from engine.average_precision import GroundTruth, evaluate_detections
from files.below import files_below
from labelling.drafts import DRAFTED, checkpoint_finder
from nets.detector import Detector
from nets.looks import Finder
from terminal.bars import show_table
from terminal.command import command

TRUTH = Path(__file__).with_name("onepiece_heads.csv")
NAME, LEAST = "head", 0.02
FALSE = (0.5, 1.0, 2.0)  # heads a picture


@dataclass(frozen=True)
class Options:
    """How many heads of real frames finders find."""

    picture_dir: Path
    """The frames that onepiece_heads.csv names."""
    checkpoint_path: tuple[Path, ...] = ()
    """Detectors of ours."""
    animeface: Path | None = None
    """The Python of an environment that has animeface and a Pillow before 12."""
    cascade_path: tuple[Path, ...] = ()
    """OpenCV cascades."""
    portrait_dir: Path | None = None
    """Pictures that show one face each."""
    headless_dir: Path | None = None
    """Pictures that show no drawn head."""


def read_truth(sizes: dict[str, tuple[int, int]]) -> dict[str, GroundTruth]:
    """The heads of each picture, as fractions of its (height, width)."""
    rows = defaultdict(list)
    with TRUTH.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows[row["picture"]].append([int(row[key]) for key in ("ymin", "xmin", "ymax", "xmax", "hard")])
    truth = {}
    for picture, some in rows.items():
        numbers, (height, width) = np.array(some, np.float32), sizes[picture]
        boxes = numbers[:, :4] / (height, width, height, width)
        truth[picture] = GroundTruth(boxes.astype(np.float32), (NAME,) * len(boxes), numbers[:, 4] > 0)
    return truth


def splits() -> dict[str, list[str]]:
    """The pictures of each set."""
    with TRUTH.open(encoding="utf-8", newline="") as file:
        rows = {row["picture"]: row["split"] for row in csv.DictReader(file)}
    return {split: [one for one in rows if rows[one] == split] for split in ("val", "train")}


def recall_at(found: list[Detections], truth: list[GroundTruth]) -> tuple[list[float], float]:
    """Recall where FALSE heads a picture are false, and the average precision (VOC 2012)."""
    result = evaluate_detections(found, truth, names=(NAME,)).names[NAME]
    wrong = np.cumsum(~result.right) / len(truth)
    recall = np.cumsum(result.right) / max(1, result.objects)
    reached = [recall[wrong <= most][-1:] for most in FALSE]
    return [float(one[0]) if len(one) else 0.0 for one in reached], result.ap_voc12 or 0.0


def looking_once(detector: Detector) -> Finder:
    """A detector whose names are put aside, as `checkpoint_finder` does, from one side."""

    def find(images: list[np.ndarray]) -> list[Detections]:
        found = detector.detect_batch(images, score_threshold=LEAST)
        return [one.renamed([NAME] * len(one)) for one in found]

    return find


def found_in(finder: Finder, folder: Path) -> list[Detections]:
    """The heads in every picture below a folder, in the order of paths."""
    paths, found = list(files_below(folder, SUFFIXES)), []
    for first in range(0, len(paths), 16):
        found += finder([read_picture(path) for path in paths[first : first + 16]])
    return [one.above(DRAFTED) for one in found]


def around_the_middle(found: Detections) -> bool:
    """Whether the middle of the picture lies in one of the boxes."""
    top, left, bottom, right = found.boxes.T
    return bool(np.any((top < 0.5) & (bottom > 0.5) & (left < 0.5) & (right > 0.5)))


@command("python -m benchmarks.head_finders")
def main(options: Options) -> None:
    console = Console()
    parts = splits()
    if missing := [
        name for some in parts.values() for name in some if not (options.picture_dir / name).is_file()
    ]:
        raise ValueError(
            f"--picture_dir {options.picture_dir} lacks {len(missing)} frames of {TRUTH.name}: {missing[0]}"
        )
    images = {name: read_picture(options.picture_dir / name) for some in parts.values() for name in some}
    truth = read_truth({name: image.shape[:2] for name, image in images.items()})
    finders = {}
    for path in options.checkpoint_path:
        finders[f"{path.parent.name}/{path.name}"] = looking_once(Detector.trained(path))
        finders[f"{path.parent.name}/{path.name}, ten looks"] = checkpoint_finder(path, LEAST)
    if options.animeface:
        finder = animeface_finder(options.animeface, NAME, LEAST)
        finders["animeface, widened"] = lambda some: [widen(one, HEAD) for one in finder(some)]
    for path in options.cascade_path:
        faces = cascade_finder(path, NAME, 3)
        finders[f"{path.name}, widened"] = lambda some, faces=faces: [widen(one, HEAD) for one in faces(some)]
    rows = []
    for name, find in finders.items():
        for split, pictures in parts.items():
            found = []
            for first in range(0, len(pictures), 16):
                found += find([images[one] for one in pictures[first : first + 16]])
            recalls, precision = recall_at(found, [truth[one] for one in pictures])
            rows.append((name, split, *(f"{one:.3f}" for one in (*recalls, precision))))
    show_table(console, ["finder", "set", *(f"recall, {most:g} false" for most in FALSE), "AP"], rows)
    rows = []
    for name, find in finders.items():
        if options.portrait_dir:
            found = found_in(find, options.portrait_dir)
            share = np.mean([around_the_middle(one) for one in found])
            rows.append((name, options.portrait_dir.name, len(found), f"{share:.3f} found"))
        if options.headless_dir:
            counts = [len(one) for one in found_in(find, options.headless_dir)]
            said = f"{np.mean(counts):.3f} false a picture, some in {np.mean(np.array(counts) > 0):.3f}"
            rows.append((name, options.headless_dir.name, len(counts), said))
    if rows:
        show_table(console, ["finder", "folder", "pictures", f"heads from a score of {DRAFTED}"], rows)


if __name__ == "__main__":
    sys.exit(main())
