"""Says who appears when, for how long and together with whom, in a whole series.

    python -m tools.who_appears --checkpoint_path=RUN --output_dir=who my_videos

Each film is looked at once a second, by `ssd_300_lite` on two cores at eleven times its speed. Then names
are given, over all films at once: what a detector is surest of becomes examples, and a head keeps a name
where it looks like these (`tools.name_from_examples` does so with a person's boxes). Strangers have no name.

`who/index.html` is a table of characters by films, with a picture of each first appearance at a click;
`characters.csv`, `appearances.csv` (in seconds) and `detections.json` (as detect.py writes it) are for other
programs. Ctrl-C whenever you like: the same command goes on with the next film, and with films added since.

Exit status: 0; 1 if a film could not be read (the others are in the tables) or nobody was found in any.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import tyro
from rich.console import Console

from engine.reports.detections_file import as_line, detections_entry, write_lines
from files.telling import why, write_table
from files.writing import write_text
from terminal.bars import Progress, counting_bars
from terminal.command import command, note, say
from terminal.quiet import start_tensorflow
from video.sources import find_videos, name_sources

if TYPE_CHECKING:  # importing them would start Keras before its remarks can be held back
    from nets.likeness import Likeness
    from nets.thresholds import Thresholds
    from video.appearances import Appearance
    from video.screen_time import Seen

# Examples of a name out of one film, the surest; how many of heads like these may lose it; tracks of which
# the detector must be sure before a name counts at all; and what a unit of missing evidence takes from
# likeness. Chosen on six drawn episodes, seconds of strangers under a name and minutes of the worst name:
# 2.7 % and 6 %; without the last 5.9 % and 9 % at best; 20 or 80 examples 2.1 % and 18 %, 2.9 % and 4 %; 0.01
# or 0.03 lost 4.7 % and 5 %, 2.8 % and 7 %. On six others these have 1.6 % and 4.5 %.
_EXAMPLES, _LOST, _FEWEST, _MISSING = 40, 0.02, 3, 0.08
_PICTURE = 640  # longest side on the page


@dataclass(frozen=True)
class Options:
    """Says who appears when, for how long and together with whom, in a whole series."""

    #: Videos, and folders with them (searched with all their subfolders, but for hidden ones).
    inputs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="VIDEO...")]
    checkpoint_path: Path  #: Checkpoint folder: the --train_dir of a training.
    output_dir: Path  #: Folder for the page and the tables; made if it does not exist.


@dataclass(frozen=True, eq=False)
class Film:
    """A film, and who is in it."""

    path: Path
    source: str  # its name
    seen: "Seen"
    names: list[str]  # of its tracks
    spans: list["Appearance"]  # in the order of time

    def seconds(self, name: str) -> float:
        return sum(span.end - span.start for span in self.spans if span.name == name)


def names_of(films: Sequence["Seen"], thresholds: "Thresholds", likeness: "Likeness") -> list[list[str]]:
    """Of every track of every film whose head it is; "" where it is nobody's.

    Examples are tracks of which the detector is sure by its own limits, for score and for strangers. A track
    has the name that the detector and likeness agree on, if it is about as like its examples as these are
    alike, each name for itself. Of one name only there is nothing to compare: the sure ones alone have it.
    """
    from labelling.example_heads import left_out
    from nets.likeness import clearness
    from nets.thresholds import EVIDENCE, UNKNOWN
    from video.screen_time import SOMEBODY

    limit, sure = thresholds.unknown.get(EVIDENCE, -np.inf), []
    found: dict[str, list[np.ndarray]] = {}
    for seen in films:
        said, scores, evidence = seen.of_tracks()
        good = (scores >= thresholds.of(said)) & (evidence >= limit) & (np.array(said, object) != UNKNOWN)
        own, surest = np.where(good, np.array(said, object), ""), np.argsort(-scores, kind="stable")
        sure.append(own.tolist())
        for name in {*sure[-1]} - {""}:
            found.setdefault(name, []).append(seen.vectors[surest[own[surest] == name][:_EXAMPLES]])
    examples = {name: np.concatenate(some) for name, some in sorted(found.items())}
    examples = {name: some for name, some in examples.items() if len(some) >= _FEWEST}
    if len(examples) < 2:
        return sure
    sizes = [len(some) for some in examples.values()]
    means = np.stack([some.mean(0) / np.linalg.norm(some.mean(0)) for some in examples.values()])
    vectors, owners = np.concatenate([*examples.values()]), np.repeat(np.arange(len(means)), sizes)
    right, _ = left_out(vectors, owners, likeness.of_anybody(vectors))
    limits = [np.quantile(clear, _LOST, method="lower") if len(clear) else np.inf for clear in right]
    named = []
    for seen in films:
        said, scores, evidence = seen.of_tracks()
        cosines = seen.vectors @ means.T
        clear = clearness(cosines, likeness.of_anybody(seen.vectors))
        clear += _MISSING * np.minimum(evidence - limit, 0)
        best = cosines.argmax(1)
        agreed = np.array([*examples], object)[best] == np.array(said, object)
        there = agreed & (clear >= np.array(limits)[best]) & (scores >= SOMEBODY)
        named.append(np.where(there, np.array(said, object), "").tolist())
    return named


def looked_at(
    sources: Mapping[Path, str], options: Options, progress: Progress
) -> tuple[list[Film], list[tuple[str, str]]]:
    """Films and who is in them, and of films what a person should know: (name, why)."""
    from nets.detector import HEADS, Detector, digest_of
    from nets.likeness import Likeness
    from video.appearances import find_appearances
    from video.screen_time import INTERVAL, look_through, read_seen, write_seen

    detector, likeness = Detector.load(options.checkpoint_path), Likeness.load(HEADS)
    weights, found, notes = digest_of(options.checkpoint_path), {}, []
    for path, source in sources.items():
        try:
            made = f"{path.stat().st_size} bytes, {weights}, {likeness.rows_digest}"
            kept = options.output_dir / "films" / f"{source}.npz"
            seen = read_seen(kept, made)
            if seen is None:
                seen, remarks = look_through(path, detector, likeness, made, progress)
                write_seen(kept, seen)
                notes += [(source, remark) for remark in remarks]
            found[path] = seen
        except (ValueError, OSError) as error:
            notes.append((source, f"{why(error)}; left out"))
    films = []
    named = names_of([*found.values()], detector.thresholds, likeness)
    for (path, seen), names in zip(found.items(), named, strict=True):
        spans = find_appearances(seen.entries(names), seen.length, pause=INTERVAL / 2)
        films.append(Film(path, sources[path], seen, names, spans))
    return films, notes


def together(films: Sequence[Film]) -> dict[tuple[str, str], float]:
    """Seconds in which two names are there at once, by the pair; of one name with itself, all of its."""
    both: dict[tuple[str, str], float] = {}
    for film in films:
        ends = [*film.seen.times[1:].tolist(), film.seen.length]
        for entry, end in zip(film.seen.entries(film.names), ends, strict=True):
            names = [one["name"] for one in entry["detections"]]
            for pair in ((one, other) for one in names for other in names):
                both[pair] = both.get(pair, 0.0) + end - entry["time"]
    return both


def write_tables(folder: Path, films: Sequence[Film], names: Sequence[str]) -> None:
    """`characters.csv` and `appearances.csv`, times in seconds; `detections.json`."""
    rows = [
        (name, film.source, round(film.seconds(name)), f"{film.seconds(name) / film.seen.length:.4f}",
         round(next(span.start for span in film.spans if span.name == name)))
        for name in names for film in films if film.seconds(name)
    ]  # fmt: skip
    write_table(folder / "characters.csv", ("name", "film", "seconds", "share", "first"), rows)
    spans = [(film.source, s.name, round(s.start), round(s.end)) for film in films for s in film.spans]
    write_table(folder / "appearances.csv", ("film", "name", "start", "end"), spans)
    entries = []
    for film in films:
        height, width = film.seen.size.tolist()
        for number, time in enumerate(film.seen.times.tolist()):
            found = film.seen.shown_at(number, film.names)
            entries.append({**detections_entry(film.source, height, width, found), "time": round(time, 3)})
    write_lines(folder / "detections.json", map(as_line, entries))


def first_picture(film: Film, name: str) -> np.ndarray | None:
    """The picture in which a name is seen first in a film, uint8 [H, W, 3] RGB, with its boxes.

    None where the film has vanished since, or cannot be read any more.
    """
    from video.selection import SparseVideo
    from visualization.drawing import draw_detections, scale_to

    tracks = np.flatnonzero(np.array(film.names, object) == name)
    number = int(film.seen.pictures[np.isin(film.seen.tracks, tracks)].min())
    try:
        with SparseVideo(film.path) as video:
            picture = next(video.frames(start=float(film.seen.times[number]) - 1e-3)).picture()
    except (ValueError, OSError, StopIteration):
        return None
    return draw_detections(scale_to(picture, _PICTURE), film.seen.shown_at(number, film.names))


def write_page(folder: Path, films: Sequence[Film], names: Sequence[str], progress: Progress) -> None:
    """`index.html`: everything inside, as every report."""
    from engine.reports.page import jpeg_uri, render_page, themed
    from video.appearances import clock, plot_timeline

    shown = []
    for number, film in enumerate(films, start=1):
        progress("pictures", number, len(films))
        first = {}
        for span in film.spans:
            if span.name not in first:
                picture = first_picture(film, span.name)
                seen = None if picture is None else jpeg_uri(picture, quality=75)
                first[span.name] = clock(span.start), seen
        timeline = themed(partial(plot_timeline, film.spans, film.seen.length, title=film.source))
        shown.append((number, film, first, timeline))
    says = [*names, *(film.source for film in films)]
    page = render_page(
        "series.html", says=says, title="Who appears when", shown=shown, names=names, both=together(films),
        length=sum(film.seen.length for film in films), clock=clock,
    )  # fmt: skip
    write_text(folder / "index.html", page)


@command("python -m tools.who_appears", interrupted="the same command goes on from the next film")
def main(options: Options) -> int:
    console = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)
    sources = name_sources(find_videos(options.inputs))
    start_tensorflow()
    with counting_bars(console) as progress:
        films, notes = looked_at(sources, options, progress)
        seconds = together(films)
        names = sorted({name for name, _ in seconds}, key=lambda name: (-seconds[name, name], name))
        if names:
            write_tables(options.output_dir, films, names)
            write_page(options.output_dir, films, names, progress)
    for source, remark in notes:
        note(console, f"{source}: {remark}")
    if not names:
        doubt = f"is {options.checkpoint_path} of this series?"
        raise ValueError(f"nobody was found in {len(films)} films: {doubt}")
    total, page = sum(film.seen.length for film in films), options.output_dir / "index.html"
    say(console, f"{len(names)} names in {len(films)} films of {total / 60:.0f} min: {page}")
    return int(len(films) < len(sources))


if __name__ == "__main__":
    raise SystemExit(main())
