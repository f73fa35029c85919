"""A picture's heads, as its XML says; and as a person has marked them so far, back into the XML.

`<pose>`, which LabelImg ignores and forgets, says of a head its track, and "named" where a person named it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from datasets import voc
from datasets.pictures import read_picture
from files.reading import read_arrays
from files.writing import write_arrays, write_bytes
from labelling.drafts import BEGUN, alone_with

if TYPE_CHECKING:  # importing it would start Keras
    from nets.likeness import Likeness

_HEAD = "head"
UNNAMED = frozenset({_HEAD, "face"})  # what programs call heads of which they do not know whose they are
_NAMED = "named"
_LOST = 1000  # heads that are looked at again after a crash, at most
SEEN = "labelling_heads.npz"  # in the data set: what the page saw of its heads
_SAME = 1e-3  # of a picture's side: boxes are read back from whole pixels


@dataclass(eq=False)
class Head:
    """A box of a picture, [4] corners as fractions, and what is known of it."""

    box: np.ndarray
    name: str  # "": nobody's yet
    named: bool = False  # by a person
    difficult: bool = False
    vector: np.ndarray | None = None  # of `nets.likeness`
    track: int = -1
    group: int = -1  # -1: it is asked for on its sheet
    not_names: frozenset[str] = frozenset()
    score: float = 0.0  # of a detector of names that sees it, and the name; the XML does not have it
    offer: str = ""
    passed_over: bool = False  # by that detector

    @property
    def unseen(self) -> bool:
        """Whether its vector is wanted: a finder's head or an example of a name, and not yet looked at."""
        return self.vector is None and not self.score and (self.named or not self.name)


class Memory:
    """Vectors of heads seen before, kept in a file: to look at one takes 45 ms on two cores with AVX2."""

    def __init__(self, dataset_dir: Path, likeness: Likeness):
        """Reads what is there of these vectors; what cannot be read is looked at anew."""
        self._path, self._likeness, self._new = dataset_dir / SEEN, likeness, 0
        self._known: dict[bytes, np.ndarray] = {}
        with suppress(ValueError, TypeError, KeyError, OSError):
            kept = read_arrays(self._path)
            heads, vectors = kept["heads"].astype(np.uint8), kept["vectors"].astype(np.float32)
            if str(kept["digest"]) == likeness.digest and vectors.shape[1:] == (likeness.width,):
                self._known = dict(zip(map(bytes, heads), vectors, strict=True))

    def vectors(self, heads: Sequence[np.ndarray]) -> np.ndarray:
        """`Likeness.vectors`."""
        whole = (str(head.shape).encode() + head.tobytes() for head in heads)
        keys = [hashlib.blake2b(one, digest_size=16).digest() for one in whole]
        new = {key: head for key, head in zip(keys, heads, strict=True) if key not in self._known}
        self._known |= dict(zip(new, self._likeness.vectors([*new.values()]), strict=True))
        self._new += len(new)
        if self._new >= _LOST:
            self.keep()
        return np.array([self._known[key] for key in keys], np.float32)

    def keep(self) -> None:
        """Writes what is new; where there is no room for it, the page works without."""
        if not self._new:
            return
        heads = np.frombuffer(b"".join(self._known), np.uint8).reshape(len(self._known), -1)
        vectors, digest = np.array([*self._known.values()]), np.array(self._likeness.digest)
        with suppress(OSError):
            write_arrays(self._path, {"digest": digest, "heads": heads, "vectors": vectors})
            self._new = 0


@dataclass(eq=False)
class Picture:
    """A picture of a data set."""

    path: Path
    name: str  # its path below the folder of pictures
    xml: Path
    height: int = 0
    width: int = 0
    heads: list[Head] = field(default_factory=list)
    done: bool = False  # a person said that it is right
    stamp: bytes | None = None  # the XML as it was read or written; None: there is none
    seen: tuple[int, int] | None = None  # when that was written, and its size

    def is_as(self, stamp: bytes | None) -> bool:
        """Whether the XML on the disk is these bytes, or is not there."""
        return (self.xml.read_bytes() if self.xml.exists() else None) == stamp

    def touched(self) -> bool:
        """Whether somebody has written the XML since it was read or written here, or moved the picture."""
        return written_at(self.xml) != self.seen or not (self.done or self.path.is_file())


