"""Routes that say who is in a picture: from uploaded bytes, within limits, to names for boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, File, Form, UploadFile
from pydantic import ValidationError

from boxes.pixels import from_pixels, to_pixels
from datasets.pictures import PictureError, decode_picture
from nets.detector import Answers
from web.api import BOXES, PictureAnswer, RecognisedPictures
from web.options import MAX_BOXES, MAX_PICTURES, MAX_PIXELS
from web.refusals import Refused
from web.services import Services, UsesServices
from web.verdicts import told

router = APIRouter(prefix="/api", tags=["recognition"])

_ANY_ERROR = {"description": "Refused; `error` is one sentence that says why"}
REFUSALS: dict[int | str, dict[str, Any]] = dict.fromkeys(
    (400, 401, 403, 408, 413, 415, 421, 422, 429, 503), _ANY_ERROR
)


@router.post("/detections", response_model=RecognisedPictures, responses=REFUSALS)
async def detections(pictures: Annotated[list[UploadFile], File()], services: UsesServices):
    """Find everybody in one or several pictures, and say the likeliest names of each."""
    images = await decode_uploads(pictures, services)
    looks = await services.batcher(await _prepared(images, services))
    found = [look.found(services.show_from) for look in looks]
    return RecognisedPictures(
        pictures=[
            picture_answer(image.shape, answers, services)
            for image, answers in zip(images, found, strict=True)
        ]
    )


@router.post("/answers", response_model=PictureAnswer, responses=REFUSALS)
async def answers(picture: UploadFile, boxes: Annotated[str, Form()], services: UsesServices):
    """The likeliest names for given boxes of a picture.

    `boxes`: JSON, a list of [xmin, ymin, xmax, ymax] in pixels.
    """
    try:
        pixels = np.array(BOXES.validate_json(boxes), np.float64).reshape(-1, 4)
    except ValidationError:
        raise Refused(422, "boxes: a JSON list of [xmin, ymin, xmax, ymax] in pixels is expected.") from None
    if len(pixels) > MAX_BOXES:
        raise Refused(413, f"{len(pixels)} boxes; at most {MAX_BOXES} are taken at once.")
    images = await decode_uploads([picture], services)
    height, width = images[0].shape[:2]
    clipped = np.clip(pixels, 0, [width, height, width, height])
    if not (clipped[:, :2] < clipped[:, 2:]).all():
        raise Refused(422, f"boxes: each needs min < max inside the picture of {width} x {height} pixels.")
    fractions = from_pixels(clipped, height, width)
    if services.drawn_boxes is not None:
        return await services.drawn_boxes(images[0], fractions)
    (look,) = await services.batcher(await _prepared(images, services))
    said = given_somebody(look.answers(fractions.astype(np.float32)))
    return picture_answer(images[0].shape, said, services)


def decode_upload(data: bytes) -> np.ndarray:
    """The pixels of an uploaded picture, upright, within limits that hold before anything is decoded.

    Returns:
        uint8 [H, W, 3] RGB.

    Raises:
        Refused: empty, not a picture, damaged, or too large.
    """
    if not data:
        raise Refused(415, "The picture is empty.")
    try:
        return decode_picture(data, max_pixels=MAX_PIXELS)
    except PictureError as error:
        if error.action == "refused":
            most = f"at most {MAX_PIXELS / 1e6:g} million are taken."
            raise Refused(413, f"The picture has too many pixels; {most}") from None
        raise Refused(
            415, "This is not a picture that can be read; send a whole JPEG, PNG, WebP or BMP."
        ) from None


async def decode_uploads(uploads: Sequence[UploadFile], services: Services) -> list[np.ndarray]:
    """All pictures of a request, decoded one after the other in a worker thread.

    Raises:
        Refused: too many of them, or one that `decode_upload` refuses.
    """
    if len(uploads) > MAX_PICTURES:
        sentence = f"{len(uploads)} pictures in one request; at most {MAX_PICTURES} are taken at once."
        raise Refused(413, sentence)
    return [await services.in_worker(decode_upload, await upload.read()) for upload in uploads]


async def _prepared(images: list[np.ndarray], services: Services) -> list[np.ndarray]:
    return [await services.in_worker(services.detector.prepare, image) for image in images]


def given_somebody(answers: Answers) -> Answers:
    """The same with names as shares of all names: who drew a box says that somebody is there."""
    nobody, names = np.split(answers.probabilities, [1], axis=1)
    shares = names / np.maximum(names.sum(axis=1, keepdims=True), 1e-9)
    return Answers(answers.boxes, np.concatenate([nobody, shares], axis=1))


def picture_answer(shape: tuple[int, ...], found: Answers, services: Services) -> PictureAnswer:
    """What is told of a picture [H, W, 3]."""
    height, width = shape[:2]
    labels, of = services.detector.labels, services.verdicts.of
    pixels = to_pixels(found.boxes, height, width).tolist()
    boxes = [
        told(box, of(labels, names), labels, names, nobody=nobody)
        for box, (nobody, *names) in zip(pixels, found.probabilities.tolist(), strict=True)
    ]
    return PictureAnswer(width=width, height=height, boxes=boxes)
