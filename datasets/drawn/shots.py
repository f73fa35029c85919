"""A drawn film: scenes with people who move and a camera that follows, one after another with hard cuts.

Everything at a moment follows from the seed and the time alone, so the true boxes of any frame are known.
"""

import math
import random
from bisect import bisect_right
from dataclasses import dataclass, replace

import numpy as np
import skia

from datasets.drawn import scene as scenes
from datasets.drawn.crowd import NEARLY_HIDDEN, STEEPEST, HeadLabel, Placed, measure_heads
from datasets.drawn.curves import Point, moved
from datasets.drawn.face import expressions
from datasets.drawn.figure import bounds, head_outlines
from datasets.drawn.pen import Easel
from datasets.drawn.places import PLACES

SHORTEST, LONGEST = 1.5, 5.0  # seconds between two cuts
OVERSCAN = 0.1  # of a background beyond each edge of the picture: room for the camera
FARTHEST_PAN = 0.04  # of the camera from the middle, as a fraction of the picture's width
NEAREST = 1.12  # zoom
MOUTH = 6.0  # changes a second of a mouth that speaks


@dataclass(frozen=True)
class Motion:
    """How somebody moves during a shot."""

    drift: float  # to the right, in pixels per second
    sway: float  # of the head, in degrees
    turn: float  # of the head, added at most to the pose's
    beat: float  # of sway and turn, in Hz
    phase: float  # of them, in radians
    mood: tuple[str, ...]  # expressions, one after another, each for `mood_seconds`
    mood_seconds: float  # how long one expression lasts
    speaks: bool  # the mouth opens and closes


@dataclass(frozen=True)
class Shot:
    """What is seen between two cuts."""

    seed: str  # of what is left to chance while painting
    start: float  # in seconds from the film's beginning
    seconds: float  # how long it lasts
    scene: scenes.Scene  # as it is in the middle of the shot
    motions: tuple[Motion, ...]  # one per figure
    zoom: tuple[float, float]  # of the camera at the beginning and at the end
    pan: tuple[Point, Point]  # of the camera at the beginning and at the end, (x, y) in pixels
    blur: float  # of the background, in pixels


def make_shots(seed: int, episode: int, seconds: float, width: int, height: int) -> tuple[Shot, ...]:
    """Returns the shots of a film, ``width`` by ``height`` pixels; the last one ends at ``seconds`` or later.

    A longer film of the same seed, episode and size begins with the shots of a shorter one.
    """
    look = scenes.make_episode(seed, episode)
    shots: list[Shot] = []
    start = 0.0
    while start < seconds:
        shot = _make_shot(f"{seed} film {episode} {len(shots)}", look, start, width, height)
        shots.append(shot)
        start += shot.seconds
    return tuple(shots)


def shot_at(shots: tuple[Shot, ...], seconds: float) -> Shot:
    """Returns the shot that is seen at a time; before the first it is the first."""
    return shots[max(0, bisect_right([shot.start for shot in shots], seconds) - 1)]


def figures_at(shot: Shot, seconds: float) -> tuple[Placed, ...]:
    """Returns everybody as they stand at a time of the film, from back to front."""
    since = seconds - shot.start
    camera = _camera(shot, since)
    style = shot.scene.episode.style
    placed = []
    for figure, motion in zip(shot.scene.figures, shot.motions, strict=True):
        swing = math.sin(2 * math.pi * motion.beat * since + motion.phase)
        pose = figure.pose
        middle = camera.mapXY(pose.x + motion.drift * (since - shot.seconds / 2), pose.y)
        pose = replace(
            pose,
            x=middle.x(),
            y=middle.y(),
            unit=pose.unit * camera.getScaleX(),
            tilt=max(-STEEPEST, min(STEEPEST, pose.tilt + motion.sway * swing)),
            turn=max(-1.0, min(1.0, pose.turn + motion.turn * swing)),
            expression=_expression(motion, since),
        )
        placed.append(Placed(figure.person, pose, bounds(head_outlines(figure.person, style, pose))))
    return tuple(placed)


def heads_at(shot: Shot, seconds: float) -> tuple[HeadLabel, ...]:
    """Returns the labels at a time of the film: named heads that can be seen well enough to be labelled."""
    scene, camera = shot.scene, _camera(shot, seconds - shot.start)
    in_front = [moved(outline, camera) for outline, _ in scene.props]
    figures = figures_at(shot, seconds)
    measured = measure_heads(figures, in_front, scene.episode.style, scene.width, scene.height)
    return tuple(label for label in measured if label.visible >= NEARLY_HIDDEN)