def read_marks(picture: Picture) -> list[np.ndarray]:
    """Reads what the XML says; heads that were there before stay what they are.

    Returns:
        What is to be looked at of heads that are new, uint8 [h, w, 3] each, in their order.

    Raises:
        ValueError: the picture or its XML cannot be used.
    """
    from nets.likeness import head_of  # it starts Keras

    picture.seen = written_at(picture.xml)
    picture.stamp = voc.xml_bytes(picture.xml) if picture.seen else None
    said = voc.parse_xml(picture.stamp) if picture.stamp is not None else voc.RawAnnotation(origin=voc.DRAFT)
    picture.done = not voc.is_draft(said)
    image = None
    if not picture.path.is_file():
        raise ValueError("the picture is gone; put it back and open the page anew")
    if not picture.height:
        image = read_picture(picture.path)
        picture.height, picture.width = image.shape[:2]
    size = (picture.width, picture.height)
    if said.size not in (None, size):
        wrong = f"is of a picture of {said.size}, and this one has {size}"
        raise ValueError(f"{picture.xml.name} {wrong}; correct one")
    heads, before = [], list(picture.heads)
    for item in said.objects:
        one, _ = voc.repair_objects([item], size, "")
        for box, name, difficult in zip(one.boxes, one.names, one.difficult, strict=True):
            known = next((head for head in before if np.abs(head.box - box).max() < _SAME), Head(box, ""))
            before = [head for head in before if head is not known]
            known.name, known.difficult = ("" if name in UNNAMED else name), difficult
            known.named = bool(known.name) and (picture.done or _NAMED in (item.pose or "").split())
            heads.append(known)
    picture.heads = heads
    new = [head for head in heads if head.unseen]
    if new and image is None:
        image = read_picture(picture.path)
    return [head_of(image, head.box) for head in new] if image is not None else []


def write_marks(picture: Picture, *, done: bool) -> None:
    """Writes the heads as LabelImg would after its space key (`done`), or else as a draft that is begun."""
    heads = [head for head in picture.heads if head.named or not head.score]
    names = [head.name or _HEAD for head in heads]
    boxes = np.array([head.box for head in heads], np.float32).reshape(-1, 4)
    difficult = [head.difficult for head in heads]
    objects = voc.voc_objects(boxes, names, picture.width, picture.height, difficult=difficult)
    for number, head in enumerate(heads):
        said = [f"track {head.track}"] if head.track >= 0 else []
        said += [_NAMED] if head.named and not done else []
        objects[number] = replace(objects[number], pose=" ".join(said) or objects[number].pose)
    shown = Path(picture.path.parent.name, picture.path.name)
    draft = None if done else BEGUN
    size = picture.width, picture.height
    voc.write_annotation(picture.xml, shown, *size, objects, verified=done, draft=draft)
    picture.stamp, picture.done, picture.seen = picture.xml.read_bytes(), done, written_at(picture.xml)


def take_back(picture: Picture, before: bytes | None) -> bool:
    """Makes the XML what it was before `write_marks`; False where somebody else has written it since."""
    with alone_with(picture.xml):
        if not picture.is_as(picture.stamp):
            return False
        if before is None:
            picture.xml.unlink(missing_ok=True)
        else:
            write_bytes(picture.xml, before)
    return True


def written_at(xml: Path) -> tuple[int, int] | None:
    """When a file was written, and its size; None where there is none."""
    try:
        said = xml.stat()
    except OSError:
        return None
    return said.st_mtime_ns, said.st_size
