"""Of measuring ours beside others what needs no clock: turns, floors, ratios, verdicts, failures."""

from functools import partial
from typing import Any

import keras
import pytest

from benchmarks import peers_turns as turns
from benchmarks.gpu_rows import convolution_operations
from benchmarks.peers_torch_link import Torch, TorchMissing

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
    assert turns.floor({turns.MATRIX: {"seconds": 0.5}}, operations) == pytest.approx(
        0.5 * 1152 / turns.MATRIX_SIDE**3
    )
    assert turns.floor({turns.MATRIX: {"said": "needs luck"}}, operations) is None


def test_who_fails_says_why_and_the_others_go_on():
    said = []
    never = turns.Entrant("never", "peer", "float32", lambda: partial(turns.block, lambda: 1 / 0))
    ours = entrant("ours", 9.0, 2.0, 1.0, 8.0)
    late = entrant("late", 9.0, 1.0, 1.0, side="peer")  # has no third round
    matrix = entrant(turns.MATRIX, 9.0, 1.0, 1.0, 1.0, side="part")
    found = turns.in_turns([never, ours, late, matrix], PACE, said.append)
    assert found["never"] == {"said": "ZeroDivisionError: division by zero"}
    assert found["late"]["said"].startswith("StopIteration")
    assert found["ours"] == {"seconds": 2.0, "spread": 3.5, "rounds": [2.0, 1.0, 8.0]}  # no warm-up
    assert list(found) == ["never", "ours", "late", turns.MATRIX]
    assert said[0] == "never: ZeroDivisionError: division by zero"
    assert turns.times_as_fast(found["ours"], found["late"]) is None
    products = 2 * 2 * turns.MATRIX_SIDE**3  # as many operations as two have
    assert turns.cells(ours, found, products, "late") == ("ours", "2000.0", "350%", "2000.0", "1.00", "–")
    assert turns.cells(late, found, products, "late")[1].startswith("StopIteration")
    assert turns.cells(matrix, found, products, "late")[1:] == ("1000.0", "0%", "", "", "")
    assert list(
        turns.verdicts(found, [never, ours, late], [turns.Target("float32"), turns.Target("int8")])
    ) == [
        "ours, the fastest of ours in float32: no peer could be measured",
        "int8: nothing of ours could be measured",
    ]


@pytest.mark.parametrize(
    ("target", "end"),
    [
        (turns.Target("float32", 1.5), "as it, the fastest peer; hoped for: at least 1.5 (reached)"),
        (turns.Target("float32", 2.5), "at least 2.5 (MISSED)"),
        (turns.Target("float32", seconds=0.003), "float32: 2.0 ms; hoped for: at most 3 ms (reached)"),
        (turns.Target("float32", seconds=0.001), "at most 1 ms (MISSED)"),
    ],
)
def test_ratios_are_of_the_same_rounds(target, end):
    entrants = [
        entrant("ours", 0.0, 0.001, 0.002, 0.100),  # somebody else worked in the third
        entrant("slow", 0.0, 0.003, 0.003, 0.300),
        entrant("it", 0.0, 0.002, 0.010, 0.200, side="peer"),
    ]
    (sentence,) = turns.verdicts(turns.in_turns(entrants, PACE, print), entrants, [target])
    assert sentence.startswith("ours is 2.00 times as fast" if target.seconds is None else "ours, the")
    assert sentence.endswith(end)


def test_without_pytorch_the_row_says_how_to_get_it(tmp_path):
    with pytest.raises(TorchMissing, match=r"no PyTorch in .*; --install_torch gets it"):
        Torch(tmp_path).prepare("train eager 8")(0.3)
