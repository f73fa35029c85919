"""Which picture belongs to which XML file in a folder."""

import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from datasets.pictures import ACCEPTED_SUFFIXES, OTHER_SUFFIXES
from datasets.problems import Problem
from datasets.voc import XmlError, is_draft, read_xml
from files.below import files_below

# Lies in the page's inbox, whose reports nobody has confirmed: it is never read as a data set.
INBOX_MARK = "inbox.json"

# Folders in a data set, in small letters: of XML, and, by VOC, of lists and of pictures that are masks.
_XML_DIRS = ("annotations", "annotation", "annots", "xml", "xmls")
_NOT_READ = ("imagesets", "segmentationclass", "segmentationobject")


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
        ignored: number of other files by suffix: `{".txt": 2}`; and of pictures outside JPEGImages/.
        looked_in: the folder of XML files, if there were any, and the folder of pictures.
    """

    files: list[PictureFile]
    problems: list[Problem]
    ignored: dict[str, int]
    looked_in: tuple[Path, Path]

    @property
    def xml_dirs(self) -> list[Path]:
        """Where the XML of pictures lie, the fullest folder first; without any, where the first one goes."""
        counted = Counter(file.xml.parent for file in self.files if file.xml is not None)
        return [folder for folder, _ in counted.most_common()] or [self.looked_in[0]]

    def new_xml(self, picture: Path) -> Path:
        """Where the XML of a picture that has none goes: to those of the pictures around it.

        That is one folder, as LabelImg wants it, but where `annotations/ep01` belongs to `images/ep01`,
        `annotations/ep02` belongs to `images/ep02`.
        """
        labelled = [(one.path.parent, one.xml.parent) for one in self.files if one.xml is not None]
        pairs = [pair for pair, _ in Counter(labelled).most_common()]
        folder = dict(reversed(pairs)).get(picture.parent)
        if folder is None and pairs:
            picture_dir, xml_dir = pairs[0]
            while picture_dir not in picture.parents and picture_dir.name == xml_dir.name:
                picture_dir, xml_dir = picture_dir.parent, xml_dir.parent
            if picture_dir != pairs[0][0] and picture_dir in picture.parents:
                folder = xml_dir / picture.parent.relative_to(picture_dir)
        return (folder or self.xml_dirs[0]) / f"{picture.stem}.xml"


def refuse_inbox(folder: Path, flag: str) -> None:
    """Raises ValueError, which names the flag, where a folder is the page's inbox or one of its folders."""
    if any((place / INBOX_MARK).exists() for place in (folder, folder.resolve().parent)):
        raise ValueError(
            f"{flag} {folder}: this is an inbox of reports that nobody has confirmed yet; bring them into "
            "your data set with: python -m tools.inbox accept"
        )


def find_files(dataset_dir: Path, *, exclude: Collection[Path] = ()) -> FolderContents:
    """Lists pictures and XML files, subfolders included, and brings them together.

    XML files are read wherever they lie; so are pictures, but those outside a `JPEGImages/` only with an XML.
    An XML file belongs to the picture with the same path but for the suffix, else to the only
    picture with its stem, else to the picture that its `<filename>` names. `<path>` is never used: it is a
    path on the labelling machine. Names are compared NFC-normalised, because file systems differ in that. Of
    two XML files for one picture that in `Annotations/` counts, but what a person saved before any draft.

    Args:
        dataset_dir: must exist.
        exclude: files and folders to pass over: the output folder when it is inside `dataset_dir`. Folders
            that hold a dataset.json, the output of earlier conversions, are passed over anyway.
    """
    folders = sorted(path for path in dataset_dir.iterdir() if path.is_dir())
    picture_dir = next((path for path in folders if path.name.lower() == "jpegimages"), dataset_dir)
    xml_dirs = [path for path in folders if path.name.lower() in _XML_DIRS]
    exclude = [*exclude, *(path for path in folders if path.name.lower() in _NOT_READ)]
    odd: dict[Path, str] = {}
    listed: dict[Path, Path] = {}  # those of Annotations/ first, which may be a link
    for base in (*xml_dirs, picture_dir, dataset_dir):
        outside = base == dataset_dir != picture_dir
        suffixes = {".xml", *ACCEPTED_SUFFIXES} if outside else None
        walk = files_below(base, suffixes, exclude=exclude, other=_is_no_data_set, tell=odd.setdefault)
        for path in walk:
            listed.setdefault(path, path.relative_to(base))
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
    wrong += [(path, why, "", "passed over") for path, why in odd.items()]
    problems = [Problem(path.relative_to(dataset_dir).as_posix(), "", *said) for path, *said in wrong]
    files = [
        PictureFile(path, name.as_posix(), xml_of.get(path))
        for path, name in sorted(pictures.items(), key=lambda item: item[1].as_posix())
        if path in xml_of or (path not in partnerless and picture_dir in path.parents)
    ]
    if outside := sum(path not in xml_of and picture_dir not in path.parents for path in pictures):
        ignored[f"pictures outside {picture_dir.name}/"] = outside
    first_dir = dataset_dir if picture_dir == dataset_dir else dataset_dir / "Annotations"
    return FolderContents(files, problems, dict(ignored), ((*xml_dirs, first_dir)[0], picture_dir))


def growing_dirs(dataset_dir: Path) -> tuple[Path, Path]:
    """The folders that a new picture and its XML go into, to the labelled ones; they need not exist."""
    contents = find_files(dataset_dir) if dataset_dir.is_dir() else None
    used = {file.path.parent for file in contents.files if file.xml is not None} if contents else set()
    if contents is None or not used:
        return dataset_dir / "JPEGImages", dataset_dir / "Annotations"
    picture_dir = used.pop() if len(used) == 1 else contents.looked_in[1]
    return picture_dir, contents.new_xml(picture_dir / "new.jpg").parent


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
        first = xml_of.setdefault(picture, xml)
        if first != xml:
            if _is_draft(first) and not _is_draft(xml):  # what a person saved is never hidden
                first, xml = xml, first
            xml_of[picture] = first
            alone[xml] = (
                "second XML for one picture",
                f"that of {picture.name} is {first.parent.name}/{first.name}",
            )

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
            found = by_file_name.get(meant) or by_file_name.get(stem, [])
        if len(found) == 1:
            pair(found[0], xml)
        elif found:
            alone[xml] = ("XML without picture", f"{len(found)} pictures are named {meant or stem}")
        else:
            asked = f" and none named {meant}" if meant and _nfc(Path(meant).stem) != stem else ""
            alone[xml] = ("XML without picture", f"no picture {xml.stem}.*{asked}")
    return xml_of, alone


def _is_no_data_set(folder: Path) -> bool:
    """Whether a folder holds the output of a conversion, or reports that nobody has confirmed."""
    # Path.exists() raises where a folder may not be entered.
    return any(os.path.exists(folder / name) for name in ("dataset.json", INBOX_MARK))  # noqa: PTH110


def _index(paths: Iterable[Path], key: Callable[[Path], str]) -> dict[str, list[Path]]:
    index: dict[str, list[Path]] = {}
    for path in paths:
        index.setdefault(key(path), []).append(path)
    return index


def _is_draft(xml: Path) -> bool:
    try:
        return is_draft(read_xml(xml))
    except XmlError:
        return False


def _file_name(xml: Path) -> str:
    """The last part of what `<filename>` says, which may be a path of Windows or of Unix."""
    try:
        filename = read_xml(xml).filename or ""
    except XmlError:
        return ""
    return _nfc(filename.replace("\\", "/").rsplit("/", 1)[-1].strip())


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)
