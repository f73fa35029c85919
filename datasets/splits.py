"""Which pictures are for training, for choosing the best weights (validation), for the last word (test).

Frames of one video resemble each other, so a split is made by source: an episode is in one split only. A
source goes where the hash of its name says, not where there is room: what is added later moves none of the
old ones.
"""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from datasets.problems import Problem

SPLITS = ("train", "validation", "test")

# Fewer boxes than this of one name in training is called few: published results on small sets start there.
FEW_BOXES = 20

# Lists of ImageSets/Main that count, by file name.
_LISTS = {name: name for name in (*SPLITS, "trainval")} | dict.fromkeys(("val", "valid"), "validation")

SplitBy = Literal["auto", "lists", "source", "picture"]


@dataclass(frozen=True)
class SplitOptions:
    """How pictures are distributed.

    Attributes:
        split_by: "lists": ImageSets/Main; "source": by the text before the last number of the file name
            (SOURCE_MILLISECONDS); "picture": each by itself, for unrelated pictures; "auto": lists when there
            are any, else source.
        split_fractions: shares of train, validation and test; they sum to 1.
        seed: another seed, another distribution; also the order of pictures inside a set.
    """

    split_by: SplitBy = "auto"
    split_fractions: tuple[float, float, float] = (0.8, 0.1, 0.1)
    seed: int = 0

    def __post_init__(self) -> None:
        fractions = self.split_fractions
        if min(fractions) < 0 or fractions[0] == 0 or abs(sum(fractions) - 1) > 1e-6:
            raise ValueError(
                f"--split_fractions {' '.join(f'{part:g}' for part in fractions)}: shares of train, "
                "validation and test must not be negative, train not 0, and their sum 1 (default 0.8 0.1 0.1)"
            )


@dataclass(frozen=True)
class Assignment:
    """Where everything went.

    Attributes:
        by: "lists", "source", "picture", "block", or "output_name" for all in one.
        splits: split by stem of the picture; a stem that is missing belongs to no split.
        keys: what was distributed by hash (sources, or stems) and where it went; kept in dataset.json, so
            that a later conversion repeats it. Empty for lists and blocks.
        notes: what a person should know about this split, each a sentence.
        problems: unknown or doubled names in lists, pictures in no list.
    """

    by: str
    splits: Mapping[str, str]
    keys: Mapping[str, str]
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def source_of(stem: str) -> str:
    """The text before the last number of a file name: `episode03_000123` comes from `episode03`.

    Roboflow's suffix `_jpg.rf.<hash>` does not count. A name without a number is its own source.
    """
    stem = re.sub(r"(_(jpe?g|png|webp|bmp))?\.rf\.[0-9a-zA-Z]{20,}$", "", stem)
    match = re.fullmatch(r"(.*?)\d+\D*", stem, re.DOTALL)
    return (match[1] if match else stem).strip(" _-.()[]#")


def assign(
    stems: Sequence[str],
    dataset_dir: Path,
    options: SplitOptions,
    *,
    known: Iterable[str] = (),
    earlier: Mapping[str, str] | None = None,
) -> Assignment:
    """Distributes pictures as `split_by` says: by the lists of their folder, or by `make_splits`.

    Args:
        stems: of the usable pictures.
        dataset_dir: the folder whose ImageSets/Main counts.
        options: of the user.
        known: stems of all pictures: a list may name one that was left out for another reason.
        earlier: see `make_splits`.

    Raises:
        ValueError: lists are asked for and there are none.
    """
    lists = list_files(dataset_dir) if options.split_by in ("auto", "lists") else {}
    if lists:
        return _of_lists(lists, stems, known, options)
    if options.split_by == "lists":
        raise ValueError(
            f"--split_by lists: there is no train.txt, val.txt, trainval.txt or test.txt in "
            f"{dataset_dir / 'ImageSets' / 'Main'}; write them, or use --split_by source"
        )
    return make_splits(stems, options, earlier=earlier)


