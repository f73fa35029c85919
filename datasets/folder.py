"""What lies in a folder: pictures and the XML of each, and splits that are there already."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from datasets.pictures import ACCEPTED_SUFFIXES, OTHER_SUFFIXES
from datasets.problems import Problem, some_of
from datasets.voc import is_draft, said_in
from files.below import files_below

# Lies in the page's inbox, whose reports nobody has confirmed: it is never read as a data set.
INBOX_MARK = "inbox.json"

# Folders in a data set, in small letters: of XML, and, by VOC, of lists and of pictures that are masks.
_XML_DIRS = ("annotations", "annotation", "annots", "xml", "xmls")
_NOT_READ = ("imagesets", "segmentationclass", "segmentationobject")
# What lists and folders of a split are called, and where lists are looked for; the first place counts.
SPLIT_WORDS = {"train": "train", "training": "train", "trainval": "trainval"}
SPLIT_WORDS |= dict.fromkeys(("val", "valid", "validation", "dev"), "validation")
SPLIT_WORDS |= {"test": "test", "testing": "test"}
_PLACES = [f"{up}[Ii]mage[Ss]ets{main}" for main in ("/[Mm]ain", "") for up in ("", "*/", "*/*/")]
_PLACES += [".", "lists", "splits"]
_MOST_BYTES = 100_000_000  # of a list: a million long paths

T = TypeVar("T")


@dataclass(frozen=True)
class PictureFile:
    """A picture and, when it has one, its XML."""

    path: Path  # the picture
    name: str  # its path below the picture folder, with `/`; says in records and reports which picture it is
    xml: Path | None  # None for a picture without XML

    @property
    def stem(self) -> str:
        """The name without suffix, NFC-normalised: `ep01/frame_000123`."""
        return _stem(Path(self.name))


@dataclass(frozen=True)
class GivenSplits:
    """What a folder says itself of train, validation and test, or of trainval, which is to be divided."""

    where: str  # the lists or folders, in words: "ImageSets/Main"
    # stems by what they are for; none where the lists are of one name and say nothing of the rest
    members: Mapping[str, Sequence[str]]
    problems: tuple[Problem, ...] = ()  # lines that name no picture
    train: Path | None = None  # the list that a new picture goes into; None where there is no such list


@dataclass(frozen=True)
class FolderContents:
    """What was found."""

    files: list[PictureFile]  # pictures in the order of their names, each with its XML or None
    problems: list[Problem]  # XML without picture, pictures that share a name, formats that are not read
    ignored: dict[str, int]  # other files by suffix: `{".txt": 2}`; and pictures outside JPEGImages/
    looked_in: tuple[Path, Path]  # the folder of XML files, if there were any, and the folder of pictures
    given: GivenSplits | None  # splits that are there already

    @property
    def xml_dirs(self) -> list[Path]:
        """Where the XML of pictures lie, the fullest folder first; without any, where the first one goes."""
        return list(dict.fromkeys(xml_dir for _, xml_dir in self._pairs)) or [self.looked_in[0]]

    def new_xml(self, picture: Path) -> Path:
        """Where the XML of a picture that has none goes: to those of the pictures around it.

        That is one folder, as LabelImg wants it, but where `annotations/ep01` belongs to `images/ep01`,
        `annotations/ep02` belongs to `images/ep02`. What would be another picture's goes beside its own.
        """
        pairs = self._pairs
        folder = dict(reversed(pairs)).get(picture.parent)
        if folder is None and pairs:
            picture_dir, xml_dir = pairs[0]
            while picture_dir not in picture.parents and picture_dir.name == xml_dir.name:
                picture_dir, xml_dir = picture_dir.parent, xml_dir.parent
            if picture_dir != pairs[0][0] and picture_dir in picture.parents:
                folder = xml_dir / picture.parent.relative_to(picture_dir)
        own, xml = picture.with_suffix(".xml"), (folder or self.xml_dirs[0]) / f"{picture.stem}.xml"
        return own if xml in self._beside else xml

    @cached_property
    def _pairs(self) -> list[tuple[Path, Path]]:
        """The folders of labelled pictures, each with that of their XML, the fullest first."""
        labelled = [(one.path.parent, one.xml.parent) for one in self.files if one.xml is not None]
        return [pair for pair, _ in Counter(labelled).most_common()]

    @cached_property
    def _beside(self) -> frozenset[Path]:
        """The XML that would be each picture's whatever else there is."""
        return frozenset(one.path.with_suffix(".xml") for one in self.files)


