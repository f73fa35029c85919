"""A scene: who stands where, what of each head can be seen, and the finished picture."""

import math
import random
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import skia

from datasets.drawing.backgrounds import BACKGROUNDS
from datasets.drawing.cast import CAST, Person, make_stranger
from datasets.drawing.clothes import FEET, POSES
from datasets.drawing.colours import BLACK, INK, WHITE, argb, mix
from datasets.drawing.curves import oval
from datasets.drawing.episodes import LIGHTS, Episode, Light
from datasets.drawing.face import EXPRESSIONS
from datasets.drawing.figure import Pose, body_matrix, bounds, draw_figure, head_outlines, other_outlines
from datasets.drawing.props import PROPS, Prop

SIZES: tuple[tuple[int, int], ...] = ((512, 512), (640, 360), (480, 640))
SMALLEST_HEAD, LARGEST_HEAD = 0.08, 0.80  # height of a head, as a fraction of the picture's
NEARLY_HIDDEN = 0.20  # a named head of which less can be seen is not placed: nobody would label it
HARD_TO_SEE = 0.45  # below this share a head is labelled difficult
NO_GROUND = ("dots", "speed lines")  # places where nobody need stand on anything
NIGHT_PLACES = ("night street", "festival")
RASTER = 0.35  # resolution at which visibility is measured, relative to the picture


@dataclass(frozen=True)
class Placed:
    """Somebody in a pose, and the box of their head in pixels: (left, top, right, bottom), not clipped."""

    person: Person
    pose: Pose
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class HeadLabel:
    """A labelled head.

    Attributes:
        name: the character.
        box: (left, top, right, bottom) in pixels, clipped to the picture.
        visible: share of the head's area that can be seen, 0 to 1.
    """

    name: str
    box: tuple[float, float, float, float]
    visible: float


@dataclass(frozen=True)
class Scene:
    """A picture before it is painted; figures are ordered from back to front."""

    episode: Episode
    width: int
    height: int
    place: str
    light: str
    figures: tuple[Placed, ...]
    props: tuple[Prop, ...]
    labels: tuple[HeadLabel, ...]


def compose_scene(seed: int, episode: Episode, index: int) -> tuple[Scene, random.Random]:
    """Returns the scene of picture ``index`` of an episode, and the random source to paint it with."""
    source = random.Random(f"{seed} {episode.number} {index}")
    width, height = source.choices(SIZES, (0.5, 0.3, 0.2))[0]
    people = _sample_people(source)
    place, light = source.choice(episode.places), source.choices(episode.lights, (4, 2, 2, 2))[0]
    if place in NIGHT_PLACES and light not in ("stage", "lamp"):
        light = "day"  # as painted: darker still, and nobody could be told from anybody
    props: tuple[Prop, ...] = ()
    if source.random() < 0.38:
        key = source.choice(sorted(PROPS))
        props = (PROPS[key](source, width, height, episode.palette),)
    for attempt in range(60):
        if attempt and attempt % 15 == 0:
            people = people[:-1]  # too crowded for honest labels
        figures = _place_people(source, people, episode, place, width, height)
        labels = _label(figures, props, episode, width, height)
        if labels is not None:
            return Scene(episode, width, height, place, light, figures, props, labels), source
    raise AssertionError("the last attempts place nobody, which always succeeds")


def _sample_people(source: random.Random) -> list[Person]:
    kind = source.random()
    if kind < 0.08:
        return []
    if kind < 0.12:  # only strangers: a negative that looks like a positive
        return [make_stranger(source) for _ in range(source.randint(1, 2))]
    people = source.sample(CAST, source.choices((1, 2, 3, 4), (0.40, 0.32, 0.17, 0.11))[0])
    if source.random() < 0.18:
        people.insert(source.randint(0, len(people)), make_stranger(source))
    return people


