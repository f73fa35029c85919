"""Measuring a model on records: a network that sees colours, pictures whose results are known."""

import numpy as np
import pytest

from datasets.new_labels import write_labels
from datasets.records import open_dataset
from engine.evaluation import evaluate_model, read_pictures
from tests.engine.colour_network import BLACK, NETWORK, picture, write_records

LABELS = ("千反田", "折木", "里志")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Five pictures: right; wrong name; nothing there; difficult and missed; a false alarm."""
    folder = tmp_path_factory.mktemp("records")
    write_labels(folder / "labels.txt", LABELS)
    pictures = [
        ("a.jpg", picture((1, 0.9), BLACK, BLACK, (2, 0.8)), [(1, "千反田", 0, 0), (2, "折木", 3, 0)]),
        ("b.jpg", picture((1, 0.7)), [(2, "折木", 0, 0)]),
        ("空.jpg", picture(height=24, width=100), []),
        ("d.jpg", picture(BLACK, (2, 0.6)), [(2, "折木", 1, 1), (1, "千反田", 2, 0)]),
        ("e.jpg", picture(BLACK, BLACK, (1, 0.95)), []),
    ]
    write_records(folder / "test_000.tfrecord", pictures)
    return open_dataset(folder)


def evaluated(dataset, batch_size=2, model=None, **more):
    model = model or NETWORK.build(4)
    return evaluate_model(model, NETWORK, dataset, "test", batch_size=batch_size, **more)


@pytest.mark.parametrize("batch_size", [1, 2, 5, 8])
def test_known_answers_whatever_the_batch_size(dataset, batch_size):
    seen = []
    evaluation = evaluated(dataset, batch_size, progress=lambda *said: seen.append(said))
    assert seen[-1] == ("Detecting", 5, 5)
    assert evaluation.filenames == ("a.jpg", "b.jpg", "空.jpg", "d.jpg", "e.jpg")
    assert evaluation.sizes[2] == (24, 100)
    assert evaluation.ground_truths[3].names == ("折木", "千反田")
    assert evaluation.ground_truths[3].difficult.tolist() == [True, False]
    first = evaluation.detections[0]
    assert first.names == ("千反田", "折木")
    np.testing.assert_allclose(first.boxes, [(0, 0, 0.5, 0.5), (0.5, 0.5, 1, 1)], atol=1e-6)
    # 千反田, best first: wrong (e), right (a), wrong (b), of two objects: precision 0, 1/2, 1/3.
    # 折木: right (a), the difficult one does not count, of two objects.
    result = evaluation.result
    assert result.ap_voc12 == {"千反田": pytest.approx(1 / 4), "折木": pytest.approx(1 / 2), "里志": None}
    assert result.map_voc12 == pytest.approx((1 / 4 + 1 / 2) / 2)
    assert result.map_voc07 == pytest.approx((6 / 11 * 1 / 2 + 6 / 11) / 2)


@pytest.mark.tensorflow_only  # on JAX a DetectionModel that is not jitted has no graph
def test_graph_is_made_once_for_several_measurements(dataset):
    traces = []
    model = NETWORK.build(4)
    call = model.call
    model.call = lambda *args, **kwargs: (traces.append(1), call(*args, **kwargs))[1]
    for _ in range(2):
        evaluated(dataset, model=model)
    after_two = len(traces)
    model.get_layer("logits_conv").set_weights([np.zeros((1, 1, 3, 4)), np.zeros(4)])
    changed = evaluated(dataset, model=model)
    assert len(traces) == after_two > 0
    assert changed.detections[0].scores.max() == pytest.approx(0.25)  # the new weights are used


def test_speed_is_measured_without_the_first_batch(dataset):
    timing = evaluated(dataset).timing
    assert timing.pictures == 3
    assert 0 <= timing.waiting <= timing.seconds > 0
    assert evaluated(dataset, batch_size=5).timing.pictures == 0


def test_pictures_to_draw_on_have_their_own_proportions(dataset):
    pictures = read_pictures(dataset, "test", [2, 0], longest=24)
    assert {number: image.shape for number, image in pictures.items()} == {0: (16, 24, 3), 2: (6, 24, 3)}
    assert pictures[0].dtype == np.uint8
    np.testing.assert_allclose(pictures[0][2, 2], [230, 0, 0], atol=6)
    assert read_pictures(dataset, "test", [], longest=24) == {}
