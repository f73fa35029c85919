"""Episodes; and scenes of them: composed first, so that labels are honest, painted and lit then."""

import colorsys
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import skia

from datasets.drawn.colours import BLACK, INK, WHITE, Colour, Palette, argb, colour, mix
from datasets.drawn.crowd import NEARLY_HIDDEN, HeadLabel, Placed, measure_heads, place_people, sample_people
from datasets.drawn.curves import oval
from datasets.drawn.figure import FEET, body_matrix, draw_figure
from datasets.drawn.pen import Easel, Style
from datasets.drawn.places import NIGHT_PLACES, NO_GROUND, PLACES
from datasets.drawn.props import Prop, make_prop
from datasets.drawn.strokes import table

SIZES: tuple[tuple[int, int], ...] = ((512, 512), (640, 360), (480, 640))
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
