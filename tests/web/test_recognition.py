import asyncio
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.conftest import tables
from tests.datasets.one_of_everything import png_bomb
from tests.web.conftest import ask, find, picture
from web.services import Batcher


def test_finds_with_the_likeliest_names_in_words_and_numbers(client):
    found, nobody = find(client, picture(), picture(value=0)).json()["pictures"]
    assert (found["width"], found["height"]) == (80, 60)
    assert nobody["boxes"] == []
    (box,) = found["boxes"]
    assert box["box"] == [0, 0, 40, 30]
    assert box["verdict"] == "sure"
    assert [one["name"] for one in box["answers"]] == ["Mira", "千反田える", "Tobi"]
    assert sum(one["probability"] for one in box["answers"]) + box["nobody"] == pytest.approx(1, abs=1e-3)


def test_answers_for_boxes_that_somebody_drew(client):
    answer = ask(client, [[40, 30, 80, 60], [-5, 0, 40, 30]]).json()
    assert [box["verdict"] for box in answer["boxes"]] == ["maybe", "sure"]
    # Nobody has 0.4, which does not count in a box that somebody drew.
    assert answer["boxes"][0]["answers"][0] == {"name": "千反田える", "probability": 0.5}
    assert answer["boxes"][0]["nobody"] == 0.4
    assert answer["boxes"][1]["box"] == [0, 0, 40, 30]  # clipped
    assert ask(client, [[90, 0, 95, 10]]).json()["error"].endswith("inside the picture of 80 x 60 pixels.")


TABLES = tables(__file__)
UNREADABLE = "This is not a picture that can be read; send a whole JPEG, PNG, WebP or BMP."


@pytest.mark.parametrize(
    ("data", "status", "sentence"),
    [
        (b"", 415, "The picture is empty."),
        (b"hello", 415, UNREADABLE),
        (picture()[:50], 415, UNREADABLE),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, UNREADABLE),
        (png_bomb(5_001, 5_001), 413, "The picture has too many pixels; at most 25 million are taken."),
    ],
)
def test_what_is_no_picture_is_refused_in_one_sentence(client, detector, data, status, sentence):
    before = len(detector.batches)
    for answer in (find(client, data), ask(client, [], data)):
        assert (answer.status_code, answer.json()["error"]) == (status, sentence)
    assert len(detector.batches) == before


def test_any_bytes_are_a_4xx(client, rng):
    whole = [picture(), picture(kind="JPEG"), picture(kind="WEBP"), picture(kind="BMP")]
    for _ in range(100):
        data = bytearray(whole[rng.integers(4)])
        for position in rng.integers(0, len(data), rng.integers(1, 8)):
            data[position] = rng.integers(256)
        data = bytes(data[: rng.integers(1, len(data) + 1)])
        answer = find(client, data)
        assert answer.status_code in (200, 413, 415), data.hex()
        if answer.status_code != 200:
            assert answer.json()["error"].count(".") == 1


@pytest.mark.parametrize("boxes", [*TABLES["no_boxes"], "[" * 5000])
def test_boxes_that_are_none(client, boxes):
    answer = client.post("/api/answers", files={"picture": picture()}, data={"boxes": boxes})
    assert answer.status_code == 422
    assert "boxes" in answer.json()["error"]


def test_counts_and_bytes_are_limited_whether_announced_or_not(client):
    answer = find(client, *[picture()] * 9)
    assert (answer.status_code, answer.json()["error"][:10]) == (413, "9 pictures")
    answer = ask(client, [[0, 0, 9, 9]] * 101)
    assert (answer.status_code, answer.json()["error"][:9]) == (413, "101 boxes")
    noise = np.random.default_rng(0).bytes(20_000_001)
    assert find(client, noise).status_code == 413
    start = b'--x\r\nContent-Disposition: form-data; name="pictures"; filename="a"\r\n\r\n'
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = client.post("/api/detections", content=iter([start, noise]), headers=kind)  # without a length
    assert answer.status_code == 413
    assert answer.json()["error"] == "The request is too large; at most 20 MB are taken."


@pytest.mark.parametrize(("body", "kind"), [*TABLES["bodies"], ("\xff" * 300, "text/plain")])
def test_any_body_is_a_4xx(client, body, kind):
    for path in ("/api/detections", "/api/answers", "/api/reports"):
        answer = client.post(path, content=body.encode("latin-1"), headers={"Content-Type": kind})
        assert 400 <= answer.status_code < 500
        assert answer.json()["error"]


def test_concurrent_requests_share_batches_of_limited_size(client, detector):
    detector.batches.clear()
    detector.go.clear()
    with ThreadPoolExecutor(11) as pool:
        first = pool.submit(find, client, picture())
        while detector.waiting == 0:
            pass
        rest = [pool.submit(find, client, picture(value=value)) for value in (200, 0) * 5]
        while client.app.state.services.batcher.waiting < 10:
            pass
        detector.go.set()
        answers = [one.result() for one in [first, *rest]]
    assert [len(answer.json()["pictures"][0]["boxes"]) for answer in answers] == [1, *(1, 0) * 5]
    assert detector.batches == [1, 8, 2]


def test_a_visitor_who_left_is_passed_over():
    seen = []

    def work(items):
        seen.extend(items)
        return items

    batcher = Batcher(work, batch_size=4, max_waiting=9)

    async def run():
        gone = asyncio.create_task(batcher(["gone"]))
        stays = asyncio.create_task(batcher(["stays"]))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        working = asyncio.create_task(batcher.run())
        assert await stays == ["stays"]
        batcher.close()
        await working

    asyncio.run(run())
    assert seen == ["stays"]


def test_too_many_wait(serve, detector):
    client = serve(max_waiting=8, batch_size=1)
    detector.go.clear()
    with ThreadPoolExecutor(20) as pool:
        answers = [pool.submit(find, client, picture()) for _ in range(20)]
        while not any(answer.done() for answer in answers):
            pass
        detector.go.set()
        codes = [answer.result().status_code for answer in answers]
    assert set(codes) == {200, 503}


def test_a_failure_of_the_network_is_one_sentence_and_the_server_goes_on(client, detector, capsys):
    detector.fails = True
    answer = find(client, picture())
    assert answer.status_code == 500
    assert answer.json()["error"] == "Something went wrong in the server; its log has the details."
    detector.fails = False
    assert find(client, picture()).status_code == 200
