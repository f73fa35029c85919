"""Routes that say who is in a picture."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, File, Form, UploadFile
from pydantic import ValidationError

from boxes.pixels import from_pixels, to_pixels
from nets.recogniser import Answers
from web.pictures import decode_uploads
from web.refusals import Refused
from web.services import Services, UsesServices
from web.shapes import BOXES, BoxAnswer, NameAnswer, PictureAnswer, RecognisedPictures

router = APIRouter(prefix="/api", tags=["recognition"])

LIKELIEST = 5
_ANY_ERROR = {"description": "Refused; `error` is one sentence that says why"}
REFUSALS: dict[int | str, dict[str, Any]] = dict.fromkeys(
    (400, 401, 403, 408, 413, 415, 421, 422, 429, 503), _ANY_ERROR
)


@router.post("/detections", response_model=RecognisedPictures, responses=REFUSALS)
async def detections(pictures: Annotated[list[UploadFile], File()], services: UsesServices):
    """Find everybody in one or several pictures, and say the likeliest names of each."""
    images = await decode_uploads(pictures, services.options.limits, services.workers)
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
    limits = services.options.limits
    if len(pixels) > limits.max_boxes:
        raise Refused(413, f"{len(pixels)} boxes; at most {limits.max_boxes} are taken at once.")
    images = await decode_uploads([picture], limits, services.workers)
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


async def _prepared(images: list[np.ndarray], services: Services) -> list[np.ndarray]:
    loop = asyncio.get_running_loop()
    return [
        await loop.run_in_executor(services.workers, services.recogniser.prepare, image) for image in images
    ]


def given_somebody(answers: Answers) -> Answers:
    """The same with names as shares of all names: who drew a box says that somebody is there."""
    nobody, names = np.split(answers.probabilities, [1], axis=1)
    shares = names / np.maximum(names.sum(axis=1, keepdims=True), 1e-9)
    return Answers(answers.boxes, np.concatenate([nobody, shares], axis=1))


def picture_answer(shape: tuple[int, ...], found: Answers, services: Services) -> PictureAnswer:
    """Boxes in pixels to a tenth, names in the order of their probability."""
    height, width = shape[:2]
    labels = services.recogniser.labels
    pixels = to_pixels(found.boxes, height, width)
    boxes = []
    for box, row in zip(pixels.tolist(), found.probabilities.tolist(), strict=True):
        best = sorted(range(1, len(row)), key=lambda number: -row[number])[:LIKELIEST]
        boxes.append(
            BoxAnswer(
                box=[round(value, 1) for value in box],
                verdict=services.verdicts.of(labels, row[1:]),
                answers=[NameAnswer(name=labels[n - 1], probability=round(row[n], 4)) for n in best],
                nobody=round(row[0], 4),
            )
        )
    return PictureAnswer(width=width, height=height, boxes=boxes)
