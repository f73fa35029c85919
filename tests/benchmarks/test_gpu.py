"""Of measuring a GPU what needs none: counting, the time, memory that is too little, going on."""

import json

import keras
import pytest

from benchmarks import gpu
from benchmarks.clock import MARK, answer
from benchmarks.gpu import Options, due, main, rows, without_tyro
from benchmarks.gpu_rows import convolution_operations
from files.reading import read_json

FAST = {"pictures_per_second": 30.0}


def test_operations_of_convolutions_by_hand():
    images = keras.Input((10, 8, 3))
    features = keras.layers.Conv2D(8, 3, strides=2, padding="same")(images)  # 5 x 4 cells, 3 x 3 x 3 each
    features = keras.layers.DepthwiseConv2D(3, padding="valid")(features)  # 3 x 2 cells of 8 channels
    model = keras.Model(images, keras.layers.ReLU()(features))
    assert convolution_operations(model) == 2 * (5 * 4 * 27 * 8) + 2 * (3 * 2 * 9 * 8)


def test_flags_are_read_and_the_time_goes_to_the_important_first(tmp_path):
    options = Options(minutes=10.0, dataset_dir=tmp_path)
    wanted = rows(options)
    assert len({row.key for row in wanted}) == len(wanted)
    first = [row.key for row in due(wanted, set(), 0.0, options)]  # of one program
    assert first == ["ceiling bfloat16", "ceiling float32", "step ssd_300_vgg bfloat16 32"]
    assert {row.program for row in due(wanted, {*first}, 359.0, options)} == {gpu.TORCH}
    assert [row.key for row in due(wanted, {*first}, 361.0, options)] == ["train"]
    assert min(row.rank for row in due(wanted, {*first, "train"}, 361.0, options)) > gpu.TRAINING_RANK
    assert due(wanted, {*first}, 600.0, options) == []
    assert without_tyro(["--minutes=2.5", "--batch_sizes", "4", "8"]) == Options(
        minutes=2.5, batch_sizes=(4, 8)
    )


def test_out_of_memory_is_a_cell_and_larger_batches_are_not_tried(capsys):
    def measure(key):
        if key != "step a 8":
            raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 9 bytes.")
        return dict(FAST)

    answer(["step a 8", "step a 16", "step a 32"], measure, lambda: {"device": "x"})
    lines = [json.loads(line.removeprefix(MARK)) for line in capsys.readouterr().out.splitlines()]
    found = {row.pop("key"): row for row in lines}
    assert found["step a 8"] == FAST
    assert found["step a 16"]["said"] == "out of memory"
    assert found["step a 32"] == {"said": "out of memory", "not_tried_after": 16}


def test_a_second_run_measures_what_is_missing_only(tmp_path, monkeypatch):
    killed, lucky, asked = "step ssd_300_lite bfloat16 2", "detect ssd_300_lite 1", []

    def answers(batch, options, seconds):
        for row in batch:
            asked.append(row.key)
            if row.key == killed and asked.count(killed) == 1:
                raise KeyboardInterrupt  # what was measured before is in the file
            yield row.key, {"said": "needs luck"} if row.key == lucky else dict(FAST)

    monkeypatch.setattr(gpu, "answers", answers)
    monkeypatch.setattr(gpu, "find_spec", lambda name: None)  # no torchvision
    options = Options(smoke=True, output_dir=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        main(options)
    main(options)
    main(options)
    there = read_json(tmp_path / "results.json", "")["rows"]
    assert {row.key for row in rows(options)} == there.keys()
    assert {key for key in asked if asked.count(key) > 1} == {killed, lucky}
    assert (there["ceiling bfloat16"]["run"], there[killed]["run"]) == (1, 2)
    assert there["torch bfloat16 eager 1"]["said"] == "needs torchvision"
    with pytest.raises(ValueError, match="has another smoke: give another --output_dir"):
        main(Options(output_dir=tmp_path))
