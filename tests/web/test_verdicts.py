import json
import math
import shutil
import subprocess

import numpy as np
import pytest

from nets.thresholds import Thresholds
from tests.conftest import tables
from web.pages import STATIC
from web.verdicts import Verdicts

NAMES = ("Mira", "Tobi", "Ren")
CALIBRATED = Verdicts(Thresholds(0.6, {"Mira": 0.4, "Tobi": 0.7}, {"gap": math.log(3)}))


@pytest.mark.parametrize(("word", "rows"), tables(__file__)["words"])
def test_words_by_the_thresholds_of_the_checkpoint(word, rows):
    assert {CALIBRATED.of(NAMES, row) for row in rows} == {word}


def test_where_nothing_was_chosen_and_from_where_boxes_are_shown():
    plain = Verdicts(Thresholds())
    assert [plain.of(("A",), [p]) for p in (0.49, 0.51, 0.74, 0.76)] == ["unknown", "maybe", "maybe", "sure"]
    assert plain.least_ratio == 1
    assert plain.show_from(None) == 0.35
    # Where every name can be maybe.
    assert Verdicts(Thresholds(0.6, {"Mira": 0.2})).show_from(None) == 0.2
    assert Verdicts(Thresholds(0.6, {"Mira": 0.2})).show_from(0.5) == 0.5


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node.js, which runs the page's answers.js")
def test_the_browser_says_the_same_words(rng):
    rows = rng.dirichlet([0.4] * 4, 300)
    names = [
        {"name": name, "maybe_from": CALIBRATED.maybe_from(name), "sure_from": CALIBRATED.sure_from(name)}
        for name in NAMES
    ]
    about = json.dumps({"names": names, "least_ratio": CALIBRATED.least_ratio})
    words = f"{rows.tolist()}.map((row) => answer([], row, {about}).verdict)"
    script = (STATIC / "answers.js").read_text(encoding="utf-8") + f"console.log(JSON.stringify({words}));"
    command = ["node", "--input-type=module", "-"]
    node = subprocess.run(command, input=script, capture_output=True, check=True, text=True)
    said = json.loads(node.stdout)
    assert said == [CALIBRATED.of(NAMES, row[1:].tolist()) for row in rows]
    assert set(said) == {"sure", "maybe", "unknown"}
    assert np.mean([word == "unknown" for word in said]) < 0.9