def refuse_inbox(folder: Path, flag: str) -> None:
    """Raises ValueError, which names the flag, where a folder is the page's inbox or one of its folders."""
    if any((place / INBOX_MARK).exists() for place in (folder, folder.resolve().parent)):
        what = "this is an inbox of reports that nobody has confirmed yet"
        cure = "bring them into your data set with: python -m tools.inbox accept"
        raise ValueError(f"{flag} {folder}: {what}; {cure}")


def find_files(dataset_dir: Path, *, exclude: Collection[Path] = ()) -> FolderContents:
    """Lists pictures and XML files, subfolders included, and brings them together.

    XML files are read wherever they lie; so are pictures, but those outside a `JPEGImages/` only with an XML.
    An XML file belongs to the picture with the same path but for the suffix, else to the only one that
    `_candidates` finds, as names are written or else whatever their capitals. `<path>` is never used: it is a
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
        for path in files_below(base, exclude=exclude, other=_is_no_data_set, tell=odd.setdefault):
            suffix = path.suffix.lower()
            own = suffix == ".xml" or base == picture_dir
            if own or not outside or suffix in ACCEPTED_SUFFIXES:
                listed.setdefault(path, path.relative_to(base if own else dataset_dir))
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
    looked_in = (*xml_dirs, first_dir)[0], picture_dir
    given = given_splits(dataset_dir, (file.stem for file in files))
    return FolderContents(files, problems, dict(ignored), looked_in, given)


def growing_dirs(dataset_dir: Path) -> tuple[Path, Path]:
    """The folders that a new picture and its XML go into, to the labelled ones; they need not exist."""
    if dataset_dir.is_dir():
        contents = find_files(dataset_dir)
        if used := {file.path.parent for file in contents.files if file.xml is not None}:
            picture_dir = used.pop() if len(used) == 1 else contents.looked_in[1]
            return picture_dir, contents.new_xml(picture_dir / "new.jpg").parent
    return dataset_dir / "JPEGImages", dataset_dir / "Annotations"


def given_splits(dataset_dir: Path, stems: Iterable[str]) -> GivenSplits | None:
    """The splits that a folder has: lists, or folders named after splits that hold most of the pictures.

    The stems are those of all pictures, also of those that cannot be used.
    """
    stems = sorted(set(stems))
    unused = None
    for place in _PLACES:
        found = (path for path in dataset_dir.glob(f"{place}/*.txt") if path.is_file())
        texts = sorted(path for path in found if path.stat().st_size <= _MOST_BYTES)
        for before in ("/", "_"):  # `dog_train.txt` is of one name: VoTT has no others than such
            words = {path: path.stem.lower().rpartition(before)[2] for path in texts}
            files = {path: SPLIT_WORDS[word] for path, word in words.items() if word in SPLIT_WORDS}
            if len(set(files.values())) > (before == "_"):  # one name's training says nothing of the rest
                given = _listed(dataset_dir, files, stems)
                # Outside ImageSets a train.txt may be of anything.
                if "mage" in place or len(given.problems) <= sum(map(len, given.members.values())):
                    return given
            elif files and "mage" in place:
                unused = unused or GivenSplits(_words_for(dataset_dir, files), {})
    members: dict[str, list[str]] = {}
    names: dict[str, None] = {}
    for stem in stems:
        if found := [part for part in stem.split("/")[:-1] if part.lower() in SPLIT_WORDS]:
            names[f"{found[0]}/"] = None
            members.setdefault(SPLIT_WORDS[found[0].lower()], []).append(stem)
    if len(members) < 2 or 2 * sum(map(len, members.values())) < len(stems):
        return unused
    return GivenSplits(f"The tree of folders ({some_of(list(names), 4)})", members)


def _listed(dataset_dir: Path, files: Mapping[Path, str], stems: Sequence[str]) -> GivenSplits:
    """What lists say, given as what they are of by path."""
    index = index_by(stems, tails)
    members: dict[str, list[str]] = {split: [] for split in files.values()}
    problems: list[Problem] = []
    for path, split in files.items():
        file = path.relative_to(dataset_dir).as_posix()
        root = re.sub(r"imagesets/.*|[^/]*$", "", file, flags=re.IGNORECASE)
        lines = path.read_bytes().decode("utf-8-sig", errors="replace").splitlines()
        for number, line in enumerate(map(str.strip, lines), start=1):
            ends = [end for text in _spellings(line) for end in tails(text)]
            found = _look_up(index, ends)
            if len(found) > 1:  # those of the list's own folder are meant
                own = [stem for stem in found if stem.startswith(root)]
                found = [stem for stem in own if stem.removeprefix(root) in ends] or own
            if len(found) == 1:
                members[split] += found
            elif line:
                detail = f"{len(found)} pictures are named so" if found else ""
                where = f"line {number}: {line}"
                problems.append(Problem(file, where, "list names no picture", detail, "line ignored"))
    train = [path for path, split in files.items() if split == "train" and "_" not in path.stem]
    return GivenSplits(_words_for(dataset_dir, files), members, tuple(problems), (*train, None)[0])


def _words_for(dataset_dir: Path, files: Iterable[Path]) -> str:
    """Lists, in words: `ImageSets/Main`, or with their names where they are none of VOC's."""
    where = " and ".join(sorted({path.parent.relative_to(dataset_dir).as_posix() for path in files}))
    if where == "ImageSets/Main" and not any("_" in path.stem for path in files):
        return where
    names = some_of(sorted({path.name for path in files}), 4)
    return f"{'The data set' if where == '.' else where} ({names})"


