"""Episodes; and scenes of them: composed first, so that labels are honest, painted and lit then."""

import colorsys
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import skia

from datasets.drawn.colours import BLACK, INK, WHITE, Colour, Palette, argb, colour, glow, mix, shade
from datasets.drawn.crowd import NEARLY_HIDDEN, HeadLabel, Placed, measure_heads, place_people, sample_people
from datasets.drawn.curves import box, curve, oval, polygon, stroke, together
from datasets.drawn.figure import FEET, body_matrix, draw_figure
from datasets.drawn.pen import Easel, Style
from datasets.drawn.places import NIGHT_PLACES, NO_GROUND, PLACES, put
from datasets.drawn.strokes import table

SIZES: tuple[tuple[int, int], ...] = ((512, 512), (640, 360), (480, 640))
# Something in front of the figures: plants, desks, railings, speech bubbles: what it hides, and how it looks.
Prop = tuple[skia.Path, skia.Picture]
TRIES = 12  # arrangements of a group that are tried before it is made smaller


@dataclass(frozen=True)
class Episode:
    """What the pictures of one episode have in common."""

    number: int  # from 1
    style: Style  # line and shading of the figures
    palette: Palette  # colours of the places
    places: tuple[str, ...]  # keys of ``places.PLACES``
    lights: tuple[str, ...]  # keys of lights.toml
    saturation: float  # of the whole episode
    quality: tuple[int, int]  # lowest and highest JPEG quality
    grain: float  # standard deviation of the film grain, in grey levels of 255


def _near(source: random.Random, hexadecimal: str, hue: float) -> Colour:
    """Returns a colour near the given one."""
    base_hue, lightness, saturation = colorsys.rgb_to_hls(*colour(hexadecimal))
    return colorsys.hls_to_rgb(
        (base_hue + source.uniform(-hue, hue)) % 1.0,
        min(0.95, max(0.1, lightness + source.uniform(-0.06, 0.06))),
        min(1.0, max(0.0, saturation * source.uniform(0.75, 1.15))),
    )


def make_episode(seed: int, number: int) -> Episode:
    """Returns the episode with that number; the same for the same seed."""
    source = random.Random(f"{seed} {number}")
    style = Style(
        line=source.uniform(0.018, 0.034),
        shading=source.uniform(0.65, 1.1),
        shine=source.uniform(0.45, 0.9),
        soft=source.random() < 0.7,
    )
    accent = source.random()
    palette = Palette(
        **{thing: _near(source, *about) for thing, about in table("palette").items()},
        accent=colorsys.hls_to_rgb(accent, 0.62, 0.65),
        other=colorsys.hls_to_rgb((accent + source.uniform(0.25, 0.75)) % 1.0, 0.55, 0.45),
    )
    places = tuple(source.sample(sorted(PLACES), 5))
    lights = ("day", *source.sample([name for name in table("lights") if name != "day"], 3))
    low = source.randint(62, 84)
    saturation, grain = source.uniform(0.88, 1.12), source.choice((0.0, 1.5, 3.0, 5.0))
    return Episode(number, style, palette, places, lights, saturation, (low, min(96, low + 14)), grain)


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
    return arrange_scene(source, episode, width, height), source


def arrange_scene(source: random.Random, episode: Episode, width: int, height: int) -> Scene:
    """Returns a scene of an episode, ``width`` by ``height`` pixels, without a named head nearly hidden."""
    people = sample_people(source)
    place, light = source.choice(episode.places), source.choices(episode.lights, (4, 2, 2, 2))[0]
    if place in NIGHT_PLACES and light not in ("stage", "lamp"):
        light = "day"  # as painted: darker still, and nobody could be told from anybody
    has_prop = source.random() < 0.38
    props = (make_prop(source, width, height, episode.palette),) if has_prop else ()
    attempt = 0
    while True:
        attempt += 1
        figures = place_people(source, people, episode.style, width, height, on_ground=place not in NO_GROUND)
        labels = measure_heads(figures, [outline for outline, _ in props], episode.style, width, height)
        if all(label.visible >= NEARLY_HIDDEN for label in labels):
            return Scene(episode, width, height, place, light, figures, props, labels)
        if attempt % TRIES == 0:
            people = people[:-1]  # too crowded for honest labels; an empty scene always has them