def make_splits(
    stems: Sequence[str], options: SplitOptions, *, earlier: Mapping[str, str] | None = None
) -> Assignment:
    """Distributes pictures over train, validation and test by source or each by itself.

    With fewer sources than splits, every source is cut into consecutive blocks (its first 80 % for training
    ...): neighbours in time mostly stay together.

    Args:
        stems: of the pictures.
        options: `split_by` "auto" counts as "source".
        earlier: `keys` of an earlier assignment; what it names stays there. Blocks are always cut anew.
    """
    wanted = [split for split, part in zip(SPLITS, options.split_fractions, strict=True) if part > 0]
    stems = sorted(set(stems))
    source = {stem: stem if options.split_by == "picture" else source_of(stem) for stem in stems}
    sources = sorted(set(source.values()))
    notes = []
    if options.split_by == "picture" or len(sources) >= len(wanted):
        by = "picture" if options.split_by == "picture" else "source"
        keys = _by_hash(sources, options, wanted, earlier or {})
        splits = {stem: keys[source[stem]] for stem in stems}
    else:
        by, keys = "block", {}
        splits = _in_blocks(source, options, wanted)
        shown = " and ".join(f"{source}..." if source else "numbers only" for source in sources)
        notes.append(
            f"The file names tell of {len(sources)} source{'s' * (len(sources) > 1)} ({shown}), too few to "
            "give each split its own: each was cut into consecutive blocks. If these are frames of one "
            "video, those at the cuts look alike and the evaluation flatters a little; if they are unrelated "
            "pictures, --split_by picture mixes them better. Pictures that come later move the cuts: train "
            "anew after that."
        )
    if missing := [split for split in wanted if split not in splits.values()]:
        notes.append(f"Too few pictures: {' and '.join(missing)} got none.")
    if by == "source":
        notes += _share_notes(splits, options)
    return Assignment(by, splits, keys, tuple(notes))


def list_files(dataset_dir: Path) -> dict[Path, str]:
    """What the lists in ImageSets/Main are of: train, validation, trainval or test, by file.

    The lists of one name each (`dog_train.txt`) that VOC has beside them are none.
    """
    files = sorted((dataset_dir / "ImageSets" / "Main").glob("*.txt"))
    return {path: _LISTS[path.stem.lower()] for path in files if path.stem.lower() in _LISTS}


def _of_lists(
    files: Mapping[Path, str], stems: Iterable[str], known: Iterable[str], options: SplitOptions
) -> Assignment:
    """Distributes pictures as their lists say.

    trainval alone is divided into train and validation as `make_splits` would; beside train (or val) it adds
    what that list lacks. A picture in two lists goes where it is not trained on.
    """
    usable = set(stems)
    known = usable | set(known)
    problems: list[Problem] = []
    notes: list[str] = []
    members: dict[str, list[str]] = {}
    for path, key in files.items():
        found = members.setdefault(key, [])
        lines = path.read_bytes().decode("utf-8-sig", errors="replace").splitlines()
        for number, line in enumerate(map(str.strip, lines), start=1):
            stem = _stem_of_line(line, known) if line else ""
            if stem is None:
                file, where = f"ImageSets/Main/{path.name}", f"line {number}: {line}"
                problems.append(Problem(file, where, "list names no picture", "", "line ignored"))
            elif stem in usable:
                found.append(stem)

    both = [stem for stem in members.pop("trainval", []) if stem not in members.get("test", ())]
    if "train" in members or "validation" in members:
        rest = "train" if "validation" in members or "train" not in members else "validation"
        taken = {stem for some in members.values() for stem in some}
        members[rest] = [*members.get(rest, []), *(stem for stem in both if stem not in taken)]
    elif both:
        train, validation, _ = options.split_fractions
        shares = (train / (train + validation), validation / (train + validation), 0.0)
        divided = make_splits(both, replace(options, split_fractions=shares))
        notes = ["ImageSets/Main has trainval.txt, no train.txt and no val.txt: it was divided."]
        notes += divided.notes
        for stem, split in divided.splits.items():
            members.setdefault(split, []).append(stem)

    splits: dict[str, str] = {}
    for split in reversed(SPLITS):
        for stem in members.get(split, ()):
            first = splits.setdefault(stem, split)
            if first != split:
                detail, action = f"in {split} and in {first}", f"kept in {first} only"
                problems.append(Problem("ImageSets/Main", stem, "picture in two lists", detail, action))
    for stem in sorted(usable - set(splits)):
        problems.append(Problem("ImageSets/Main", stem, "picture in no list", "", "left out"))
    missing = [split for split in SPLITS if split not in splits.values()]
    if missing:
        notes.append(f"ImageSets/Main gives no pictures for {' and '.join(missing)}.")
    return Assignment("lists", splits, {}, tuple(notes), tuple(problems))