def _spellings(line: str) -> Iterator[str]:
    """Stems that a line may mean: `035`, `035.`, `035.jpg`, `a/035.jpg`, `035 -1`, `035.jpg 035.xml`."""
    picture = re.match(r"(.+?\.(?:jpe?g|jfif|png|webp|bmp|xml))(?:[\s,;]|$)", line, re.IGNORECASE)
    for text in (line, re.sub(r"\s+-?[01]$", "", line), *(picture.groups() if picture else ())):
        path = _nfc(text.strip("\"'").replace("\\", "/"))
        yield from (path, path.rstrip("."), re.sub(r"\.[A-Za-z]{3,4}$", "", path))


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
            if is_draft(said_in(first)) and not is_draft(said_in(xml)):  # what a person saved is never hidden
                first, xml = xml, first
            xml_of[picture] = first
            detail = f"that of {picture.name} is {first.parent.name}/{first.name}"
            alone[xml] = ("second XML for one picture", detail)

    by_name = index_by(pictures, lambda path: [_stem(pictures[path])])
    for xml, name in xmls.items():
        same = by_name.get(_stem(name), [])
        if not same:
            waiting.append(xml)
            continue
        meant = _file_name(xml).rpartition("/")[2] if len(same) > 1 else ""
        first, *others = sorted(same, key=lambda path: _nfc(path.name) != meant)
        for other in others:
            alone[other] = ("two pictures with the same name", f"{xml.name} goes with {first.name}")
        pair(first, xml)

    free = [path for path in pictures if path not in xml_of and path not in alone]
    for xml, some in _candidates({xml: xmls[xml] for xml in waiting}, pictures, free).items():
        if len(some) == 1:
            pair(some[0], xml)
            continue
        stem, asked = _nfc(xml.stem), _file_name(xml).rpartition("/")[2]
        if some:
            alone[xml] = ("XML without picture", f"{len(some)} pictures are named {asked or stem}")
        else:
            asked = f" and none named {asked}" if asked and _nfc(Path(asked).stem) != stem else ""
            alone[xml] = ("XML without picture", f"no picture {xml.stem}.*{asked}")
    return xml_of, alone


