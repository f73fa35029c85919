"""Things measured in turns, so that their ratios hold where seconds do not; what comes of it, in words.

Without any library: PyTorch's own environment measures with `block`, too. It is not the machine's clock that
counts but that all get the same weather: every round each is asked once, there and back.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.clock import reason

MATRIX = "matrix product"  # name of the entrant whose rate is the floor of all
MATRIX_SIDE = 2048
PAUSE = 0.05  # seconds between blocks: threads of the one before that wait for more work give up

Block = Callable[[float], float]  # least seconds -> seconds of one call
Found = dict[str, dict[str, Any]]  # name -> what `in_turns` says of it
Side = Literal["ours", "peer", "part"]
Precision = Literal["float32", "int8"]


@dataclass(frozen=True)
class Entrant:
    """Something that is measured beside others."""

    name: str
    side: Side  # what is compared: ours, and what people would take instead; or only a part of the work
    precision: Precision
    prepare: Callable[[], Block]  # may take minutes: it trains, exports, compiles


@dataclass(frozen=True)
class Pace:
    """How long is measured."""

    rounds: int  # how often each is
    least_seconds: float  # that calls follow one another in a round
    warm_up: int = 2  # blocks before the clock counts: the first compiles, the second still allocates


@dataclass(frozen=True)
class Target:
    """What is hoped for: one of ours, in a precision, against the fastest peer, or in a time."""

    precision: Precision
    ratio: float = 1.0  # to the fastest peer of that precision or of float32
    seconds: float | None = None  # of the fastest of ours


def block(call: Callable[[], object], least_seconds: float) -> float:
    """Seconds of one call when calls follow one another for so long; the first counts if it alone is that."""
    start = time.perf_counter()
    call()
    if (first := time.perf_counter() - start) >= least_seconds:
        return first
    calls, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < least_seconds or not calls:
        call()
        calls += 1
    return elapsed / calls


def in_turns(
    entrants: Sequence[Entrant],
    pace: Pace,
    say: Callable[[str], object],
) -> Found:
    """Prepare each, then measure each in every round; whoever fails is out, and the others go on.

    Returns:
        By name {"seconds": median, "spread": slowest less fastest as a share of it, "rounds": seconds of each
        round}, or {"said": why not}.
    """
    found: Found = {}
    blocks: dict[str, Block] = {}

    def attempt(entrant: Entrant, what: Callable[[], Any]) -> Any:
        if entrant.name not in found:
            try:
                return what()
            except Exception as error:  # of any library
                found[entrant.name] = {"said": reason(error)}
                say(f"{entrant.name}: {found[entrant.name]['said']}")
        return None

    for entrant in entrants:
        start = time.perf_counter()
        made = attempt(entrant, entrant.prepare)
        for _ in range(pace.warm_up):
            attempt(entrant, lambda made=made: made(0.0))
        if entrant.name not in found:
            blocks[entrant.name] = made
            say(f"{entrant.name}: ready after {time.perf_counter() - start:.1f} s")
    seconds: dict[str, list[float]] = {name: [] for name in blocks}
    for number in range(pace.rounds):
        for entrant in entrants[:: -1 if number % 2 else 1]:
            time.sleep(PAUSE)
            taken = attempt(entrant, lambda one=entrant: blocks[one.name](pace.least_seconds))
            if taken is not None:
                seconds[entrant.name].append(taken)
    for name in blocks.keys() - found.keys():
        median = statistics.median(seconds[name])
        spread = (max(seconds[name]) - min(seconds[name])) / median
        found[name] = {"seconds": median, "spread": spread, "rounds": seconds[name]}
    return {entrant.name: found[entrant.name] for entrant in entrants}


def times_as_fast(one: dict[str, Any], other: dict[str, Any]) -> float | None:
    """How many times as fast the one is as the other: the median of the rounds; None: one failed."""
    if "rounds" not in one or "rounds" not in other:
        return None
    return statistics.median(b / a for a, b in zip(one["rounds"], other["rounds"], strict=True))


def fastest(found: Found, entrants: Sequence[Entrant]) -> str | None:
    """The name of the fastest of those entrants; None: all failed."""
    there = [one.name for one in entrants if "seconds" in found[one.name]]
    return min(there, key=lambda name: found[name]["seconds"], default=None)


def verdicts(found: Found, entrants: Sequence[Entrant], targets: Sequence[Target]):
    """A sentence for each target: what was found, what was hoped for, and whether that is so."""
    for target in targets:
        ours = [one for one in entrants if (one.side, one.precision) == ("ours", target.precision)]
        best = fastest(found, ours)
        if best is None:
            yield f"{target.precision}: nothing of ours could be measured"
            continue
        milliseconds = 1000 * found[best]["seconds"]
        if target.seconds is not None:
            limit = 1000 * target.seconds
            yield (
                f"{best}, the fastest of ours in {target.precision}: {milliseconds:.1f} ms; "
                f"hoped for: at most {limit:.0f} ms ({'reached' if milliseconds <= limit else 'MISSED'})"
            )
            continue
        peers = [one for one in entrants if one.side == "peer"]
        peers = [one for one in peers if one.precision in (target.precision, "float32")]
        rival = fastest(found, peers)
        if rival is None:
            yield f"{best}, the fastest of ours in {target.precision}: no peer could be measured"
            continue
        ratio = times_as_fast(found[best], found[rival]) or 0.0
        yield (
            f"{best} is {ratio:.2f} times as fast as {rival}, the fastest peer; "
            f"hoped for: at least {target.ratio:g} ({'reached' if ratio >= target.ratio else 'MISSED'})"
        )


def floor(found: Found, operations: float) -> float | None:
    """Seconds of so many floating-point operations at the rate of the matrix product; None: it failed."""
    seconds = found[MATRIX].get("seconds")
    return None if seconds is None else seconds * operations / (2 * MATRIX_SIDE**3)


def times_the_floor(row: dict[str, Any], found: Found, operations: float) -> float | None:
    """How many times as long it took as the arithmetic alone, measured in the same rounds."""
    ratio = times_as_fast(found[MATRIX], row)
    return None if ratio is None else ratio * 2 * MATRIX_SIDE**3 / operations


def cells(entrant: Entrant, found: Found, operations: float, base: str) -> tuple[str, ...]:
    """A line of the table: name, milliseconds, spread, the floor, times the floor, times the base's speed.

    Args:
        entrant: which of them.
        found: of `in_turns`.
        operations: floating-point ones of the network in a call.
        base: name of whom all are compared with.
    """
    row = found[entrant.name]
    if "said" in row:
        return entrant.name, row["said"], "", "", "", ""
    measured = entrant.name, f"{1000 * row['seconds']:.1f}", f"{row['spread']:.0%}"
    if entrant.side == "part":
        return *measured, "", "", ""
    least = floor(found, operations)
    return (
        *measured,
        number(None if least is None else 1000 * least, 1),
        number(times_the_floor(row, found, operations)),
        number(times_as_fast(row, found[base])),
    )


def number(value: float | None, digits: int = 2) -> str:
    """A number with so many digits behind the point; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"
