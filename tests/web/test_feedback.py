import io
import json

import pytest
from PIL import Image

from datasets.voc import read_xml
from tests.conftest import tables
from tests.web.conftest import picture

MIRA = {"box": [0, 0, 40.4, 30], "name": "Mira", "was": "Tobi"}


def send(client, boxes, file=None, consent=True):
    report = json.dumps({"consent": consent, "boxes": boxes})
    files = {"picture": picture() if file is None else file}
    return client.post("/api/reports", files=files, data={"report": report})


def test_a_report_is_kept_once(client, inbox):
    nobody = {"box": [50, 10, 70, 30], "name": None, "was": "Mira"}
    first = send(client, [MIRA, nobody])
    assert first.status_code == 201
    again = send(client, [MIRA, nobody])
    assert (again.status_code, again.json()) == (200, {"key": first.json()["key"], "new": False})
    raw = read_xml(inbox.path(first.json()["key"], ".xml"))
    assert [(one.name, one.box) for one in raw.objects] == [("Mira", ("1", "1", "40", "30"))]
    assert not raw.verified


def test_the_picture_is_kept_without_its_metadata(client, inbox):
    exif = Image.Exif()
    exif[0x010E] = "my home address"
    exif[0x0112] = 6
    file = picture(kind="JPEG", exif=exif.tobytes(), comment=b"my home address")
    key = send(client, [{"box": [0, 0, 40, 30], "name": "Mira"}], file).json()["key"]
    kept = inbox.path(key, ".jpg").read_bytes()
    assert b"home address" in file
    assert b"home address" not in kept
    with Image.open(io.BytesIO(kept)) as image:
        assert not image.getexif()
        assert image.size == (60, 80)  # upright, which the lost orientation would have told


@pytest.mark.parametrize("name", tables(__file__)["odd_names"])
def test_names_are_text_never_paths(client, inbox, name):
    before = set(inbox.folder.parent.rglob("*"))
    answer = send(client, [{"box": [0, 0, 40, 30], "name": name}])
    assert answer.status_code == 201
    key = answer.json()["key"]
    assert read_xml(inbox.path(key, ".xml")).objects[0].name == name
    assert [one.names for one in inbox.reports()] == [(name,)]
    new = set(inbox.folder.parent.rglob("*")) - before
    assert {path.name for path in new} == {f"{key}{suffix}" for suffix in (".jpg", ".json", ".xml")}


@pytest.mark.parametrize(("boxes", "sentence"), tables(__file__)["report_mistakes"])
def test_reports_that_make_no_sense(client, inbox, boxes, sentence):
    answer = send(client, boxes)
    assert answer.status_code == 422
    assert answer.json()["error"].startswith(sentence)
    assert not list((inbox.folder / "pending").iterdir())


def test_without_consent_a_picture_or_with_too_many_boxes_nothing_is_kept(client, inbox):
    answer = send(client, [MIRA], consent=False)
    assert answer.status_code == 422
    assert "consent" in answer.json()["error"]
    assert send(client, [MIRA], b"no").status_code == 415
    assert send(client, [MIRA] * 101).status_code == 413
    assert inbox.reports() == []