def paint_scene(scene: Scene, source: random.Random) -> bytes:
    """Returns the finished picture as the bytes of a JPEG file."""
    width, height, episode = scene.width, scene.height, scene.episode
    surface = skia.Surface(width, height)
    easel = Easel(surface.getCanvas(), width, height)
    PLACES[scene.place](easel, source, episode.palette)
    blur(surface, sample_blur(scene, source))
    draw_figures(easel, scene, scene.figures)
    for _, picture in scene.props:
        easel.canvas.drawPicture(picture)
    shine_light(surface, scene, source)
    if source.random() < 0.12:
        blur(surface, source.uniform(0.4, 0.9))
    if episode.grain:
        add_grain(surface, episode.grain * source.uniform(0.5, 1.2), source)
    quality = source.randint(*episode.quality)
    return bytes(surface.makeImageSnapshot().encodeToData(skia.EncodedImageFormat.kJPEG, quality))


def sample_blur(scene: Scene, source: random.Random) -> float:
    """Returns the blur of the place, in pixels: a camera close to a face blurs what is behind, or not."""
    close = bool(scene.figures) and scene.figures[0].pose.unit * 2.2 > 0.3 * scene.height
    return source.uniform(1.0, 2.5) * scene.height / 512 if close and source.random() < 0.4 else 0.0


def draw_figures(easel: Easel, scene: Scene, figures: Sequence[Placed]) -> None:
    """Draws people, each standing in a shadow."""
    for figure in figures:
        if scene.place not in NO_GROUND:
            middle, unit = body_matrix(figure.pose).mapXY(0.0, FEET), figure.pose.unit
            easel.fill(oval(middle.x(), middle.y(), 1.25 * unit, 0.17 * unit), INK, 0.28)
        draw_figure(easel.canvas, figure.person, scene.episode.style, figure.pose)


def blur(surface: skia.Surface, radius: float) -> None:
    """Blurs the picture; ``radius`` is the standard deviation in pixels."""
    if radius:
        image = surface.makeImageSnapshot()
        smear = skia.ImageFilters.Blur(radius, radius, skia.TileMode.kClamp)
        surface.getCanvas().drawImage(image, 0, 0, skia.SamplingOptions(), skia.Paint(ImageFilter=smear))


def shine_light(surface: skia.Surface, scene: Scene, source: random.Random) -> None:
    """Changes the colours of the picture, and lays a gradient of light or shade over it."""
    light = table("lights")[scene.light]
    keep = light["saturation"] * scene.episode.saturation
    grey = np.array([0.213, 0.715, 0.072])  # luma of sRGB primaries, ITU-R BT.709
    tinted = np.array(light["gain"])[:, None] * ((1 - keep) * grey + keep * np.eye(3))  # [3, 3]
    rows = np.column_stack([tinted, np.zeros(3), np.full(3, light["lift"])])
    matrix = [*rows.ravel().tolist(), 0.0, 0.0, 0.0, 1.0, 0.0]
    canvas = surface.getCanvas()
    if matrix[:5] != [1.0, 0.0, 0.0, 0.0, 0.0]:
        paint = skia.Paint(ColorFilter=skia.ColorFilters.Matrix(matrix))
        canvas.drawImage(surface.makeImageSnapshot(), 0, 0, skia.SamplingOptions(), paint)
    if "beam" in light:
        from_above = source.random() < 0.7
        place = source.random()
        start = skia.Point(scene.width * place, 0) if from_above else skia.Point(0, scene.height * place)
        ends = [start, skia.Point(scene.width - start.x(), scene.height - start.y())]
        neutral = WHITE if light["dark"] else BLACK
        strong = mix(neutral, light["beam"], light["strength"])
        shader = skia.GradientShader.MakeLinear(ends, [argb(strong), argb(neutral)], [0.0, 0.85])
        mode = skia.BlendMode.kMultiply if light["dark"] else skia.BlendMode.kScreen
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


def add_grain(surface: skia.Surface, deviation: float, source: random.Random) -> None:
    """Adds film grain with that standard deviation, in grey levels of 255."""
    shift = skia.Matrix.Translate(source.randrange(256), source.randrange(256))
    strength = np.diag([min(1.0, deviation / 16.0)] * 3 + [1.0])
    fade = skia.ColorFilters.Matrix(np.pad(strength, ((0, 0), (0, 1))).ravel().tolist())
    above, below = _noise()
    for tile, mode in ((above, skia.BlendMode.kPlus), (below, skia.BlendMode.kDifference)):
        shader = tile.makeShader(skia.TileMode.kRepeat, skia.TileMode.kRepeat, skia.SamplingOptions(), shift)
        surface.getCanvas().drawPaint(skia.Paint(Shader=shader, BlendMode=mode, ColorFilter=fade))


