"""What looks alike: names, and pictures: neighbouring frames, scaled copies, the same still in two files.

A picture is reduced to 64 bits that survive scaling, compression and small changes; two pictures resemble
each other when few of these bits differ. A detector that is measured on pictures like those that it was
trained on is flattered: the figures then say how well it remembers, not how well it finds.
"""

import io
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import imagehash
import numpy as np
from PIL import Image

from datasets.labels import clean_name
from datasets.problems import some_of
from files.reading import table_beside

# Bits that may differ between pictures that count as nearly the same (an even number: half of them are set).
# Measured on 600 drawn and 484 real anime frames and 200 photographs: scaled, darkened and recompressed
# copies differ in 4 at most, four in five copies that lost 2 % at each side in 6 at most; different pictures
# in 8 and more (of 180 000 pairs of drawn ones 7 in 8 bits, none in fewer).
NEAR = 6

# What people are told.
_SAID: dict[str, str] = table_beside(__file__)

_HASH_SIDE = 8  # the hash has 8 x 8 bits: the lowest frequencies of the picture's cosine transform
_DRAFT = 64  # pixels that a JPEG keeps at least; the hash looks at 32 x 32


def perceptual_hash(picture: np.ndarray) -> np.uint64:
    """The 64 bits of `imagehash.phash` (DCT of the grey picture, Zauner 2010) of uint8 [H, W, 3] RGB."""
    return _hash(Image.fromarray(picture))


def perceptual_hash_of_jpeg(encoded: bytes) -> np.uint64:
    """`perceptual_hash` of a JPEG known to be sound, decoded at a fraction of its size: several times faster.

    The bits can differ from those of the whole picture by one or two.
    """
    with Image.open(io.BytesIO(encoded), formats=("JPEG",)) as image:
        image.draft("L", (_DRAFT, _DRAFT))
        return _hash(image)


def near_duplicates(
    hashes_a: np.ndarray, hashes_b: np.ndarray | None = None, *, max_distance: int = NEAR
) -> np.ndarray:
    """Pairs of pictures whose hashes differ in few bits, of 0...64.

    Compares all with all, a block at a time: 10 000 with 10 000 in about a second.

    Args:
        hashes_a: uint64 [N].
        hashes_b: uint64 [M]; not given: pairs within `hashes_a`, each once and none with itself.

    Returns:
        int64 [P, 2], indices into a and b, in rising order.
    """
    within = hashes_b is None
    first = np.asarray(hashes_a, np.uint64)
    second = first if within else np.asarray(hashes_b, np.uint64)
    pairs = [np.zeros((0, 2), np.int64)]
    rows = max(1, 4_000_000 // max(1, len(second)))  # 32 MB of differing bits at a time
    for start in range(0, len(first), rows):
        block = first[start : start + rows]
        near = np.bitwise_count(block[:, None] ^ second[None, :]) <= max_distance  # [rows, M]
        if within:
            near &= np.arange(len(second)) > np.arange(start, start + len(block))[:, None]
        found = np.argwhere(near)
        pairs.append(found + np.array([start, 0]))
    return np.concatenate(pairs)


@dataclass(frozen=True, eq=False)
class Traces:
    """By what the N pictures of a set can be recognised."""

    names: tuple[str, ...]  # file names
    sources: tuple[str, ...]  # episode or video of each; empty where it is not known
    hashes: np.ndarray  # uint64 [N], perceptual

    def __len__(self) -> int:
        return len(self.names)

    def arrays(self) -> dict[str, np.ndarray]:
        """For a file; `traces_in` is the way back."""
        return {
            "names": np.array(self.names, str),
            "sources": np.array(self.sources, str),
            "hashes": self.hashes,
        }


def traces_in(arrays: Mapping[str, np.ndarray]) -> Traces:
    """What `Traces.arrays` gave; ValueError or KeyError where these are others."""
    names, sources = (tuple(map(str, arrays[key].tolist())) for key in ("names", "sources"))
    hashes = np.asarray(arrays["hashes"], np.uint64)
    if not len(names) == len(sources) == len(hashes):
        raise ValueError("names, sources and hashes are of different pictures")
    return Traces(names, sources, hashes)


def traces_of(rows: Iterable[tuple[str, str, np.uint64]]) -> Traces:
    """From one (file name, source, hash) per picture."""
    rows = list(rows)
    names, sources, hashes = zip(*rows, strict=True) if rows else ((), (), ())
    return Traces(tuple(names), tuple(sources), np.array(hashes, np.uint64))


def leak_notes(measured: Traces, trained: Traces, name: str, trained_name: str = "train") -> list[str]:
    """What two sets have in common that makes figures on the first flatter, in sentences for a person."""
    notes, sets = [], {"name": name, "trained": trained_name, "pictures": len(measured)}
    shared = sorted(set(measured.sources) & set(trained.sources) - {""})
    if shared:
        from_shared = sum(source in shared for source in measured.sources)
        notes.append(_SAID["sources"].format(some_of(shared, 3), count=from_shared, **sets))
    alike: dict[int, int] = {}
    for mine, theirs in near_duplicates(measured.hashes, trained.hashes).tolist():
        alike.setdefault(mine, theirs)
    if alike:
        pairs = [f"{measured.names[mine]} like {trained.names[theirs]}" for mine, theirs in alike.items()]
        notes.append(_SAID["pictures"].format(some_of(pairs, 3), count=len(alike), **sets))
    return notes


def look_alike_names(names: Iterable[str]) -> list[str]:
    """A note where names differ only in what a reader hardly sees: case, width, joiners and selectors."""
    alike: dict[str, list[str]] = {}
    for name in names:
        plain = re.sub("[\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef]", "", name)
        alike.setdefault(clean_name(unicodedata.normalize("NFKC", plain).casefold()), []).append(name)
    if not (said := [" and ".join(map(repr, some)) for some in alike.values() if len(some) > 1]):
        return []
    return [_SAID["names"].format(some_of(said))]


def _hash(image: Image.Image) -> np.uint64:
    bits = imagehash.phash(image, hash_size=_HASH_SIDE).hash  # bool [8, 8]
    return np.packbits(bits).view(">u8").astype(np.uint64)[0]
