"""How well names are told from a few examples, and strangers from both, without any training.

    python -m benchmarks.names_from_examples --faces_dir=FOLDER --checkpoint_path=checkpoints/anime_heads

FOLDER has one folder of faces per character. Characters and examples are drawn anew --draws times; a face is
never asked about that comes from the picture that an example comes from (the first number of its name). The
others are strangers. Printed are the mean over names of the share that is named right, and of the strangers:
how surely they score below right faces (AUROC), and what share of them is named where 95 of 100 right faces
keep their name; then what the limit that `tools.name_from_examples`
chooses does, and what was promised of strangers.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from datasets.pictures import ACCEPTED_SUFFIXES, read_picture
from engine.measures.calibration import conformal_share
from files.below import files_below
from labelling.example_heads import left_out, limit_of
from nets.likeness import Likeness, Names, clearness
from terminal.bars import show_table
from terminal.command import command

ROUNDS = ((5, 1), (5, 5), (5, 10), (10, 1), (10, 5), (10, 10))  # names, examples of each


@dataclass(frozen=True)
class Options:
    """Measures names from examples."""

    faces_dir: Path
    """One folder of faces per character."""
    checkpoint_path: Path
    """A finder with likeness.npz."""
    draws: int = 60
    """How often names and examples are drawn."""
    seed: int = 0
    """Of the draws."""


@dataclass(frozen=True)
class Faces:
    """Faces as vectors."""

    vectors: np.ndarray  # float32 [N, E]
    owners: np.ndarray  # int [N]
    sources: np.ndarray  # str [N]


def read_faces(folder: Path, likeness: Likeness) -> Faces:
    """Every face below a folder."""
    paths = list(files_below(folder, ACCEPTED_SUFFIXES))
    names = sorted({path.parent.name for path in paths})
    sources = [f"{path.parent.name} {(*path.stem.split('_'), path.stem)[1]}" for path in paths]
    vectors = likeness.vectors([read_picture(path) for path in paths])
    return Faces(vectors, np.array([names.index(path.parent.name) for path in paths]), np.array(sources))


def one_draw(faces: Faces, likeness: Likeness, count: int, examples: int, rng: np.random.Generator):
    """Of names and examples drawn by chance, a tuple.

    Which of each name's faces are named right, and how clearly they and strangers are somebody; the limit
    that was chosen, and the share of strangers promised to get a name.
    """
    chosen = rng.permutation(faces.owners.max() + 1)[:count]
    own = [rng.permutation(np.flatnonzero(faces.owners == one)) for one in chosen]
    support = np.concatenate([some[:examples] for some in own])
    owners = np.repeat(np.arange(count), examples)
    vectors = faces.vectors[support]
    found = left_out(vectors, owners, likeness.of_anybody(vectors))
    limit = limit_of(np.concatenate(found[0]))
    names = Names(tuple(map(str, chosen)), vectors, owners, np.zeros((len(vectors), 4)), limit, "")
    rest = [some[examples:] for some in own]
    asked = [some[~np.isin(faces.sources[some], faces.sources[support])] for some in rest]
    right = [names.votes(faces.vectors[some]).argmax(1) == number for number, some in enumerate(asked)]

    def clear(some: np.ndarray) -> np.ndarray:
        vectors = faces.vectors[some]
        return clearness(names.cosines(vectors), likeness.of_anybody(vectors))

    strangers = np.flatnonzero(~np.isin(faces.owners, chosen))
    return (
        right,
        [*map(clear, asked)],
        clear(strangers),
        limit,
        conformal_share(found[1] >= limit),
    )


@command("python -m benchmarks.names_from_examples")
def main(options: Options) -> None:
    likeness = Likeness.load(options.checkpoint_path)
    faces, rows = read_faces(options.faces_dir, likeness), []
    for count, examples in ROUNDS:
        rng, said = np.random.default_rng(options.seed), []
        for _ in range(options.draws):
            right, best, strangers, limit, promised = one_draw(faces, likeness, count, examples, rng)
            sure = np.concatenate([one[ok] for one, ok in zip(best, right, strict=True)])
            line = [np.mean([one.mean() for one in right])]
            if len(strangers):
                line += [(sure[:, None] > strangers).mean(), (strangers >= np.quantile(sure, 0.05)).mean()]
                line += [(sure < limit).mean(), (strangers >= limit).mean(), promised]
            said.append(line)
        rows.append((count, examples, *(f"{value:.3f}" for value in np.mean(said, 0))))
    headings = (
        "names",
        "examples",
        "right",
        "AUROC",
        "strangers named at 95 %",
        "right lost",
        "strangers named",
        "promised",
    )
    show_table(Console(), headings, [(*row, *[""] * (len(headings) - len(row))) for row in rows])


if __name__ == "__main__":
    sys.exit(main())