def make_prop(source: random.Random, width: float, height: float, palette: Palette) -> Prop:
    """Returns one of the props, for a picture of ``width`` by ``height`` pixels.

    Each is drawn by a function ``(easel, source, palette)``, which returns the outline of what it hides.
    """
    draw, recorder = PROPS[source.choice(sorted(PROPS))], skia.PictureRecorder()
    around = skia.Rect.MakeLTRB(-width, -height, 2 * width, 2 * height)  # a camera may pan
    outline = draw(Easel(recorder.beginRecording(around), width, height), source, palette)
    return outline, recorder.finishRecordingAsPicture()


def _plant(easel: Easel, source: random.Random, palette: Palette) -> skia.Path:
    width, height, dark = easel.width, easel.height, shade(palette.leaf, 1.0)
    x = width * source.choice((source.uniform(-0.02, 0.25), source.uniform(0.75, 1.02)))
    size = height * source.uniform(0.20, 0.45)
    blades = []
    for _ in range(9):
        angle = source.uniform(-1.0, 1.0)
        tip = (x + math.sin(angle) * size, height - math.cos(angle) * size * source.uniform(0.7, 1.1))
        bend = ((x + tip[0]) / 2 - angle * size * 0.15, (height + tip[1]) / 2)
        blades.append(stroke((x + angle * 10, height + 12), bend, tip, size * 0.11))
    for blade in blades:
        easel.fill(blade, mix(palette.leaf, dark, source.random()))
        easel.trace(blade, shade(dark, 0.9), max(1.0, height / 400))
    return together(blades)


def _desk(easel: Easel, source: random.Random, palette: Palette) -> skia.Path:
    width, height = easel.width, easel.height
    top = height * source.uniform(0.82, 0.93)
    has_cup, x = source.random() < 0.5, width * source.uniform(0.2, 0.8)
    sizes = {"x": x, "top": top, "thin": max(1.0, height / 400), "thinner": max(1.0, height / 450)}
    for thing in ("desk", "cup" if has_cup else "books"):
        put(easel, vars(palette), thing, **sizes, size=height * 0.045)
    return box(-10, top, width + 10, height + 10)


def _railing(easel: Easel, source: random.Random, palette: Palette) -> skia.Path:
    width, height, base = easel.width, easel.height, mix(palette.wall, WHITE, 0.4)
    top = height * source.uniform(0.72, 0.88)
    bars, count = [box(-5, top, width + 5, top + height * 0.028)], source.randint(6, 9)
    for index in range(count + 1):
        x = width * index / count
        bars.append(box(x - width * 0.007, top, x + width * 0.007, height + 5))
    outline = together(bars)
    easel.fill(outline, base)
    for bar in bars:
        easel.trace(bar, shade(base, 1.1), max(1.0, height / 450))
    easel.fill(bars[0], glow(base, 0.4))
    return outline


def _bubble(easel: Easel, source: random.Random, palette: Palette) -> skia.Path:
    width, height = easel.width, easel.height
    x = width * source.choice((source.uniform(0.10, 0.24), source.uniform(0.76, 0.90)))
    y = height * source.uniform(0.10, 0.24)
    half, tall = width * source.uniform(0.09, 0.15), height * source.uniform(0.07, 0.11)
    aside = half if x < width / 2 else -half
    tip = [(x + aside * across, y + tall * down) for across, down in ((0.1, 0.6), (0.6, 0.4), (0.95, 1.55))]
    body = skia.Op(oval(x, y, half, tall), polygon(tip), skia.PathOp.kUnion_PathOp)
    easel.fill(body, WHITE, 0.96)
    easel.trace(body, INK, max(1.4, height / 260))
    for row in range(3):
        start, level = x - half * 0.6 + half * 0.15 * (row == 1), y + tall * (0.36 * (row - 1))
        points = []
        for step in range(source.randint(7, 13)):
            points.append((start + step * half * 0.10, level + source.uniform(-1, 1) * tall * 0.07))
        easel.trace(curve(points), colour("55505c"), max(1.2, height / 300))
    return body


def _petals(easel: Easel, source: random.Random, palette: Palette) -> skia.Path:
    base = source.choice((colour("f9bdd2"), mix(palette.leaf, WHITE, 0.2), WHITE))
    petals = []
    for _ in range(source.randint(5, 12)):
        x, y = easel.width * source.random(), easel.height * source.random()
        size, turn = easel.height * source.uniform(0.008, 0.022), source.random()
        ends = (x - size, y - size * turn), (x + size, y + size * turn)
        petals.append(stroke(ends[0], (x, y - size * 0.6), ends[1], size * 0.8))
        easel.fill(petals[-1], base, 0.92)
    return together(petals)


PROPS: dict[str, Callable[[Easel, random.Random, Palette], skia.Path]] = {
    "plant": _plant, "desk": _desk, "railing": _railing, "bubble": _bubble, "petals": _petals
}  # fmt: skip