class ShotPainter:
    """Paints the moments of one shot; its background is painted once."""

    def __init__(self, shot: Shot):
        self.shot, scene = shot, shot.scene
        width, height = (round(side * (1 + 2 * OVERSCAN)) for side in (scene.width, scene.height))
        surface = skia.Surface(width, height)
        easel = Easel(surface.getCanvas(), width, height)
        PLACES[scene.place](easel, random.Random(f"{shot.seed} place"), scene.episode.palette)
        scenes.blur(surface, shot.blur)
        self._background = surface.makeImageSnapshot()

    def paint(self, seconds: float) -> np.ndarray:
        """Returns the picture at a time of the film, uint8 [H, W, 3] RGB."""
        shot, scene = self.shot, self.shot.scene
        pixels = np.zeros((scene.height, scene.width, 4), np.uint8)
        surface = skia.Surface(pixels, colorType=skia.kRGBA_8888_ColorType)
        easel = Easel(surface.getCanvas(), scene.width, scene.height)
        camera = _camera(shot, seconds - shot.start)
        with easel.through(camera):
            corner = -OVERSCAN * scene.width, -OVERSCAN * scene.height
            linear = skia.SamplingOptions(skia.FilterMode.kLinear)
            easel.canvas.drawImage(self._background, *corner, linear)
        scenes.draw_figures(easel, scene, figures_at(shot, seconds))
        with easel.through(camera):
            for _, picture in scene.props:
                easel.canvas.drawPicture(picture)
        # The same light during the whole shot, but new grain in every picture.
        scenes.shine_light(surface, scene, random.Random(f"{shot.seed} light"))
        if scene.episode.grain:
            scenes.add_grain(surface, scene.episode.grain * 0.5, random.Random(f"{shot.seed} {seconds:.3f}"))
        surface.flushAndSubmit()
        return pixels[:, :, :3]


def _make_shot(seed: str, episode: scenes.Episode, start: float, width: int, height: int) -> Shot:
    source = random.Random(seed)
    seconds = round(source.uniform(SHORTEST, LONGEST), 1)
    scene = scenes.arrange_scene(source, episode, width, height)
    pans = [
        (source.uniform(-1, 1) * FARTHEST_PAN * width, source.uniform(-1, 1) * FARTHEST_PAN * height)
        for _ in range(2)
    ]
    if source.random() < 0.4:
        pans[1] = pans[0]  # a camera that stands still
    near = source.uniform(1.0, NEAREST) if source.random() < 0.5 else 1.0
    zoom = (1.0, near) if source.random() < 0.5 else (near, 1.0)
    blur = scenes.sample_blur(scene, source)
    motions = tuple(_make_motion(source, figure, width) for figure in scene.figures)
    return Shot(seed, start, seconds, scene, motions, zoom, (pans[0], pans[1]), blur)


def _make_motion(source: random.Random, figure: Placed, width: int) -> Motion:
    walks = source.random() < 0.3
    speed = source.choice((-1, 1)) * source.uniform(0.04, 0.12) * width if walks else 0.0
    mood = tuple(source.choice(sorted(expressions())) for _ in range(3))
    return Motion(
        drift=speed + source.gauss(0, 0.006) * width,
        sway=source.uniform(0.5, 4.0),
        turn=source.uniform(0.05, 0.5),
        beat=source.uniform(0.15, 0.5),
        phase=source.uniform(0, 2 * math.pi),
        mood=(figure.pose.expression, *mood),
        mood_seconds=source.uniform(0.7, 2.0),
        speaks=source.random() < 0.4,
    )


def _expression(motion: Motion, since: float) -> str:
    mood = motion.mood[int(since / motion.mood_seconds) % len(motion.mood)]
    # Two steps of three open: a mouth that speaks, not one that chews.
    if motion.speaks and expressions()[mood].mouth == "smile" and int(since * MOUTH) % 3:
        return "laugh"
    return mood


def _camera(shot: Shot, since: float) -> skia.Matrix:
    """Returns the matrix from the scene's pixels to the picture's."""
    part = min(1.0, since / shot.seconds)
    part = part * part * (3 - 2 * part)  # starts and stops gently
    zoom = shot.zoom[0] + part * (shot.zoom[1] - shot.zoom[0])
    (x0, y0), (x1, y1) = shot.pan
    middle_x, middle_y = shot.scene.width / 2, shot.scene.height / 2
    matrix = skia.Matrix.Translate(middle_x + x0 + part * (x1 - x0), middle_y + y0 + part * (y1 - y0))
    matrix.preScale(zoom, zoom)
    matrix.preTranslate(-middle_x, -middle_y)
    return matrix
