"""Makes a COCO or YOLO data set one of ours: pictures and LabelImg XML.

    python -m tools.import_dataset --source_path coco/instances_train.json --output_dir my_set
    python -m tools.import_dataset --source_path yolo/data.yaml --output_dir my_set

The pictures are copied; the source stays as it is. What is there already in the output folder stays too, so
an interrupted import goes on when the command is given again. Doubtful boxes are repaired as by
tf_convert_data.py, and everything that could not be taken is a line in import_problems.csv.
"""

import itertools
import shutil
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from unicodedata import category

from rich.console import Console

from datasets.annotations import choose_frame, examine_picture, nobody_left
from datasets.folder import growing_dirs
from datasets.kinds import seems
from datasets.pictures import MAX_PIXELS, UnusableFile
from datasets.problems import GROUP_HEADINGS, Problem, group_problems, write_problems
from datasets.voc import MAX_OBJECTS, RawAnnotation, RawObject, repair_objects, voc_objects, write_annotation
from files.telling import why
from files.writing import whole_file, write_text
from labelling.coco import read_coco
from labelling.foreign import IMPORT_PROBLEMS, LIST_OF, ForeignDataset, ForeignPicture
from labelling.yolo import read_yolo
from terminal.bars import Progress, counting_bars, show_table, silent
from terminal.command import command, say

_SAYS_NOTHING = ("images", "jpegimages", "data", "obj_train_data")
_UNFIT = ("Cc", "Cs", "Zl", "Zp")  # controls, bytes that are not UTF-8, line ends: not for names in lists


@dataclass(frozen=True)
class Options:
    #: COCO: a .json file or a folder with some. YOLO: data.yaml or obj.data, or a folder with classes.txt.
    source_path: Path
    output_dir: Path  #: Folder for Annotations/, JPEGImages/ and ImageSets/; made if it does not exist.
    #: COCO: the folder that its file names count from, where it is not found by itself.
    picture_dir: Path | None = None
    max_pixels: int = MAX_PIXELS  #: Refuse pictures with more pixels than this.


def read_dataset(source: Path, picture_dir: Path | None) -> ForeignDataset:
    """Reads what lies at a path, see `Options`; ValueError where it is no data set, or cannot be read."""

    def none(reason: str, cure: str = "") -> ValueError:
        looks = seems(source, own="tools.import_dataset") or cure
        return ValueError("; ".join(filter(None, (f"{source}: {reason}", looks))))

    if not source.exists():
        raise none("there is no such file or folder")
    of_coco = partial(read_coco, picture_dir=picture_dir)
    readers = {".json": of_coco, ".yaml": read_yolo, ".yml": read_yolo, ".data": read_yolo}
    if read := readers.get(source.suffix.lower()):
        return read(source)
    if source.is_file():
        kinds = "neither a COCO data set (a .json file) nor a YOLO data set (data.yaml)"
        raise none(kinds, "give a folder, unpacked")
    reasons: list[str] = []
    for read in (of_coco, read_yolo):
        try:
            return read(source)
        except ValueError as error:
            reasons.append(str(error).removeprefix(f"{source}: "))
    if reasons[0].startswith("no .json") and not reasons[1].startswith("no data.yaml"):
        raise ValueError(reasons[1])  # it is one of YOLO, and this is its fault
    raise none(f"neither a COCO data set ({reasons[0]}) nor a YOLO data set ({reasons[1]})")


@dataclass
class Imported:
    """What an import did."""

    problems: list[Problem]  # what was repaired or left out
    pictures: int = 0  # newly taken
    boxes: int = 0  # of these
    kept: int = 0  # pictures whose XML was there already
    splits: dict[str, list[str]] = field(default_factory=dict)  # stems by split


def import_dataset(
    dataset: ForeignDataset, output_dir: Path, max_pixels: int, progress: Progress = silent
) -> Imported:
    """Copies pictures and writes their XML, see `Options`."""
    done = Imported(list(dataset.problems))
    picture_dir, xml_dir = growing_dirs(output_dir)
    picture_dir.mkdir(parents=True, exist_ok=True)
    xml_dir.mkdir(parents=True, exist_ok=True)
    stems: set[str] = set()
    for number, picture in enumerate(dataset.pictures.values(), start=1):
        target = picture_dir / _free_name(picture, stems)
        stems.add(target.stem.casefold())
        xml = xml_dir / f"{target.stem}.xml"
        done.kept += xml.exists()
        try:
            taken = xml.exists() or _import_one(picture, target, xml, max_pixels, done)
        except OSError as error:
            taken = False
            done.problems.append(Problem(picture.name, "", "cannot be written", why(error), "left out"))
        if taken and picture.split:
            done.splits.setdefault(picture.split, []).append(target.stem)
        progress("importing", number, len(dataset.pictures))
    for split, members in done.splits.items():
        path = output_dir / "ImageSets" / "Main" / f"{split}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        there = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        write_text(path, "".join(f"{stem}\n" for stem in dict.fromkeys([*there, *members])))
    write_problems(output_dir / IMPORT_PROBLEMS, done.problems)
    return done


