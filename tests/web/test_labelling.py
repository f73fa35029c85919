"""The page for labelling: what it is sent, and a drawn episode labelled by keys alone in Chromium."""

import itertools
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from starlette.testclient import TestClient

from boxes.geometry import from_pixels, iou
from datasets.annotations import ReadOptions, read_folder
from datasets.drawn.crowd import labelled_heads
from datasets.drawn_video import FilmOptions, heads_in
from datasets.pictures import save_picture
from labelling.drafts import write_draft
from tests.labelling.test_desk import PICTURES, make_set, opened
from tests.video.small_videos import frame_at
from tests.web.in_chromium import needs_chromium, open_page, serving
from web.labelling import create_app
from web.options import WebOptions

ME = {"who": "somebody"}
SHOWN = "() => [...document.querySelectorAll('.sheet img')].every(one => one.complete)"


@pytest.fixture
def client(tmp_path):
    app = create_app(opened(make_set(tmp_path)), WebOptions(dataset_dir=tmp_path))
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        yield client


def test_questions_and_answers_over_http(client, tmp_path) -> None:
    question = client.post("/api/question", json=ME).json()
    assert (question["kind"], question["choices"]) == ("group", [])
    crop = client.get(question["tracks"][0]["crop"])
    assert (crop.status_code, crop.headers["content-type"]) == (200, "image/jpeg")
    for name in ("\u200b", "head"):  # nothing to be seen; what heads without a name are called
        no_name = {**ME, "key": question["key"], "name": name}
        assert client.post("/api/group", json=no_name).status_code == 409
    question = client.post("/api/group", json={**ME, "key": question["key"], "name": "Mira"}).json()
    question = client.post("/api/group", json={**ME, "key": question["key"], "name": "Tobi"}).json()
    assert question["kind"] == "sheet"
    boxes = question["pictures"][0]["boxes"]
    assert sorted((box["name"], box["named"]) for box in boxes) == [("Mira", True), ("Tobi", True)]
    pictures = [
        [{"box": box["box"], "name": box["name"]} for box in one["boxes"]] for one in question["pictures"]
    ]
    answer = {**ME, "key": question["key"], "pictures": pictures}
    tiny = client.post("/api/sheet", json={**answer, "pictures": [[{"box": [1, 1, 1.5, 9], "name": "x"}]]})
    assert (tiny.status_code, tiny.json()["error"][:12]) == (409, "ep_0000.png:")
    for _ in range(2):  # an answer that comes again, since the browser heard nothing
        done = client.post("/api/sheet", json=answer).json()
        assert (done["kind"], done["progress"]["done"]) == ("nothing", PICTURES)
    assert client.post("/api/undo", json=ME).json()["progress"]["done"] == 0
    assert client.post("/api/question", json={"who": "x"}).status_code == 422
    assert client.get("/api/pictures/99").status_code == 404
    assert client.get("/api/pictures/0?box=0&box=0&box=2&box=1").status_code == 422


class Keyboard:
    """Somebody who knows who is who, and counts the keys: a name that is typed is one."""

    def __init__(self, page, truth):
        self.page, self.truth, self.pressed, self.answers = page, truth, 0, []
        page.on("response", lambda answer: answer.request.method == "POST" and self.answers.append(answer))

    def press(self, key: str, times: int = 1) -> None:
        for _ in range(times):
            self.page.keyboard.press(key)
        self.pressed += times

    def who(self, number: int, box) -> str:
        boxes, names = self.truth[number]
        return names[int(np.asarray(iou(np.array([box], np.float32), boxes))[0].argmax())]

    def name(self, name: str, choices) -> None:
        known = [choice["name"] for choice in choices if choice["name"]]
        if name in known:
            self.press(str(known.index(name) + 1))
        else:
            self.press("Enter")
            self.page.keyboard.type(name)
            self.press("Enter")

    def answer_group(self, question) -> None:
        people = []
        for track in question["tracks"]:
            address = urlsplit(track["crop"])
            people.append(
                self.who(int(address.path.rsplit("/", 1)[1]), [*map(float, parse_qs(address.query)["box"])])
            )
        name, at = max(people, key=people.count), -1
        for number, other in enumerate(people):
            if other != name:
                self.press("Tab", number - at)
                self.press("Delete")
                at = number
        if question["choices"] and question["choices"][0]["name"] == name:
            self.press("Space")
        else:
            self.name(name, question["choices"])

    def answer_sheet(self, question) -> None:
        at = -1
        boxes = [(one, box) for one in question["pictures"] for box in one["boxes"]]
        for number, (one, box) in enumerate(boxes):
            left, top, right, bottom = box["box"]
            corners = [top / one["height"], left / one["width"], bottom / one["height"], right / one["width"]]
            name = self.who(int(one["image"].rsplit("/", 1)[1]), corners)
            if box["name"] != name:
                self.press("Tab", number - at)
                self.name(name, [choice for choice in box["choices"] if choice["name"]])
                at = number
        self.press("Space")


@needs_chromium
@pytest.mark.parametrize("people", [1, 2])
def test_a_drawn_episode_is_labelled_by_keys_alone(tmp_path: Path, chromium, people) -> None:
    film, truth = FilmOptions(Path("film.mp4")), []
    for folder in ("JPEGImages", "Annotations"):
        (tmp_path / folder).mkdir()
    for second in np.arange(0, 14, 0.5):
        image = frame_at(film, float(second))
        height, width = image.shape[:2]
        objects = labelled_heads(heads_in(film, float(second)), width, height)
        path = tmp_path / "JPEGImages" / f"episode17_{int(1000 * second):07}.jpg"
        save_picture(path, image)
        xml, heads = path.stem + ".xml", [replace(one, name="head") for one in objects]
        write_draft(tmp_path / "Annotations" / xml, path, width, height, heads)
        boxes = from_pixels(np.array([one.box for one in objects], float).reshape(-1, 4), height, width)
        truth.append((boxes.astype(np.float32), [one.name for one in objects]))
    with (
        serving(tmp_path / "inbox", "--dataset_dir", str(tmp_path), "--train") as address,
        ExitStack() as pages,
    ):
        windows = [
            pages.enter_context(open_page(chromium, "about:blank", ready=False)) for _ in range(people)
        ]
        everybody = [Keyboard(page, truth) for page in windows]
        for page in windows:
            page.goto(address)
        for turn in itertools.count():
            number, person = 1 + turn // people, everybody[turn % people]
            page = person.page
            for _ in range(500):
                if len(person.answers) < number:
                    page.wait_for_timeout(20)
            assert len(person.answers) == number, "the key was not heard"
            question = person.answers[number - 1].json()
            page.wait_for_function("key => document.body.dataset.asked === key", arg=question.get("key", ""))
            if question["kind"] == "nothing" and question["progress"]["done"] == len(truth):
                assert page.inner_text("#asked") == "All pictures are labelled."
                break
            page.wait_for_function(SHOWN)
            assert page.inner_text("#learning") == "A detector begins to learn at 30 labelled pictures."
            if question["kind"] == "nothing":  # others have what is left
                person.press("ArrowRight")
                continue
            (person.answer_group if question["kind"] == "group" else person.answer_sheet)(question)
    found = read_folder(tmp_path, ReadOptions()).annotations
    assert [sorted(one.names) for one in found] == [sorted(names) for _, names in truth]
    boxes = sum(len(names) for _, names in truth)
    assert boxes > 30
    pressed = sum(one.pressed for one in everybody)
    assert pressed <= 0.6 * boxes, f"{pressed} keys for {boxes} boxes"
    assert all(one.pressed for one in everybody)
