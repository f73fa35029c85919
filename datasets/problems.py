"""What was wrong in a folder of labelled pictures: one line per problem, with what was done about it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets.pictures import UnusableFile
from files.telling import write_table

GROUP_HEADINGS = ("count", "problem", "what was done", "first")  # of the table of `group_problems` on screen


@dataclass(frozen=True)
class Problem:
    """One line of problems.csv."""

    file: str  # relative to the dataset folder
    object: str  # which object of an XML file ("2: 千反田") or which line of a list; empty for the whole file
    kind: str  # the rule that was broken, the same words for every case: the table on screen counts by it
    detail: str  # the values of this case; may be empty
    action: str  # what was done

    @property
    def reason(self) -> str:
        """Kind and detail as one sentence."""
        return f"{self.kind}: {self.detail}" if self.detail else self.kind

    @classmethod
    def of(cls, error: UnusableFile, file: str) -> "Problem":
        """The line that says of a file why it cannot be used."""
        return cls(file, "", error.kind, error.detail, error.action)


def some_of(texts: Sequence[str], most: int = 5) -> str:
    """The first few, and how many more there are: "a, b and 7 more"."""
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def group_problems(problems: Iterable[Problem]) -> list[tuple[int, str, str, str]]:
    """(count, kind, action, first) of problems that were treated alike, most frequent first."""
    groups: dict[tuple[str, str], list[Problem]] = {}
    for problem in problems:
        groups.setdefault((problem.kind, problem.action), []).append(problem)
    rows = [(len(some), *key, f"{some[0].file} {some[0].object}".strip()) for key, some in groups.items()]
    return sorted(rows, key=lambda row: (-row[0], *row[1:3]))


def write_problems(path: Path, problems: Iterable[Problem]) -> None:
    """Writes problems.csv (UTF-8), also when empty."""
    rows = ((problem.file, problem.object, problem.reason, problem.action) for problem in problems)
    write_table(path, ("file", "object", "reason", "action"), rows)