def _import_one(picture: ForeignPicture, target: Path, xml: Path, max_pixels: int, done: Imported) -> bool:
    """Copies one picture and writes its XML; says whether it could."""
    try:
        facts = examine_picture(picture.path, max_pixels=max_pixels)
        # YOLO's fractions are of the picture as it is seen, COCO says of which size its pixels are.
        size = picture.size or facts.turned_size
        found = list(itertools.islice(picture.objects_in(size), MAX_OBJECTS + 1))
        if len(found) > MAX_OBJECTS:
            raise UnusableFile("too many objects in one picture", f"more than {MAX_OBJECTS}", "refused")
    except UnusableFile as error:
        done.problems.append(Problem.of(error, picture.name))
        return False
    if target.exists() and target.read_bytes() != picture.path.read_bytes():
        kind = "another picture has its name in the output folder"
        done.problems.append(Problem(picture.name, "", kind, target.name, "left out"))
        return False
    objects = tuple(one for one in found if isinstance(one, RawObject))
    done.problems += [one for one in found if isinstance(one, Problem)]
    frame = choose_frame(facts, RawAnnotation(picture.path.name, size, objects))
    if frame.problem is not None:
        done.problems.append(Problem(picture.name, "", *frame.problem))
    repaired, problems = repair_objects(objects, frame.reference, picture.name)
    done.problems += problems
    if found and not repaired.names:
        done.problems.append(nobody_left(picture.name, len(found)))
        return False
    width, height = frame.size
    voc = voc_objects(repaired.boxes, repaired.names, width, height, difficult=repaired.difficult)
    if not target.exists():
        with whole_file(target) as temporary:
            shutil.copyfile(picture.path, temporary)
    # Last, so that a picture with XML is complete.
    write_annotation(xml, Path(target.parent.name, target.name), width, height, voc)
    done.pictures += 1
    done.boxes += len(voc)
    return True


def _free_name(picture: ForeignPicture, stems: set[str]) -> str:
    """A file name for a picture: folders become part of it, so that sources stay apart; never a path."""
    folders, name = picture.name.split("/")[:-1], picture.name.rpartition("/")[2]
    said = [part for part in folders if part.lower() not in _SAYS_NOTHING]
    if picture.split:  # which train2017/ says, too
        said = [part for part in said if LIST_OF.get(part.lower().rstrip("0123456789")) != picture.split]
    text = "_".join((*said, name))
    text = "".join("_" if one in '\\:*?"<>|' or category(one) in _UNFIT else one for one in text).strip()
    # File systems take 255 bytes, of which other names made of this one need some.
    text = text.encode("utf-8")[-180:].decode("utf-8", errors="ignore")
    name = Path(text.lstrip(". ") or "picture")
    stem, suffix = name.stem, picture.path.suffix.lower()
    more = [f"{stem}_{picture.split}"] if picture.split else []
    names = itertools.chain([stem], more, (f"{stem}_{number}" for number in itertools.count(2)))
    return next(one for one in names if one.casefold() not in stems) + suffix


@command("python -m tools.import_dataset", interrupted="the same command goes on from here")
def main(options: Options) -> None:
    console = Console()
    dataset = read_dataset(options.source_path, options.picture_dir)
    if not dataset.pictures:
        first = f" First: {dataset.problems[0].reason}." if dataset.problems else ""
        raise ValueError(f"{options.source_path}: no picture that can be taken.{first}")
    with counting_bars(console) as progress:
        done = import_dataset(dataset, options.output_dir, options.max_pixels, progress)
    if done.problems:
        show_table(console, GROUP_HEADINGS, group_problems(done.problems))
    if not done.pictures and not done.kept:
        raise ValueError(f"no picture could be taken; {options.output_dir / IMPORT_PROBLEMS} says why")
    kept = f", {done.kept} were there already" if done.kept else ""
    splits = "".join(f", {len(stems)} in {split}.txt" for split, stems in done.splits.items())
    say(console, f"{done.pictures} pictures with {done.boxes} boxes{kept}{splits}, in {options.output_dir}")


if __name__ == "__main__":
    raise SystemExit(main())
