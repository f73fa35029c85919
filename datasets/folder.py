"""Which picture belongs to which XML file in a folder."""

import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from datasets.pictures import ACCEPTED_SUFFIXES, OTHER_SUFFIXES
from datasets.problems import Problem

# Written by operating systems and archivers into every folder.
_NOISE_FOLDERS = frozenset({"__MACOSX", "@eaDir"})
_NOISE_FILES = frozenset({"thumbs.db", "desktop.ini"})


@dataclass(frozen=True)
class PictureFile:
    """A picture and, when it has one, its XML.

    Attributes:
        path: the picture.
        name: its path below the picture folder, with `/`; says in records and reports which picture it is.
        xml: None for a picture without XML.
    """

    path: Path
    name: str
    xml: Path | None

    @property
    def stem(self) -> str:
        """The file name without folder and suffix, NFC-normalised."""
        return _nfc(self.path.stem)


@dataclass(frozen=True)
class FolderContents:
    """What was found.

    Attributes:
        files: pictures in the order of their names, each with its XML or None.
        problems: XML without picture, pictures that share a name, formats that are not read.
        ignored: number of other files by suffix: `{".txt": 2}`.
        looked_in: the folder of XML files and the folder of pictures.
    """

    files: list[PictureFile]
    problems: list[Problem]
    ignored: dict[str, int]
    looked_in: tuple[Path, Path]


def find_files(
    dataset_dir: Path, filename_of: Callable[[Path], str | None], *, exclude: Collection[Path] = ()
) -> FolderContents:
    """Lists pictures and XML files, subfolders included, and brings them together.

    `Annotations/` and `JPEGImages/` are read when both exist, else everything below `dataset_dir`. An XML
    file belongs to the picture with the same path but for the suffix, else to the only picture with its stem,
    else to the picture that its `<filename>` names. `<path>` is never used: it is a path on the labelling
    machine. Names are compared NFC-normalised, because file systems differ in that.

    Args:
        dataset_dir: must exist.
        filename_of: gives `<filename>` of an XML file, None when there is none or the file is unusable;
            called only where names alone do not decide.
        exclude: files and folders to pass over: the output folder when it is inside `dataset_dir`.
    """
    xml_dir, picture_dir = dataset_dir / "Annotations", dataset_dir / "JPEGImages"
    if not (xml_dir.is_dir() and picture_dir.is_dir()):
        xml_dir = picture_dir = dataset_dir
    listed = list(_walk(xml_dir, exclude))
    if picture_dir != xml_dir:
        listed += _walk(picture_dir, exclude)
    xmls = [path for path in listed if path.suffix.lower() == ".xml"]
    pictures = [path for path in listed if path.suffix.lower() in ACCEPTED_SUFFIXES]
    problems = [
        Problem(
            _relative(path, dataset_dir), "", "picture format is not read", path.suffix.lower(),
            "left out: save it as PNG or JPEG",
        )
        for path in listed
        if path.suffix.lower() in OTHER_SUFFIXES
    ]  # fmt: skip
    known = {".xml", *ACCEPTED_SUFFIXES, *OTHER_SUFFIXES}
    ignored = Counter(path.suffix.lower() or path.name for path in listed if path.suffix.lower() not in known)

    xml_of, more = _match(xmls, pictures, xml_dir, picture_dir, filename_of)
    for path, kind, detail in more:
        problems.append(Problem(_relative(path, dataset_dir), "", kind, detail, "left out"))
    shadowed = {path for path, kind, _ in more if path in pictures}
    files = [
        PictureFile(path, _relative(path, picture_dir), xml_of.get(path))
        for path in pictures
        if path not in shadowed
    ]
    return FolderContents(files, problems, dict(ignored), (xml_dir, picture_dir))


def _match(
    xmls: list[Path],
    pictures: list[Path],
    xml_dir: Path,
    picture_dir: Path,
    filename_of: Callable[[Path], str | None],
) -> tuple[dict[Path, Path], list[tuple[Path, str, str]]]:
    """Gives XML by picture, and (file, kind, detail) of what has no partner."""
    problems: list[tuple[Path, str, str]] = []
    by_key = _index(pictures, lambda path: _nfc(path.relative_to(picture_dir).with_suffix("").as_posix()))
    xml_of: dict[Path, Path] = {}
    waiting: list[Path] = []
    for xml in xmls:
        same = by_key.get(_nfc(xml.relative_to(xml_dir).with_suffix("").as_posix()), [])
        if len(same) > 1:
            same = sorted(same, key=lambda path: _file_name(filename_of(xml)) != _nfc(path.name))
            for other in same[1:]:
                problems.append(
                    (other, "two pictures with the same name", f"{xml.name} is taken for {same[0].name}")
                )
        if not same:
            waiting.append(xml)
        elif same[0] in xml_of:
            problems.append((xml, "second XML for one picture", f"{same[0].name} has {xml_of[same[0]].name}"))
        else:
            xml_of[same[0]] = xml

    shadowed = {path for path, _, _ in problems}
    free = [path for path in pictures if path not in xml_of and path not in shadowed]
    by_stem = _index(free, lambda path: _nfc(path.stem))
    by_name = _index(free, lambda path: _nfc(path.name))
    for xml in waiting:
        name = _file_name(filename_of(xml))
        found = by_stem.get(_nfc(xml.stem), []) if len(by_stem.get(_nfc(xml.stem), [])) == 1 else []
        found = found or by_name.get(name, []) or by_stem.get(name, [])
        if len(found) != 1:
            asked = f"no picture {xml.stem}.*" + (f" and none named {name}" if name else "")
            if len(found) > 1:
                asked = f"{len(found)} pictures are named {name}"
            taken = [path for path in xml_of if name and name in (_nfc(path.name), _nfc(path.stem))]
            if taken:
                problems.append(
                    (xml, "second XML for one picture", f"{taken[0].name} has {xml_of[taken[0]].name}")
                )
            else:
                problems.append((xml, "XML without picture", asked))
        elif found[0] in xml_of:
            problems.append(
                (xml, "second XML for one picture", f"{found[0].name} has {xml_of[found[0]].name}")
            )
        else:
            xml_of[found[0]] = xml
    return xml_of, problems


def _walk(folder: Path, exclude: Collection[Path]) -> Iterable[Path]:
    """Every file below a folder in the order of names; links to folders are not followed."""
    passed_over = {path.resolve() for path in exclude}
    for parent, folders, files in os.walk(folder):
        at = Path(parent)
        folders[:] = sorted(
            name
            for name in folders
            if name not in _NOISE_FOLDERS
            and not name.startswith(".")
            and (at / name).resolve() not in passed_over
        )
        for name in sorted(files):
            path = at / name
            hidden = name.startswith(".") or name.lower() in _NOISE_FILES
            if not hidden and path.resolve() not in passed_over and path.is_file():
                yield path


def _index(paths: Iterable[Path], key: Callable[[Path], str]) -> dict[str, list[Path]]:
    index: dict[str, list[Path]] = {}
    for path in paths:
        index.setdefault(key(path), []).append(path)
    return index


def _file_name(filename: str | None) -> str:
    """The last part of what `<filename>` says, which may be a path of Windows or of Unix."""
    return _nfc((filename or "").replace("\\", "/").rsplit("/", 1)[-1].strip())


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)
