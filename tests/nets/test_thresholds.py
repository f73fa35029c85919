import json
from dataclasses import asdict

import numpy as np
import pytest
from keras import ops

from nets.thresholds import Thresholds, evidence, read_thresholds


def test_each_name_its_own_and_the_others_the_common_one():
    thresholds = Thresholds(0.4, {"千反田": 0.7})
    assert thresholds.of(["千反田", "Mira"]) == pytest.approx([0.7, 0.4])
    assert thresholds.of([]).shape == (0,)
    assert Thresholds().of(["a"]) == pytest.approx([0.5])
    assert thresholds.of(["Mira"]).dtype == np.float32  # as scores are


def test_there_and_back(tmp_path):
    thresholds = Thresholds(0.4, {"千反田": 0.7}, {"gap": -1.5}, {"split": "validation"})
    (tmp_path / "t.json").write_text(json.dumps(asdict(thresholds)), encoding="utf-8")
    assert read_thresholds(tmp_path / "t.json") == thresholds


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"common": 2, "names": {}}', '{"common": 0.5, "names": {"a": "0.5"}}',
     '{"common": 0.5, "names": {"a": NaN}}', '{"common": 0.5, "names": []}',
     '{"common": 0.5, "names": {}, "unknown": {"gap": true}}'],
)  # fmt: skip
def test_what_is_no_threshold_is_refused(text, tmp_path):
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(ValueError, match=r"t\.json does not hold thresholds.*tools\.training_report"):
        read_thresholds(tmp_path / "t.json")


def test_evidence_by_hand():
    values = evidence(np.array([[9.0, 3.0, 1.0], [0.0, -2.0, -2.0]], "f"))
    assert np.asarray(ops.convert_to_numpy(values)) == pytest.approx([2, 0])  # background, first, has no say
    alone = evidence(np.array([[5.0, 3.0]], "f"))  # a detector of one name
    assert float(alone[0]) == pytest.approx(3)
