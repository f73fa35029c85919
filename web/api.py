"""The JSON of the API: boxes in pixels, [xmin, ymin, xmax, ymax], counted from 0 at the picture's corner.

A request that is not served gets a status and one sentence, as JSON too, whatever went wrong.
"""

from typing import Annotated, Literal

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from starlette.exceptions import HTTPException

Pixel = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
PixelBox = Annotated[list[Pixel], Field(min_length=4, max_length=4)]
# "sure", "maybe", or "unknown": how the page says it in words.
Verdict = Literal["sure", "maybe", "unknown"]


class NameAnswer(BaseModel):
    name: str
    probability: float


class BoxAnswer(BaseModel):
    """A box, how certain its first name is, and its likeliest names, best first.

    `nobody`: probability that there is nobody. Of a found box all numbers add up to 1; of a drawn one
    those of the names do, because who drew it says that somebody is there.
    """

    box: list[float]
    verdict: Verdict
    answers: list[NameAnswer]
    nobody: float


class PictureAnswer(BaseModel):
    """One picture: its size after turning it upright, and its boxes, best first."""

    width: int
    height: int
    boxes: list[BoxAnswer]


class RecognisedPictures(BaseModel):
    pictures: list[PictureAnswer]


class ReportBox(BaseModel):
    """One box as the visitor left it.

    `name` null: not a face. `was`: what the model had said, null for a box that the visitor drew.
    """

    model_config = ConfigDict(extra="forbid")

    box: PixelBox
    name: Annotated[str, Field(min_length=1, max_length=64)] | None
    was: Annotated[str, Field(max_length=64)] | None = None


class Report(BaseModel):
    """What a visitor sends: all boxes of the picture, and the consent to keep it."""

    model_config = ConfigDict(extra="forbid")

    consent: bool
    boxes: Annotated[list[ReportBox], Field(max_length=1000)]


class ReportReceipt(BaseModel):
    """The key of the report, and whether it is new (the same report twice is one)."""

    key: str
    new: bool


class KnownName(BaseModel):
    """A name, its colour, and the probabilities from which on it is "maybe" and "sure"."""

    name: str
    colour: str
    maybe_from: float
    sure_from: float


class About(BaseModel):
    """What the page must know.

    `browser`: address of the model for the browser, null where there is none; `browser_reason` says why then:
    "off", "no runtime" or "too large". `least_ratio`: a name that is not so many times as likely as the
    second is "unknown".
    """

    network: str
    names: list[KnownName]
    show_from: float
    least_ratio: float
    max_bytes: int
    max_pixels: int
    max_boxes: int
    browser: str | None
    browser_reason: str | None
    examples: list[str]


BOXES = TypeAdapter(list[PixelBox])


class Refused(HTTPException):
    """The visitor's request is refused with a status; the sentence says why."""


def busy(sentence: str, seconds: int) -> Refused:
    """What is raised where the visitor may come back in so many seconds."""
    return Refused(503, sentence, headers={"Retry-After": str(seconds)})


def refusal(status: int, sentence: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """The answer to a refused request."""
    return JSONResponse({"error": sentence}, status, headers)


def handle_refusals(app: FastAPI) -> None:
    """Make every error of an application an answer of this kind."""

    @app.exception_handler(HTTPException)
    async def http_error(_: Request, error: HTTPException) -> JSONResponse:
        return refusal(error.status_code, str(error.detail), dict(error.headers or {}) or None)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "body")
        return refusal(422, f"{where or 'The request'}: {first['msg']}.")
