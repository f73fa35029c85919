"""Which picture belongs to which XML file in a folder."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from datasets.pictures import ACCEPTED_SUFFIXES, OTHER_SUFFIXES
from datasets.problems import Problem
from datasets.voc import XmlError, read_xml
from files.below import files_below

# Lies in the page's inbox, whose reports nobody has confirmed: it is never read as a data set.
INBOX_MARK = "inbox.json"


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


def refuse_inbox(folder: Path, flag: str) -> None:
    """Raises ValueError, which names the flag, where a folder is the page's inbox or one of its folders."""
    if any((place / INBOX_MARK).exists() for place in (folder, folder.resolve().parent)):
        raise ValueError(
            f"{flag} {folder}: this is an inbox of reports that nobody has confirmed yet; bring them into "
            "your data set with: python -m tools.inbox accept"
        )


def find_files(dataset_dir: Path, *, exclude: Collection[Path] = ()) -> FolderContents:
    """Lists pictures and XML files, subfolders included, and brings them together.

    `Annotations/` and `JPEGImages/` are read when both exist, else everything below `dataset_dir`. An XML
    file belongs to the picture with the same path but for the suffix, else to the only picture with its stem,
    else to the picture that its `<filename>` names. `<path>` is never used: it is a path on the labelling
    machine. Names are compared NFC-normalised, because file systems differ in that.

    Args:
        dataset_dir: must exist.
        exclude: files and folders to pass over: the output folder when it is inside `dataset_dir`. Folders
            that hold a dataset.json, the output of earlier conversions, are passed over anyway.
    """
    xml_dir, picture_dir = dataset_dir / "Annotations", dataset_dir / "JPEGImages"
    if not (xml_dir.is_dir() and picture_dir.is_dir()):
        xml_dir = picture_dir = dataset_dir
    exclude = [*exclude, dataset_dir / "ImageSets"]
    listed = {
        path: path.relative_to(base)
        for base in (xml_dir, picture_dir)
        for path in files_below(base, exclude=exclude, other=_is_no_data_set)
    }
    xmls, pictures, unread = (
        {path: name for path, name in listed.items() if path.suffix.lower() in suffixes}
        for suffixes in ((".xml",), ACCEPTED_SUFFIXES, OTHER_SUFFIXES)
    )
    others = sorted(set(listed).difference(xmls, pictures, unread))
    ignored = Counter(path.suffix.lower() or path.name for path in others)
    xml_of, partnerless = _match(xmls, pictures)
    wrong = [(path, *said, "left out") for path, said in partnerless.items()]
    cure = "left out: save it as PNG or JPEG"
    wrong += [(path, "picture format is not read", path.suffix.lower(), cure) for path in unread]
    problems = [Problem(path.relative_to(dataset_dir).as_posix(), "", *said) for path, *said in wrong]
    files = [
        PictureFile(path, name.as_posix(), xml_of.get(path))
        for path, name in sorted(pictures.items(), key=lambda item: item[1].as_posix())
        if path not in partnerless
    ]
    return FolderContents(files, problems, dict(ignored), (xml_dir, picture_dir))


def _match(
    xmls: Mapping[Path, Path], pictures: Mapping[Path, Path]
) -> tuple[dict[Path, Path], dict[Path, tuple[str, str]]]:
    """Brings XML files and pictures together, both given as the name below their folder by path.

    Returns:
        XML by picture; and (kind, detail) of the problem by XML or picture that has no partner.
    """
    xml_of: dict[Path, Path] = {}
    alone: dict[Path, tuple[str, str]] = {}
    waiting: list[Path] = []

    def pair(picture: Path, xml: Path) -> None:
        if picture in xml_of:
            alone[xml] = ("second XML for one picture", f"{picture.name} has {xml_of[picture].name}")
        else:
            xml_of[picture] = xml

    by_name = _index(pictures, lambda path: _nfc(pictures[path].with_suffix("").as_posix()))
    for xml, name in xmls.items():
        same = by_name.get(_nfc(name.with_suffix("").as_posix()), [])
        if not same:
            waiting.append(xml)
            continue
        meant = _file_name(xml) if len(same) > 1 else ""
        first, *others = sorted(same, key=lambda path: _nfc(path.name) != meant)
        for other in others:
            alone[other] = ("two pictures with the same name", f"{xml.name} goes with {first.name}")
        pair(first, xml)

    free = [path for path in pictures if path not in xml_of and path not in alone]
    by_stem = _index(free, lambda path: _nfc(path.stem))
    by_file_name = _index(pictures, lambda path: _nfc(path.name))
    for stem, some in _index(pictures, lambda path: _nfc(path.stem)).items():
        by_file_name.setdefault(stem, some)  # LabelImg once wrote <filename> without its suffix
    for xml in waiting:
        stem = _nfc(xml.stem)
        meant = _file_name(xml)
        found = by_stem.get(stem, [])
        if len(found) != 1:
            found = by_file_name.get(meant, [])
        if len(found) == 1:
            pair(found[0], xml)
        elif found:
            alone[xml] = ("XML without picture", f"{len(found)} pictures are named {meant}")
        else:
            asked = f" and none named {meant}" if meant and _nfc(Path(meant).stem) != stem else ""
            alone[xml] = ("XML without picture", f"no picture {xml.stem}.*{asked}")
    return xml_of, alone


def _is_no_data_set(folder: Path) -> bool:
    """Whether a folder holds the output of a conversion, or reports that nobody has confirmed."""
    return any((folder / name).exists() for name in ("dataset.json", INBOX_MARK))


def _index(paths: Iterable[Path], key: Callable[[Path], str]) -> dict[str, list[Path]]:
    index: dict[str, list[Path]] = {}
    for path in paths:
        index.setdefault(key(path), []).append(path)
    return index


def _file_name(xml: Path) -> str:
    """The last part of what `<filename>` says, which may be a path of Windows or of Unix."""
    try:
        filename = read_xml(xml).filename or ""
    except XmlError:
        return ""
    return _nfc(filename.replace("\\", "/").rsplit("/", 1)[-1].strip())


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)