def hash_fraction(seed: int, text: str) -> float:
    """A number in [0, 1) that depends on nothing but `seed` and `text`, equal on every machine."""
    digest = hashlib.blake2b(f"{seed}/{text}".encode(errors="surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def coverage_notes(statistics: Mapping[str, Mapping[str, Any]], by: str) -> list[str]:
    """Says which names cannot be learnt or judged well from these sets.

    Args:
        statistics: `set_statistics` by split; says nothing where there is no "train".
        by: how the splits were made, see `datasets.splits.Assignment`.
    """
    if "train" not in statistics:
        return []
    notes = []
    trained = statistics["train"]["names"]
    cure = " If file names begin with the character's, use --split_by picture." if by == "source" else ""
    for split, one in statistics.items():
        if untaught := ", ".join(name for name in one["names"] if name not in trained):
            notes.append(
                f"{split} has names that train has not, so they will never be found: {untaught}.{cure}"
            )
    few = [f"{name} ({one['boxes']})" for name, one in trained.items() if one["boxes"] < FEW_BOXES]
    if few:
        cure = "More of them help most; until then --repeat_factor=0.3 of the training shows them more often."
        notes.append(f"Fewer than {FEW_BOXES} boxes to train on: {', '.join(few)}. {cure}")
    for split in ("validation", "test"):
        judged = statistics[split]["names"] if split in statistics else trained
        if unjudged := ", ".join(name for name in trained if name not in judged):
            notes.append(f"{split} has no box of: {unjudged}; nothing will be known of them there.")
    return notes


def _by_hash(
    keys: Sequence[str], options: SplitOptions, wanted: Sequence[str], earlier: Mapping[str, str]
) -> dict[str, str]:
    """Split by key; a wanted split that hashing leaves empty gets the key with the nearest hash."""
    train, validation, _ = options.split_fractions
    edges = {
        "train": (0.0, train),
        "validation": (train, train + validation),
        "test": (train + validation, 1.0),
    }
    place = {key: hash_fraction(options.seed, key) for key in keys}
    splits = {}
    for key, at in place.items():
        if earlier.get(key) in wanted:
            splits[key] = earlier[key]
        else:
            splits[key] = next((split for split in wanted if at < edges[split][1]), wanted[-1])
    for split in wanted:
        count = Counter(splits.values())
        donors = [key for key in splits if count[splits[key]] > 1]
        if count[split] or not donors:
            continue
        most = max(count.values())
        low, high = edges[split]
        nearest = min(
            (key for key in donors if count[splits[key]] == most or splits[key] == "train"),
            key=lambda key: (key in earlier, max(low - place[key], place[key] - high, 0.0), key),
        )
        splits[nearest] = split
    return splits


def _in_blocks(source: Mapping[str, str], options: SplitOptions, wanted: Sequence[str]) -> dict[str, str]:
    """Consecutive blocks of every source, or of all pictures when sources are too short for that."""
    ordered = sorted(source, key=_natural)
    by_source: dict[str, list[str]] = {}
    for stem in ordered:
        by_source.setdefault(source[stem], []).append(stem)
    splits: dict[str, str] = {}
    for some in by_source.values():
        splits |= _cut(some, options, wanted)
    return splits if len(set(splits.values())) == len(wanted) else _cut(ordered, options, wanted)


def _cut(stems: Sequence[str], options: SplitOptions, wanted: Sequence[str]) -> dict[str, str]:
    """Consecutive blocks: the first for train, and so on; each has a picture, while pictures last."""
    shares: dict[str, float] = dict(zip(SPLITS, options.split_fractions, strict=True))
    order: list[str] = []
    for split in wanted[1:]:  # one is for train
        order += [split] * min(max(round(len(stems) * shares[split]), 1), len(stems) - 1 - len(order))
    order = ["train"] * (len(stems) - len(order)) + order
    return dict(zip(stems, order, strict=True))


def _share_notes(splits: Mapping[str, str], options: SplitOptions) -> list[str]:
    """Sources differ in size: says so when a split is far from what was asked for."""
    count = Counter(splits.values())
    shares = [count[split] / len(splits) for split in SPLITS]
    asked = zip(shares, options.split_fractions, strict=True)
    if all(0.5 <= share / part <= 2 for share, part in asked if part):
        return []
    came_out = ", ".join(f"{split} {share:.0%}" for split, share in zip(SPLITS, shares, strict=True))
    return [
        f"The split by source came out at {came_out} of the pictures: whole sources go into one split. "
        "--seed tries another, ImageSets/Main decides."
    ]


def _stem_of_line(line: str, known: set[str]) -> str | None:
    """The picture that a line means: `035`, `035.`, `035.jpg`, `JPEGImages/035.jpg`, `035 -1`; else None."""
    line = unicodedata.normalize("NFC", line)
    for text in (line, re.sub(r"\s+-?[01]$", "", line)):
        name = text.replace("\\", "/").rsplit("/", 1)[-1]
        for candidate in (name, name.rstrip("."), re.sub(r"\.[A-Za-z]{3,4}$", "", name)):
            if candidate in known:
                return candidate
    return None


def _natural(text: str) -> list[tuple[int, int, str]]:
    """A sort key that puts frame 9 before frame 10."""
    parts = re.split(r"(\d+)", text)
    return [(1, int(part), "") if part.isdigit() and part.isascii() else (0, 0, part) for part in parts]
