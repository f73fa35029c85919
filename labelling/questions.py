"""What somebody is asked at the desk for labelling, and what an answer did."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field

from labelling.marks import Head, Picture

LEASE = 300.0  # seconds for which nobody else is asked the same


@dataclass(eq=False)
class Question:
    """Tracks of a group, each a list of heads, or pictures of a sheet; who is asked, and since when."""

    who: str
    pictures: list[Picture]
    tracks: list[list[Head]] = field(default_factory=list)
    key: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    asked: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self._heads = {picture: picture.heads for picture in self.pictures}

    def has_heads_of(self, picture: Picture) -> bool:
        """Whether the picture was not read again since, with other heads than those that are answered for."""
        return self._heads[picture] is picture.heads

    @property
    def fresh(self) -> bool:
        """Whether nobody else is asked it."""
        return time.monotonic() - self.asked <= LEASE

    @property
    def kind(self) -> str:
        return "group" if self.tracks else "sheet"


@dataclass(frozen=True)
class Outcome:
    """What an answer did: pictures that were written, and those that somebody else had changed meanwhile."""

    written: int
    changed: tuple[str, ...] = ()
