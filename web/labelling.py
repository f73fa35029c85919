"""The page for labelling: routes around `labelling.desk`, for one person or several in their browsers."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from boxes.geometry import crop_around, from_pixels, to_pixels
from datasets.labels import typed_name
from datasets.pictures import encode_picture, read_picture
from labelling.desk import CHOICES, CROPS, SHEET, Desk
from labelling.marks import UNNAMED, Head
from labelling.questions import Outcome, Question
from labelling.rounds import Learner
from visualization.colours import hex_colour
from visualization.drawing import scale_to
from web.api import PixelBox, Refused, handle_refusals, refusal
from web.options import MAX_BOXES, WebOptions
from web.pages import STATIC, add_files
from web.security import Door

_LONGEST, _CROP = 1280, 192  # pixels of a picture and of a head, as they are sent
_AROUND = 0.25  # of a head, that is shown around it
_OFTENER = 20  # than on the other page one asks here: every head of a group is a picture
_KEPT = {"Cache-Control": "private, max-age=3600"}


class Asked(BaseModel):
    """Who asks; and the question that is answered, put off or taken back, by its key."""

    model_config = ConfigDict(extra="forbid")
    who: Annotated[str, Field(min_length=8, max_length=64)]
    key: Annotated[str, Field(max_length=64)] = ""


class GroupAnswer(Asked):
    """The name of a group, "": nobody's; and the places of the tracks that are not of the group."""

    name: Annotated[str, Field(max_length=64)]
    apart: Annotated[list[int], Field(max_length=CROPS)] = []


class LabelledBox(BaseModel):
    box: PixelBox
    name: Annotated[str, Field(max_length=64)]
    difficult: bool = False


class SheetAnswer(Asked):
    """The boxes of each picture of a sheet, in the question's order."""

    pictures: Annotated[
        list[Annotated[list[LabelledBox], Field(max_length=MAX_BOXES)]], Field(max_length=SHEET)
    ]


def _desk(request: Request) -> Desk:
    return request.app.state.desk


UsesDesk = Annotated[Desk, Depends(_desk)]
router = APIRouter()


@router.get("/", include_in_schema=False)
def page():
    return FileResponse(STATIC / "label.html")


@router.get("/ready")
def ready() -> dict[str, str]:
    return {"status": "ready"}


@router.post("/api/question")
def question(asked: Asked, desk: UsesDesk) -> dict[str, Any]:
    """The next question; with a key, that one is put off before."""
    if asked.key:
        desk.put_off(asked.who, asked.key)
    return _shown(desk, asked.who)


@router.post("/api/group")
def group(answer: GroupAnswer, desk: UsesDesk) -> dict[str, Any]:
    outcome = desk.name_group(answer.who, answer.key, _name(answer.name), answer.apart)
    return _shown(desk, answer.who, outcome)


@router.post("/api/sheet")
def sheet(answer: SheetAnswer, desk: UsesDesk) -> dict[str, Any]:
    asked = desk.question(answer.who, answer.key)
    if asked is None:  # answered before: the browser did not hear of it
        return _shown(desk, answer.who, desk.confirm(answer.who, answer.key, ()))
    heads = []
    for picture, boxes in zip(asked.pictures, answer.pictures, strict=True):
        pixels = np.array([one.box for one in boxes], np.float64).reshape(-1, 4)
        inside = np.clip(pixels, 0, (picture.width, picture.height) * 2)
        if (inside[:, 2:] - inside[:, :2] < 1).any():
            raise ValueError(f"{picture.name}: a box is less than a pixel wide or high inside the picture")
        corners = from_pixels(inside, picture.height, picture.width).astype(np.float32)
        named = [(box, one) for box, one in zip(corners, boxes, strict=True) if one.name]
        heads.append([Head(box, _name(one.name), True, one.difficult) for box, one in named])
    return _shown(desk, answer.who, desk.confirm(answer.who, answer.key, heads))


@router.post("/api/undo")
def undo(asked: Asked, desk: UsesDesk) -> dict[str, Any]:
    """Takes back what this person answered last."""
    return _shown(desk, asked.who, desk.undo(asked.who))


