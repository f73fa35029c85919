"""Routes that take pictures, within limits: who is in one, and what a visitor says is wrong."""

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, File, Form, Response, UploadFile
from pydantic import Json, ValidationError

from boxes.geometry import from_pixels, to_pixels
from datasets.inbox import ReportedBox
from datasets.labels import typed_name
from datasets.pictures import PictureError, decode_picture
from nets.postprocess import Look
from web.api import BOXES, PictureAnswer, RecognisedPictures, Refused, Report, ReportBox, ReportReceipt, busy
from web.observing import LOGGER
from web.options import MAX_BOXES, MAX_PICTURES, MAX_PIXELS
from web.services import Services, UsesServices
from web.verdicts import Answers, answers_for, answers_found, told

router = APIRouter(prefix="/api")

_ANY_ERROR = {"description": "Refused; `error` is one sentence that says why"}
_REFUSALS: dict[int | str, dict[str, Any]] = dict.fromkeys(
    (400, 401, 403, 408, 413, 415, 421, 422, 429, 503), _ANY_ERROR
)


@router.post("/detections", response_model=RecognisedPictures, responses=_REFUSALS, tags=["recognition"])
async def detections(pictures: Annotated[list[UploadFile], File()], services: UsesServices):
    """Find everybody in one or several pictures, and say the likeliest names of each."""
    images = await _decoded(pictures, services)
    seen = zip(images, await _looks(images, services), strict=True)
    found = ((image, answers_found(look, services.show_from)) for image, look in seen)
    return RecognisedPictures(pictures=[_picture_answer(*one, services) for one in found])


@router.post("/answers", response_model=PictureAnswer, responses=_REFUSALS, tags=["recognition"])
async def answers(picture: UploadFile, boxes: Annotated[str, Form()], services: UsesServices):
    """The likeliest names for given boxes of a picture.

    `boxes`: JSON, a list of [xmin, ymin, xmax, ymax] in pixels.
    """
    try:
        pixels = np.array(BOXES.validate_json(boxes), np.float64).reshape(-1, 4)
    except ValidationError:
        raise Refused(422, "boxes: a JSON list of [xmin, ymin, xmax, ymax] in pixels is expected.") from None
    _limit(len(pixels), MAX_BOXES, "boxes")
    images = await _decoded([picture], services)
    height, width = images[0].shape[:2]
    clipped = np.clip(pixels, 0, [width, height, width, height])
    if not (clipped[:, :2] < clipped[:, 2:]).all():
        raise Refused(422, f"boxes: each needs min < max inside the picture of {width} x {height} pixels.")
    fractions = from_pixels(clipped, height, width)
    (look,) = await _looks(images, services)
    said = answers_for(look, fractions)
    # Who drew a box says that somebody is there: names are shares of all names.
    nobody, names = np.split(said.probabilities, [1], axis=1)
    shares = names / np.maximum(names.sum(axis=1, keepdims=True), 1e-9)
    said = Answers(said.boxes, np.concatenate([nobody, shares], axis=1))
    return _picture_answer(images[0], said, services)


@router.post(
    "/reports",
    response_model=ReportReceipt,
    status_code=201,
    responses={200: {}, **_REFUSALS},
    tags=["feedback"],
)
async def reports(
    picture: UploadFile, report: Annotated[Json[Report], Form()], response: Response, services: UsesServices
):
    """Keep a picture with the visitor's boxes for a person to look at.

    `report`: JSON, {"consent": true, "boxes": [{"box": [xmin, ymin, xmax, ymax], "name": ..., "was": ...}]}.
    The picture is kept re-encoded, without its metadata. 201: new; 200: the same report was there already.
    """
    if not report.consent:
        raise Refused(422, "Without your consent the picture is not kept, so there is nothing to report.")
    _limit(len(report.boxes), MAX_BOXES, "boxes")
    (image,) = await _decoded([picture], services)
    boxes = [_in_picture(one, image.shape[1], image.shape[0]) for one in report.boxes]
    try:  # the answer goes out when the report is on the disk, not before
        key, new = await services.in_worker(services.inbox.add, image, boxes, services.network)
    except OSError:  # the disk is full or away
        LOGGER.exception("report not kept")
        raise busy("The report could not be kept; try again in a minute.", 60) from None
    response.status_code = 201 if new else 200
    return ReportReceipt(key=key, new=new)


def _limit(count: int, most: int, what: str) -> None:
    if count > most:
        raise Refused(413, f"{count} {what}; at most {most} are taken at once.")


async def _decoded(uploads: Sequence[UploadFile], services: Services) -> list[np.ndarray]:
    """All pictures of a request, decoded one after the other in a worker thread."""
    _limit(len(uploads), MAX_PICTURES, "pictures in one request")
    return [await services.in_worker(_decode, await upload.read()) for upload in uploads]


def _decode(data: bytes) -> np.ndarray:
    """A picture, upright, uint8 [H, W, 3] RGB, within limits that hold before anything is decoded."""
    if not data:
        raise Refused(415, "The picture is empty.")
    try:
        return decode_picture(data, max_pixels=MAX_PIXELS)
    except PictureError as error:
        if error.action == "refused":
            most = f"at most {MAX_PIXELS / 1e6:g} million are taken."
            raise Refused(413, f"The picture has too many pixels; {most}") from None
        cure = "send a whole JPEG, PNG, WebP or BMP"
        raise Refused(415, f"This is not a picture that can be read; {cure}.") from None


async def _looks(images: Sequence[np.ndarray], services: Services) -> list[Look]:
    prepare = services.detector.prepare
    return await services.batcher([await services.in_worker(prepare, image) for image in images])


def _picture_answer(image: np.ndarray, found: Answers, services: Services) -> PictureAnswer:
    """What is told of a picture [H, W, 3]."""
    height, width = image.shape[:2]
    labels, of = services.detector.labels, services.verdicts.of
    pixels = to_pixels(found.boxes, height, width).tolist()
    boxes = [
        told(box, of(labels, names), labels, names, nobody=nobody)
        for box, (nobody, *names) in zip(pixels, found.probabilities.tolist(), strict=True)
    ]
    return PictureAnswer(width=width, height=height, boxes=boxes)


def _in_picture(said: ReportBox, width: int, height: int) -> ReportedBox:
    """A box as LabelImg counts, from 1; Refused where none of it is inside, or its name is not plain text."""
    left, top, right, bottom = (round(value) for value in said.box)
    box = (max(left, 1), max(top, 1), min(right, width), min(bottom, height))
    if not (box[0] < box[2] and box[1] < box[3]):
        raise Refused(422, f"A box needs min < max inside the picture of {width} x {height} pixels.")
    return ReportedBox(box, _plain(said.name), _plain(said.was))


def _plain(name: str | None) -> str | None:
    """A name as it is stored: text in any script; it becomes an element of an XML file, never a path."""
    if name is None:
        return None
    if not (cleaned := typed_name(name)):
        raise Refused(422, "A name is text that can be seen, without control characters.")
    return cleaned
