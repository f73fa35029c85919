"""Which pictures are for training, for choosing the best weights (validation), for the last word (test).

Frames of one video resemble each other, so a split is made by source: an episode is in one split only. A
source goes where the hash of its name says, not where there is room: what is added later moves none of the
old ones.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

from datasets.folder import GivenSplits
from datasets.problems import Problem, some_of
from datasets.sources import before_last_number, sources_of, units_of, without_copy
from files.reading import table_beside

SPLITS = ("train", "validation", "test")

# Fewer boxes than this of one name in training is called few: published results on small sets start there.
FEW_BOXES = 20

# So many pictures show whether names tell of films at all, when more than this share seem to be films.
_ENOUGH, _NEARLY_EVERY = 20, 0.7

# What people are told.
_SAID: dict[str, str] = table_beside(__file__)

SplitBy = Literal["auto", "lists", "source", "picture"]


@dataclass(frozen=True)
class SplitOptions:
    """How pictures are distributed."""

    #: "lists": ImageSets/Main, or folders named train, val, test; "source": by what names of files and
    #: folders say of the film (SOURCE_MILLISECONDS); "picture": each by itself, for unrelated
    #: pictures; "auto": lists when there are any, else source.
    split_by: SplitBy = "auto"
    #: shares of train, validation and test; they sum to 1.
    split_fractions: tuple[float, float, float] = (0.8, 0.1, 0.1)
    seed: int = 0  #: another seed, another distribution; also the order of pictures inside a set.

    def __post_init__(self) -> None:
        fractions = self.split_fractions
        if min(fractions) < 0 or fractions[0] == 0 or abs(sum(fractions) - 1) > 1e-6:
            given = " ".join(f"{part:g}" for part in fractions)
            raise ValueError(_SAID["wrong_fractions"].format(given))


@dataclass(frozen=True)
class Assignment:
    """Where everything went."""

    by: str  # "lists", "source", "picture", "block", or "output_name" for all in one
    splits: Mapping[str, str]  # split by stem of the picture; a stem that is missing belongs to no split
    # What was distributed by hash (sources, or pictures with their copies) and where it went; kept in
    # dataset.json, so that a later conversion repeats it. Empty for lists and blocks.
    keys: Mapping[str, str]
    notes: tuple[str, ...] = ()  # what a person should know about this split, each a sentence
    problems: tuple[Problem, ...] = ()  # unknown or doubled names in lists, pictures in no list


def assign(
    stems: Sequence[str],
    given: GivenSplits | None,
    options: SplitOptions,
    earlier: Mapping[str, str] | None = None,
) -> Assignment:
    """Distributes the usable pictures as `split_by` says: as their folder has them, or by `make_splits`.

    ValueError where lists are asked for and there are none.
    """
    if given and given.members and options.split_by in ("auto", "lists"):
        return _of_lists(given, stems, options)
    if options.split_by == "lists":
        raise ValueError(_SAID["no_lists"])
    made = make_splits(stems, options, earlier=earlier)
    if given is None:
        return made
    anew = f"--split_by {options.split_by} divides anew."
    why = anew if given.members else "it says nothing of other splits."
    return replace(made, notes=(f"{given.where} is not used: {why}", *made.notes))


def make_splits(
    stems: Sequence[str], options: SplitOptions, *, earlier: Mapping[str, str] | None = None
) -> Assignment:
    """Distributes pictures over train, validation and test by source or each by itself.

    With fewer sources than splits, every source is cut into consecutive blocks (its first 80 % for training
    ...): neighbours in time mostly stay together. Copies of one picture are never parted. What `keys` of an
    earlier assignment name stays there; blocks are always cut anew.
    """
    wanted = [split for split, part in zip(SPLITS, options.split_fractions, strict=True) if part > 0]
    stems = sorted(set(stems))
    units = units_of(stems)
    source = units if options.split_by == "picture" else sources_of(stems)
    sources = sorted(set(source.values()))
    notes = []
    if options.split_by == "picture" or len(sources) >= len(wanted):
        by = "picture" if options.split_by == "picture" else "source"
        keys = _by_hash(sources, options, wanted, _remembered(source, by, earlier or {}))
        splits = {stem: keys[source[stem]] for stem in stems}
    else:
        by, keys = "block", {}
        cut = _in_blocks({units[stem]: source[stem] for stem in stems}, options, wanted)
        splits = {stem: cut[units[stem]] for stem in stems}
        shown = " and ".join(f"{source}..." if source else "numbers only" for source in sources)
        notes.append(_SAID["blocks"].format(len(sources), "s" * (len(sources) > 1), shown))
    if missing := [split for split in wanted if split not in splits.values()]:
        notes.append(f"Too few pictures: {' and '.join(missing)} got none.")
    if by == "source":
        notes += _share_notes(splits, options)
        if len(pictures := set(units.values())) >= _ENOUGH and len(sources) > _NEARLY_EVERY * len(pictures):
            notes.append(_SAID["own_sources"].format(some_of(sources, 3)))
    return Assignment(by, splits, keys, tuple(notes))


def _of_lists(given: GivenSplits, stems: Iterable[str], options: SplitOptions) -> Assignment:
    """Distributes pictures as their lists or folders say.

    trainval alone is divided into train and validation as `make_splits` would; beside train (or val) it adds
    what that list lacks. A picture in two lists goes where it is not trained on.
    """
    usable = set(stems)
    members = {split: [stem for stem in some if stem in usable] for split, some in given.members.items()}
    problems, notes = list(given.problems), []
    if given.where != "ImageSets/Main":
        notes = [f"{given.where} says what is for training and what is not; --split_by source divides anew."]
    both = [stem for stem in members.pop("trainval", []) if stem not in members.get("test", ())]
    if "train" in members or "validation" in members:
        rest = "train" if "validation" in members or "train" not in members else "validation"
        taken = {stem for some in members.values() for stem in some}
        members[rest] = [*members.get(rest, []), *(stem for stem in both if stem not in taken)]
    elif both:
        train, validation, _ = options.split_fractions
        shares = (train / (train + validation), validation / (train + validation), 0.0)
        divided = make_splits(both, replace(options, split_fractions=shares))
        notes += [f"{given.where} has trainval, no train and no val: it was divided.", *divided.notes]
        for stem, split in divided.splits.items():
            members.setdefault(split, []).append(stem)

    splits: dict[str, str] = {}
    for split in reversed(SPLITS):
        for stem in members.get(split, ()):
            first = splits.setdefault(stem, split)
            if first != split:
                detail, action = f"in {split} and in {first}", f"kept in {first} only"
                problems.append(Problem(given.where, stem, "picture in two lists", detail, action))
    for stem in sorted(usable - set(splits)):
        problems.append(Problem(given.where, stem, "picture in no list", "", "left out"))
    missing = [split for split in SPLITS if split not in splits.values()]
    if missing:
        notes.append(f"{given.where} gives no pictures for {' and '.join(missing)}.")
    notes += _copy_notes(splits)
    return Assignment("lists", splits, {}, tuple(notes), tuple(problems))


def hash_fraction(seed: int, text: str) -> float:
    """A number in [0, 1) that depends on nothing but `seed` and `text`, equal on every machine."""
    digest = hashlib.blake2b(f"{seed}/{text}".encode(errors="surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def coverage_notes(statistics: Mapping[str, Mapping[str, Any]], by: str) -> list[str]:
    """Says which names cannot be learnt or judged well from these sets, by the `set_statistics` of each.

    How they were split, see `Assignment`, tells the cure. Without a "train" nothing is said.
    """
    if "train" not in statistics:
        return []
    notes = []
    trained = statistics["train"]["names"]
    cure = " If file names begin with the character's, use --split_by picture." if by == "source" else ""
    for split, one in statistics.items():
        if untaught := ", ".join(name for name in one["names"] if name not in trained):
            notes.append(_SAID["untaught"].format(split, untaught) + cure)
    few = [f"{name} ({one['boxes']})" for name, one in trained.items() if one["boxes"] < FEW_BOXES]
    if few:
        notes.append(_SAID["few_boxes"].format(FEW_BOXES, ", ".join(few)))
    for split in ("validation", "test"):
        judged = statistics[split]["names"] if split in statistics else trained
        if unjudged := ", ".join(name for name in trained if name not in judged):
            notes.append(_SAID["unjudged"].format(split, unjudged))
    return notes


def _by_hash(
    keys: Sequence[str], options: SplitOptions, wanted: Sequence[str], earlier: Mapping[str, str]
) -> dict[str, str]:
    """Split by key; a wanted split that hashing leaves empty gets the key with the nearest hash."""
    train, validation, _ = options.split_fractions
    ends = pairwise((0.0, train, train + validation, 1.0))
    edges: dict[str, tuple[float, float]] = dict(zip(SPLITS, ends, strict=True))
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


def _remembered(source: Mapping[str, str], by: str, earlier: Mapping[str, str]) -> dict[str, str]:
    """Where sources went earlier; under the names that earlier versions gave them, too, if all agree."""
    went: dict[str, set[str]] = {}
    for stem, now in source.items():
        name = stem.rpartition("/")[2]
        old = name if by == "picture" else before_last_number(without_copy(name))
        if old in earlier:
            went.setdefault(now, set()).add(earlier[old])
    return {now: splits.pop() for now, splits in went.items() if len(splits) == 1} | dict(earlier)


def _copy_notes(splits: Mapping[str, str]) -> list[str]:
    """Says where lists part the copies of one picture."""
    copies: dict[str, list[str]] = {}
    for stem, unit in units_of(splits).items():
        copies.setdefault(unit, []).append(stem)
    several = [some for some in copies.values() if len({splits[stem] for stem in some}) > 1]
    # Equal names in train/ and test/ may be of any pictures.
    parted = [some for some in several if len({stem.rpartition("/")[2] for stem in some}) > 1]
    shown = some_of([" and ".join(some[:2]) for some in parted], 2)
    return [_SAID["parted"].format(len(parted), shown)] if parted else []


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
    return [_SAID["shares"].format(came_out)]


def _natural(text: str) -> list[tuple[int, int, str]]:
    """A sort key that puts frame 9 before frame 10."""
    parts = re.split(r"(\d+)", text)
    return [(1, int(part), "") if part.isdigit() and part.isascii() else (0, 0, part) for part in parts]