@router.get("/api/pictures/{number}")
def picture(number: int, desk: UsesDesk, box: Annotated[list[float] | None, Query(max_length=4)] = None):
    """A picture as JPEG, or what is around a box in it, [ymin, xmin, ymax, xmax] as fractions."""
    if not 0 <= number < len(desk.pictures):
        raise Refused(404, f"There is no picture {number}.")
    image = read_picture(desk.pictures[number].path)
    if box is not None:
        corners = np.array(box)
        if corners.shape != (4,) or not ((corners >= 0) & (corners <= 1)).all():
            raise Refused(422, "box: four numbers from 0 to 1 are expected.")
        image = crop_around(image, corners, _AROUND)[0]
    longest = min(_LONGEST if box is None else _CROP, max(image.shape[:2]))
    return Response(encode_picture(scale_to(image, longest)), media_type="image/jpeg", headers=_KEPT)


def _name(given: str) -> str:
    """A name as it is stored; "" means nobody, so that one of unseen signs alone is refused."""
    name = typed_name(given)
    if given and (not name or name in UNNAMED):
        why = "it is empty, or what heads without one are called"
        raise ValueError(f"{given!r} is no name: {why}; type another")
    return name


def _shown(desk: Desk, who: str, outcome: Outcome | None = None) -> dict[str, Any]:
    """What a browser shows next."""
    asked, names = desk.ask(who), desk.names
    said: dict[str, Any] = {"progress": desk.progress(), "problems": desk.problems[-3:], "names": names}
    said["learning"] = desk.learning()
    said["changed"] = list(outcome.changed) if outcome else []
    said["kind"] = asked.kind if asked else "nothing"
    if asked is not None:
        said |= {"key": asked.key, **(_group(desk, asked) if asked.tracks else _sheet(desk, asked))}
    known = {*names, *(one["name"] for one in said.get("choices", ()))}
    known |= {box["name"] for one in said.get("pictures", ()) for box in one["boxes"]}
    return {**said, "colours": {name: hex_colour(name) for name in known if name}}


def _choices(desk: Desk, heads: list[Head]) -> list[dict[str, Any]]:
    return [{"name": name, "probability": min(chance, 1.0)} for name, chance in desk.likely(heads)[:CHOICES]]


def _group(desk: Desk, asked: Question) -> dict[str, Any]:
    places = {one: number for number, one in enumerate(desk.pictures)}
    of = {head: places[one] for one in asked.pictures for head in one.heads}
    crops = []
    for track in asked.tracks:
        middle = track[len(track) // 2]
        address = "&".join(f"box={value:.6f}" for value in middle.box.tolist())
        crops.append({"crop": f"/api/pictures/{of[middle]}?{address}", "count": len(track)})
    return {"tracks": crops, "choices": _choices(desk, [head for track in asked.tracks for head in track])}


def _sheet(desk: Desk, asked: Question) -> dict[str, Any]:
    places, shown = {one: number for number, one in enumerate(desk.pictures)}, []
    for one in asked.pictures:
        boxes = []
        corners = to_pixels(desk.boxes_of(one), one.height, one.width).round(1).tolist()
        for head, box in zip(one.heads, corners, strict=True):
            choices = [] if head.named else _choices(desk, [head])
            boxes.append(
                {"box": box, "name": desk.guess(head), "named": head.named, "difficult": head.difficult}
            )
            boxes[-1]["choices"] = choices
        shown.append({"name": one.name, "width": one.width, "height": one.height, "boxes": boxes})
        shown[-1]["image"] = f"/api/pictures/{places[one]}"
    return {"pictures": shown}


def create_app(desk: Desk, options: WebOptions) -> FastAPI:
    """The application."""

    @asynccontextmanager
    async def running(_: FastAPI):
        if not options.train or options.dataset_dir is None:
            yield
            return
        with Learner(options.dataset_dir, lambda: int(desk.progress()["done"])) as learner:
            desk.learning = learner.says
            yield

    app = FastAPI(
        title="Labelling", version="1", lifespan=running, docs_url=None, redoc_url=None, openapi_url=None
    )
    app.state.desk = desk
    handle_refusals(app)

    @app.exception_handler(ValueError)
    async def wrong(_: Request, error: ValueError):
        return refusal(409, str(error))

    app.include_router(router)
    add_files(app, desk.names)
    often = replace(options, requests_per_minute=_OFTENER * options.requests_per_minute)
    app.add_middleware(Door, options=often)
    return app
