"""A scene: composed first, so that its labels are known to be honest, and painted then."""

import random
from dataclasses import dataclass

import skia

from datasets.drawn.backgrounds import BACKGROUNDS
from datasets.drawn.clothes import FEET
from datasets.drawn.colours import INK, argb
from datasets.drawn.crowd import Placed, place_people, sample_people
from datasets.drawn.curves import oval
from datasets.drawn.episodes import LIGHTS, Episode
from datasets.drawn.figure import Pose, body_matrix, draw_figure
from datasets.drawn.finish import add_grain, shine_light, soften
from datasets.drawn.labels import HeadLabel, label_heads
from datasets.drawn.pen import Easel
from datasets.drawn.props import PROPS, Prop

SIZES: tuple[tuple[int, int], ...] = ((512, 512), (640, 360), (480, 640))
NO_GROUND = ("dots", "speed lines")  # places where nobody need stand on anything
NIGHT_PLACES = ("night street", "festival")
TRIES = 12  # arrangements of a group that are tried before it is made smaller


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
    """Returns a scene of an episode, ``width`` by ``height`` pixels."""
    people = sample_people(source)
    place, light = source.choice(episode.places), source.choices(episode.lights, (4, 2, 2, 2))[0]
    if place in NIGHT_PLACES and light not in ("stage", "lamp"):
        light = "day"  # as painted: darker still, and nobody could be told from anybody
    props: tuple[Prop, ...] = ()
    if source.random() < 0.38:
        key = source.choice(sorted(PROPS))
        props = (PROPS[key](source, width, height, episode.palette),)
    attempt = 0
    while True:
        attempt += 1
        figures = place_people(source, people, episode.style, width, height, on_ground=place not in NO_GROUND)
        labels = label_heads(figures, props, episode.style, width, height)
        if labels is not None:
            return Scene(episode, width, height, place, light, figures, props, labels)
        if attempt % TRIES == 0:
            people = people[:-1]  # too crowded for honest labels; an empty scene always has them


def paint_scene(scene: Scene, source: random.Random) -> bytes:
    """Returns the finished picture as the bytes of a JPEG file."""
    width, height, episode = scene.width, scene.height, scene.episode
    surface = skia.Surface(width, height)
    canvas = surface.getCanvas()
    BACKGROUNDS[scene.place](Easel(canvas, width, height), source, episode.palette)
    # a camera close to a face blurs what is behind
    if scene.figures and scene.figures[0].pose.unit * 2.2 > 0.3 * height and source.random() < 0.4:
        soften(surface, source.uniform(1.0, 2.5) * height / 512)
    for figure in scene.figures:
        if scene.place not in NO_GROUND:
            draw_ground_shadow(canvas, figure.pose)
        draw_figure(canvas, figure.person, episode.style, figure.pose)
    for _, draw in scene.props:
        draw(canvas)
    shine_light(surface, LIGHTS[scene.light], episode.saturation, source)
    if source.random() < 0.12:
        soften(surface, source.uniform(0.4, 0.9))
    if episode.grain:
        add_grain(canvas, episode.grain * source.uniform(0.5, 1.2), source)
    quality = source.randint(*episode.quality)
    return bytes(surface.makeImageSnapshot().encodeToData(skia.EncodedImageFormat.kJPEG, quality))


def draw_ground_shadow(canvas: skia.Canvas, pose: Pose) -> None:
    """Draws the shadow in which a figure stands."""
    middle = body_matrix(pose).mapXY(0.0, FEET)
    path = oval(middle.x(), middle.y(), 1.25 * pose.unit, 0.17 * pose.unit)
    canvas.drawPath(path, skia.Paint(Color=argb(INK, 0.28), AntiAlias=True))