def _candidates(
    xmls: Mapping[Path, Path], pictures: Mapping[Path, Path], free: Iterable[Path]
) -> dict[Path, list[Path]]:
    """Pictures that each XML may belong to, by the first rule that finds one: exactly one is meant.

    The rules: paths that agree but for one folder, as in `images/ep01` and `annotations/ep01`; a picture
    without XML that has its stem; what `<filename>` names, with as much of its folders as fits.
    """
    by_way = index_by(free, lambda path: _ways(_stem(pictures[path])))
    by_stem = index_by(free, lambda path: [_nfc(path.stem)])
    # LabelImg once wrote <filename> without its suffix.
    with_suffix = index_by(pictures, lambda path: tails(_nfc(pictures[path].as_posix())))
    by_end = index_by(pictures, lambda path: tails(_stem(pictures[path]))) | with_suffix
    holding = {_nfc(folder.as_posix()) for name in pictures.values() for folder in name.parents}
    found = {}
    for xml, name in xmls.items():
        parallel = {path for way in _ways(_stem(name), holding) for path in _look_up(by_way, [way])}
        found[xml] = list(parallel) if len(parallel) == 1 else _look_up(by_stem, [_nfc(xml.stem)])
        if len(found[xml]) != 1:
            found[xml] = _look_up(by_end, [*tails(_file_name(xml)), _nfc(xml.stem)])
    return found


def _ways(name: str, keep: Collection[str] = ()) -> list[str]:
    """A path, and it without any one of its folders; those in `keep` stay."""
    parts = name.split("/")
    less = [i for i in range(len(parts) - 1) if "/".join(parts[: i + 1]) not in keep]
    return [name, *("/".join(parts[:i] + parts[i + 1 :]) for i in less)]


def _is_no_data_set(folder: Path) -> bool:
    """Whether a folder holds the output of a conversion, or reports that nobody has confirmed."""
    return any((folder / name).exists() for name in ("dataset.json", INBOX_MARK))


def tails(path: str) -> list[str]:
    """The ends of a path, longest first: `a/b/c`, `b/c`, `c`."""
    parts = path.split("/")
    return ["/".join(parts[start:]) for start in range(len(parts))]


def index_by(things: Iterable[T], keys: Callable[[T], Iterable[str]]) -> dict[str, list[T]]:
    """Things by their keys, and once more without regard to capitals."""
    index: dict[str, list[T]] = {}
    for thing in things:
        for key in keys(thing):
            for spelt in (key, folded(key)):
                index.setdefault(spelt, []).append(thing)
    return index


def _look_up(index: Mapping[str, list[T]], keys: Sequence[str]) -> list[T]:
    """What an index has for the first key that it knows; capitals count where that decides."""
    return next((index[key] for key in (*keys, *map(folded, keys)) if key in index), [])


def _file_name(xml: Path) -> str:
    """What `<filename>` says, with `/`; it may be a path of Windows or of Unix."""
    return _nfc((said_in(xml).filename or "").replace("\\", "/").strip())


def folded(text: str) -> str:
    """A key in which neither capitals count nor how a file system stores accents; equal to no name."""
    return f"\0{_nfc(text).casefold()}"


def _stem(name: Path) -> str:
    """A path without suffix, NFC-normalised, as text."""
    return _nfc(name.with_suffix("").as_posix())


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)