def _place_people(
    source: random.Random, people: list[Person], episode: Episode, place: str, width: int, height: int
) -> tuple[Placed, ...]:
    count = len(people)
    if not count:
        return ()
    # log-uniform, but a crowd does not fit at full size
    largest = min(LARGEST_HEAD, 0.98 * width / height / (0.75 + 0.55 * count)) if count > 1 else LARGEST_HEAD
    typical = math.exp(source.uniform(math.log(SMALLEST_HEAD), math.log(largest)))
    slots = list(range(count))
    source.shuffle(slots)
    # people at a distance stand closer together
    spread = min(1.0, source.uniform(0.7, 2.0) * typical * 1.5 * count * height / width) if count > 1 else 1.0
    middle = source.uniform(spread / 2, 1 - spread / 2)
    ground = source.uniform(0.86, 1.0) if source.random() < 0.7 else source.uniform(1.0, 1.4)
    placed = []
    for person, slot in zip(people, slots, strict=True):
        share = min(
            largest, max(SMALLEST_HEAD, typical * math.exp(source.uniform(-0.22, 0.22) if count > 1 else 0.0))
        )
        pose = Pose(
            0.0,
            0.0,
            1.0,
            tilt=source.gauss(0, 8) if source.random() < 0.8 else source.uniform(-20, 20),
            turn=source.uniform(-1, 1),
            nod=source.uniform(-0.6, 0.6),
            flip=source.random() < 0.5,
            lean=source.uniform(-4, 4),
            expression=source.choices(sorted(EXPRESSIONS), [1.0] * len(EXPRESSIONS))[0],
            arms=source.choice(sorted(POSES)),
            gaze=(source.uniform(-0.7, 0.7), source.uniform(-0.4, 0.5)),
        )
        pose = replace(pose, tilt=max(-20.0, min(20.0, pose.tilt)))
        left, top, right, bottom = bounds(head_outlines(person, episode.style, pose))
        unit = share * height / (bottom - top)
        x = width * (
            middle + spread * ((slot + 0.5) / count - 0.5) + source.gauss(0, 0.16 if count == 1 else 0.03)
        )
        if (
            share < 0.20 and place not in NO_GROUND
        ):  # at a distance: the feet near the ground, the nearer the lower
            y = min(height * (ground + 0.8 * (share - typical)) - FEET * unit, height * 0.85 - unit)
        elif share < 0.20:
            y = height * source.uniform(0.15, 0.75)
        else:
            y = height * (source.uniform(0.30, 0.62) if share < 0.55 else source.uniform(0.42, 0.58))
        if source.random() < 0.13:  # cut by the border
            standing = share < 0.20 and place not in NO_GROUND
            side = source.choice(("left", "right") if standing else ("left", "right", "top", "bottom"))
            slip = source.uniform(-0.15, 0.35) * share * height
            x = {"left": slip, "right": width - slip}.get(side, x)
            y = {"top": slip, "bottom": height - slip}.get(side, y)
        half_x, half_y = unit * 0.8, unit * 0.8
        if source.random() < 0.9:  # most faces stay inside
            x = min(max(x, half_x), width - half_x) if width > 2 * half_x else width / 2
            y = min(max(y, half_y), height - half_y) if height > 2 * half_y else height / 2
        pose = replace(pose, x=x, y=y, unit=unit)
        placed.append(
            Placed(person, pose, (x + left * unit, y + top * unit, x + right * unit, y + bottom * unit))
        )
    return tuple(sorted(placed, key=lambda item: item.pose.unit))


def _label(
    figures: tuple[Placed, ...], props: tuple[Prop, ...], episode: Episode, width: int, height: int
) -> tuple[HeadLabel, ...] | None:
    """Returns the labels, or None when a named head is hidden so far that nobody would label it."""
    columns, rows = math.ceil(width * RASTER), math.ceil(height * RASTER)
    pixels = np.zeros((rows, columns, 4), np.uint8)
    canvas = skia.Surface(pixels).getCanvas()
    canvas.scale(RASTER, RASTER)
    heads = []

    def cover(paths: list[skia.Path], owner: int, target: skia.Canvas) -> None:
        paint = skia.Paint(Color=skia.ColorSetARGB(255, owner, owner, owner), AntiAlias=False)
        for path in paths:
            target.drawPath(path, paint)

    for owner, figure in enumerate(figures, start=1):
        outlines = head_outlines(figure.person, episode.style, figure.pose)
        cover(other_outlines(figure.person, episode.style, figure.pose), 255, canvas)
        cover(outlines, owner, canvas)
        heads.append(outlines)
    for outline, _ in props:
        cover([outline], 255, canvas)

    labels = []
    for owner, (figure, outlines) in enumerate(zip(figures, heads, strict=True), start=1):
        left, top, right, bottom = figure.box
        scale = 48 / max(right - left, bottom - top)
        whole = np.zeros((48, 48, 4), np.uint8)
        alone = skia.Surface(whole).getCanvas()
        alone.scale(scale, scale)
        alone.translate(-left, -top)
        cover(outlines, 255, alone)
        area = np.count_nonzero(whole[:, :, 0]) / scale**2
        seen = np.count_nonzero(pixels[:, :, 0] == owner) / RASTER**2
        visible = min(1.0, seen / area)
        if figure.person.name is None:
            continue
        if visible < NEARLY_HIDDEN:
            return None
        margin = episode.style.line * figure.pose.unit / 2
        box = (
            max(0.0, left - margin),
            max(0.0, top - margin),
            min(float(width), right + margin),
            min(float(height), bottom + margin),
        )
        labels.append(HeadLabel(figure.person.name, box, visible))
    return tuple(labels)


