"""Of measuring ours beside others what needs no clock: turns, floors, ratios, verdicts, failures."""

from typing import Any

import keras
import pytest
from rich.console import Console

from benchmarks import peers, peers_rows
from benchmarks import peers_turns as turns
from benchmarks.gpu_rows import convolution_operations
from benchmarks.peers_torch_link import Torch
from tests.conftest import read_json

PACE = turns.Pace(rounds=3, least_seconds=0.5, warm_up=1)


def entrant(name, *seconds, side: Any = "ours"):
    """One that takes so long in the warm-up and in each round, and fails after the last."""
    left = iter(seconds)
    return turns.Entrant(name, side, "float32", lambda: lambda least_seconds: next(left))


def test_the_floor_is_the_networks_arithmetic_at_the_rate_of_the_product():
    images = keras.Input((6, 6, 2))
    model = keras.Model(images, keras.layers.Conv2D(4, 3)(images))  # 4 x 4 cells, 3 x 3 x 2 each, 4 channels
    operations = convolution_operations(model)
    assert operations == 2 * (4 * 4 * 18 * 4)
    floor = turns.floor({turns.MATRIX: {"seconds": 0.5}}, operations)
    assert floor == pytest.approx(0.5 * 1152 / turns.MATRIX_SIDE**3)


def test_who_fails_says_why_and_the_others_go_on():
    said = []
    never = turns.Entrant("never", "peer", "float32", lambda: lambda least: turns.block(lambda: 1 / 0, least))
    ours = entrant("ours", 9.0, 2.0, 1.0, 8.0)
    late = entrant("late", 9.0, 1.0, 1.0, side="peer")  # has no third round
    matrix = entrant(turns.MATRIX, 9.0, 1.0, 1.0, 1.0, side="part")
    found = turns.in_turns([never, ours, late, matrix], PACE, said.append)
    assert found["never"] == {"said": "ZeroDivisionError: division by zero"}
    assert found["late"]["said"].startswith("StopIteration")
    assert found["ours"] == {"seconds": 2.0, "spread": 3.5, "rounds": [2.0, 1.0, 8.0]}  # no warm-up
    assert said[0] == "never: ZeroDivisionError: division by zero"
    assert turns.times_as_fast(found["ours"], found["late"]) is None
    work = 2 * 2 * turns.MATRIX_SIDE**3  # of two products
    assert turns.cells(ours, found, work, "late") == ("ours", "2000.0", "350%", "2000.0", "1.00", "–")
    targets = turns.Target("float32"), turns.Target("int8")
    assert list(turns.verdicts(found, [never, ours, late], targets)) == [
        "ours, the fastest of ours in float32: no peer could be measured",
        "int8: nothing of ours could be measured",
    ]


def test_ratios_are_of_the_same_rounds():
    entrants = [
        entrant("ours", 0.0, 0.001, 0.002, 0.100),  # somebody else worked in the third
        entrant("slow", 0.0, 0.003, 0.003, 0.300),
        entrant("it", 0.0, 0.002, 0.010, 0.200, side="peer"),
    ]
    targets = [turns.Target("float32", ratio) for ratio in (1.5, 2.5)]
    targets += [turns.Target("float32", seconds=seconds) for seconds in (0.003, 0.001)]
    ours = "ours is 2.00 times as fast as it, the fastest peer; hoped for: at least"
    alone = "ours, the fastest of ours in float32: 2.0 ms; hoped for: at most"
    sentences = list(turns.verdicts(turns.in_turns(entrants, PACE, print), entrants, targets))
    assert sentences[:2] == [f"{ours} 1.5 (reached)", f"{ours} 2.5 (MISSED)"]
    assert sentences[2:] == [f"{alone} 3 ms (reached)", f"{alone} 1 ms (MISSED)"]


def test_a_row_that_fails_does_not_end_the_run(tmp_path, monkeypatch):
    def vgg(setting):
        entrants = [*peers_rows.torchvisions(setting, "detect {} 1"), entrant(turns.MATRIX, 9.0, 1.0)]
        return peers_rows.Contest("beside torchvision", entrants, "torchvision", 1e9, [])

    monkeypatch.setattr(peers_rows, "CONTESTS", {"lite": lambda setting: 1 / 0, "vgg": vgg})
    options = peers.Options(rows=("lite", "vgg"), quick=True, output=tmp_path / "peers.json")
    peers.measure(options, Torch(tmp_path), Console(quiet=True), {"machine": {}, "rows": {}})
    rows = read_json(tmp_path / "peers.json")["rows"]
    assert rows["lite"] == {"said": "ZeroDivisionError: division by zero"}
    assert "--install_torch gets it" in rows["vgg"]["found"]["torchvision"]["said"]
    assert rows["vgg"]["found"][turns.MATRIX]["seconds"] == 1.0