def paint_scene(scene: Scene, source: random.Random) -> bytes:
    """Returns the finished picture as the bytes of a JPEG file."""
    width, height, episode = scene.width, scene.height, scene.episode
    surface = skia.Surface(width, height)
    canvas = surface.getCanvas()
    BACKGROUNDS[scene.place](canvas, source, width, height, episode.palette)
    if scene.figures and scene.figures[0].pose.unit * 2.2 > 0.3 * height and source.random() < 0.4:
        _soften(
            surface, source.uniform(1.0, 2.5) * height / 512
        )  # a camera close to a face blurs what is behind
    for figure in scene.figures:
        if scene.place not in NO_GROUND:
            _ground_shadow(canvas, figure.pose)
        draw_figure(canvas, figure.person, episode.style, figure.pose)
    for _, draw in scene.props:
        draw(canvas)
    _light(surface, LIGHTS[scene.light], episode.saturation, source)
    if source.random() < 0.12:
        _soften(surface, source.uniform(0.4, 0.9))
    if episode.grain:
        _grain(canvas, episode.grain * source.uniform(0.5, 1.2), width, height, source)
    quality = source.randint(*episode.quality)
    return bytes(surface.makeImageSnapshot().encodeToData(skia.EncodedImageFormat.kJPEG, quality))


def _ground_shadow(canvas: skia.Canvas, pose: Pose) -> None:
    """Draws the shadow in which a figure stands."""
    middle = body_matrix(pose).mapXY(0.0, FEET)
    path = oval(middle.x(), middle.y(), 1.25 * pose.unit, 0.17 * pose.unit)
    canvas.drawPath(path, skia.Paint(Color=argb(INK, 0.28), AntiAlias=True))


def _soften(surface: skia.Surface, radius: float) -> None:
    image = surface.makeImageSnapshot()
    blur = skia.ImageFilters.Blur(radius, radius, skia.TileMode.kClamp)
    surface.getCanvas().drawImage(image, 0, 0, skia.SamplingOptions(), skia.Paint(ImageFilter=blur))


def _light(surface: skia.Surface, light: Light, saturation: float, source: random.Random) -> None:
    """Changes the colours of the picture, and lays a gradient of light or shade over it."""
    keep = light.saturation * saturation
    grey = (0.213, 0.715, 0.072)  # luma of sRGB primaries, ITU-R BT.709
    matrix = []
    for row, gain in enumerate(light.gain):
        matrix += [
            gain * ((1 - keep) * grey[column] + (keep if column == row else 0.0)) for column in range(3)
        ]
        matrix += [0.0, light.lift]
    matrix += [0.0, 0.0, 0.0, 1.0, 0.0]
    canvas, image = surface.getCanvas(), surface.makeImageSnapshot()
    if matrix[:5] != [1.0, 0.0, 0.0, 0.0, 0.0]:
        canvas.drawImage(
            image, 0, 0, skia.SamplingOptions(), skia.Paint(ColorFilter=skia.ColorFilters.Matrix(matrix))
        )
    if light.beam is not None:
        width, height = surface.width(), surface.height()
        start = (
            skia.Point(width * source.random(), 0)
            if source.random() < 0.7
            else skia.Point(0, height * source.random())
        )
        end = skia.Point(width - start.x(), height - start.y())
        neutral = WHITE if light.dark else BLACK
        strong = mix(neutral, light.beam, light.beam_strength)
        shader = skia.GradientShader.MakeLinear([start, end], [argb(strong), argb(neutral)], [0.0, 0.85])
        mode = skia.BlendMode.kMultiply if light.dark else skia.BlendMode.kScreen
        canvas.drawPaint(skia.Paint(Shader=shader, BlendMode=mode))


@lru_cache(maxsize=1)
def _noise() -> tuple[skia.Image, skia.Image]:
    """Returns a tile of noise with a deviation of 16 grey levels: what is above the mean, and below it."""
    values = np.random.default_rng(20).normal(0.0, 16.0, (256, 256))
    tiles = []
    for part in (values, -values):
        pixels = np.full((256, 256, 4), 255, np.uint8)
        pixels[:, :, :3] = np.clip(np.rint(part), 0, 255)[:, :, None].astype(np.uint8)
        tiles.append(skia.Image.fromarray(pixels))
    return tiles[0], tiles[1]


def _grain(canvas: skia.Canvas, deviation: float, width: int, height: int, source: random.Random) -> None:
    shift = skia.Matrix.Translate(source.randrange(256), source.randrange(256))
    alpha = min(1.0, deviation / 16.0)
    above, below = _noise()
    for tile, mode in ((above, skia.BlendMode.kPlus), (below, skia.BlendMode.kDifference)):
        shader = tile.makeShader(skia.TileMode.kRepeat, skia.TileMode.kRepeat, skia.SamplingOptions(), shift)
        strength = [alpha if row == column else 0.0 for row in range(4) for column in range(5)]
        strength[18] = 1.0
        canvas.drawPaint(
            skia.Paint(Shader=shader, BlendMode=mode, ColorFilter=skia.ColorFilters.Matrix(strength))
        )
