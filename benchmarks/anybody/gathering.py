"""Pictures of anybody: who stands where, seen from where, in which manner, and what lies over the picture."""

import math
import random
from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
import skia

from benchmarks.anybody.lookalikes import draw_lookalike
from benchmarks.anybody.people import Somebody, View, make_somebody, sample_view, tone_of
from benchmarks.anybody.solid import Head
from datasets.drawn.colours import BLACK, INK, WHITE, Colour, mix
from datasets.drawn.curves import box, curve, oval, polygon, star
from datasets.drawn.figure import NECK, body_layer
from datasets.drawn.pen import Easel, Pen, Style
from datasets.drawn.places import PLACES
from datasets.drawn.scene import make_episode

SIZES = ((384, 384), (448, 252), (320, 416), (384, 288))
# How often a picture has 0, 1, 2 ... people.
PEOPLE = (0.09, 0.34, 0.22, 0.12, 0.08, 0.05, 0.03, 0.02, 0.02, 0.01, 0.01, 0.005, 0.005)
SMALLEST, LARGEST = 0.05, 1.3  # height of a head, as a part of the picture's
HIDDEN, HARD = 0.25, 0.5  # of a head less can be seen: it is not labelled, it is labelled difficult
PANELS = 0.06  # how often a picture is a poster or a page of several pictures
Frame = tuple[int, int, int, int]  # left, top, right, bottom of a picture in the picture, in pixels
MANNERS = ("cel", "cel", "cel", "soft", "flat", "flat", "manga", "sketch")


@dataclass(frozen=True)
class DrawnHead:
    """A head that can be seen."""

    number: int  # the person
    box: tuple[float, float, float, float]  # left, top, right, bottom in pixels
    view: View
    visible: float  # the share of the head's hull that nothing hides, 0 to 1


@dataclass(frozen=True)
class Gathering:
    """A picture of anybody: the bytes of a JPEG file, its size, its heads and the manner it is drawn in."""

    jpeg: bytes
    width: int
    height: int
    heads: tuple[DrawnHead, ...]
    manner: str


def draw_gathering(seed: int, index: int, people: int, *, lookalikes: bool = False) -> Gathering:
    """Draws picture ``index`` of a set in which ``people`` different people appear.

    If they are asked for, 58 of 100 have things that look like heads and are none, behind and before people.
    """
    source, odd = random.Random(f"gathering {seed} {index}"), random.Random(f"lookalikes {seed} {index}")
    counts = [odd.randint(1, 3) if lookalikes and odd.random() < 0.35 else 0 for _ in range(2)]
    width, height = source.choice(SIZES)
    manner, style = random_style(source)
    surface = skia.Surface(width, height)
    easel = Easel(surface.getCanvas(), width, height)
    paint_place(easel, source, seed)
    for _ in range(counts[0]):
        draw_lookalike(easel, odd, style)
    placed, hulls = [], []
    for frame in _frames(source, width, height):
        for person, view in _place(source, seed, people, frame):
            person = pale(person) if manner == "sketch" else person
            placed.append((person, view, frame))
            with skia.AutoCanvasRestore(easel.canvas):
                easel.canvas.clipRect(skia.Rect.MakeLTRB(*frame))
                hulls.append(draw_somebody(easel.canvas, person, style, view))
        if frame != (0, 0, width, height):
            easel.trace(box(*frame, 0), source.choice((INK, WHITE)), source.choice((1, 3)))
    over = [draw_lookalike(easel, odd, style) for _ in range(counts[1])]
    over += _draw_over(easel, source)
    heads = _seen(placed, hulls, over, width, height)
    pixels = cv2.cvtColor(surface.toarray(), cv2.COLOR_BGRA2RGB)  # uint8 [H, W, 3] RGB
    pixels = finish(pixels, source, manner)
    quality = source.choice((95, source.randint(30, 90)))
    turned = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".jpg", turned, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return Gathering(encoded.tobytes(), width, height, heads, manner)


def random_style(source: random.Random) -> tuple[str, Style]:
    """A manner, and how figures are drawn in it."""
    manner = source.choice(MANNERS)
    shading, soft = {"flat": (0.0, False), "soft": (0.5, True)}.get(manner, (source.uniform(0.6, 1.1), False))
    return manner, Style(source.uniform(0.012, 0.055), shading, source.uniform(0.3, 0.9), soft)


def draw_somebody(
    canvas: skia.Canvas, person: Somebody, style: Style, view: View
) -> tuple[np.ndarray, np.ndarray]:
    """Draws somebody, and gives the hulls of the head and of the body in pixels, float [N, 2]."""
    pen, head = Pen(canvas, style), Head(person, view)
    tilted, body = (skia.Matrix.Translate(view.x, view.y).preScale(view.unit, view.unit) for _ in range(2))
    tilted.preRotate(view.tilt, *NECK)
    with pen.through(tilted):
        head.draw_behind(pen)
    body.preTranslate(0.0, NECK[1] * (1 - person.body_size) + 0.1 * view.pitch / 40)
    lean = max(-12.0, min(12.0, view.tilt * 0.2)) if abs(view.tilt) < 90 else view.tilt
    body.preRotate(lean, *NECK)
    narrow = 1 - 0.35 * abs(np.sin(np.radians(view.yaw)))
    body.preScale(person.body_size * narrow, person.body_size)
    with pen.through(body):
        canvas.drawPicture(body_layer(person.body, style, view.arms).picture)
    with pen.through(tilted):
        head.draw(pen)
    hull = cv2.convexHull(np.concatenate(head.points).astype(np.float32))[:, 0]
    trunk = np.array([(-1.2, 1.5), (1.2, 1.5), (1.2, 8.7), (-1.2, 8.7)], np.float32)
    return _moved(hull, tilted), _moved(trunk, body)


def _moved(points: np.ndarray, matrix: skia.Matrix) -> np.ndarray:
    return np.array(
        [(point.x(), point.y()) for point in matrix.mapPoints([skia.Point(*map(float, p)) for p in points])]
    )


def _frames(source: random.Random, width: int, height: int) -> list[Frame]:
    """The whole picture, or the rectangles of a poster or a page."""
    if source.random() >= PANELS:
        return [(0, 0, width, height)]
    columns, rows = source.choice(((2, 1), (3, 1), (2, 2), (3, 2), (4, 2), (3, 3), (1, 3)))
    gap = source.choice((0, 3, 8))
    wide, high = width / columns, height / rows
    return [
        (int(x * wide) + gap, int(y * high) + gap, int((x + 1) * wide) - gap, int((y + 1) * high) - gap)
        for y in range(rows)
        for x in range(columns)
        if source.random() < 0.9
    ]


def _place(source: random.Random, seed: int, of: int, frame: Frame) -> list[tuple[Somebody, View]]:
    """Some of so many people in a frame, everybody with a view, from back to front."""
    left, top, right, bottom = frame
    width, height = right - left, bottom - top
    count = source.choices(range(len(PEOPLE)), PEOPLE)[0]
    if width * height < 60_000:  # of a poster
        count = min(count, 2)
    people = [make_somebody(seed, source.randrange(of)) for _ in range(count)]
    placed = []
    largest = LARGEST / max(1.0, count**0.75)
    typical = SMALLEST * (largest / SMALLEST) ** (source.random() ** 0.8)
    rows = 1 if count < 4 or source.random() < 0.5 else 2
    columns = -(-count // rows)
    slots = [(slot % columns, slot // columns) for slot in range(count)]
    source.shuffle(slots)
    for person, (column, row) in zip(people, slots, strict=True):
        view = sample_view(source)
        share = min(LARGEST, max(SMALLEST, typical * 2 ** source.gauss(0, 0.35)))
        unit = share * height / 2.2
        x = (
            width * (column + 0.5 + source.gauss(0, 0.16)) / columns
            if count > 1
            else width * source.gauss(0.5, 0.17)
        )
        y = height * (
            source.uniform(0.2, 0.72) if count < 4 else (row + 0.5 + source.gauss(0, 0.12)) / rows * 0.9
        )
        if source.random() < 0.85:  # the face at least is inside
            x = min(max(x, 0.7 * unit), width - 0.7 * unit) if width > 1.4 * unit else width / 2
            y = min(max(y, 0.8 * unit), height - 0.6 * unit) if height > 1.4 * unit else height / 2
        placed.append((person, replace(view, x=left + x, y=top + y, unit=unit)))
    return sorted(placed, key=lambda one: one[1].unit)


def pale(person: Somebody) -> Somebody:
    """Somebody as a sketch shows them: paper with lines on it."""
    tones = {key: mix(getattr(person, key), WHITE, 0.85) for key in ("skin", "hair", "worn")}
    outfit = person.body.outfit
    wear = {key: mix(getattr(outfit, key), WHITE, 0.85) for key in ("top", "accent", "bottom", "shoes")}
    body = replace(person.body, skin=tones["skin"], outfit=replace(outfit, **wear))
    return replace(person, **tones, streak=None, body=body)


def _seen(
    placed: list[tuple[Somebody, View, Frame]],
    hulls: list[tuple[np.ndarray, np.ndarray]],
    over: list[np.ndarray],
    width: int,
    height: int,
) -> tuple[DrawnHead, ...]:
    """The heads of which enough can be seen, judged by the hulls of heads and bodies."""
    owners = np.zeros((height, width), np.uint8)
    whole = []
    for owner, ((head, body), (_, _, frame)) in enumerate(zip(hulls, placed, strict=True), start=1):
        part = owners[frame[1] : frame[3], frame[0] : frame[2]]
        cv2.fillPoly(part, [(body - frame[:2]).astype(np.int32)], 255)
        cv2.fillPoly(part, [(head - frame[:2]).astype(np.int32)], owner)
        whole.append(max(1.0, float(cv2.contourArea(head.astype(np.float32)))))
    for outline in over:
        cv2.fillPoly(owners, [outline.astype(np.int32)], 255)
    heads = []
    for owner, ((person, view, frame), (head, _)) in enumerate(zip(placed, hulls, strict=True), start=1):
        visible = min(1.0, np.count_nonzero(owners == owner) / whole[owner - 1])
        low, high = np.maximum(head.min(0), frame[:2]), np.minimum(head.max(0), frame[2:])
        if visible >= HIDDEN and (high - low).min() > 4:
            edges = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
            heads.append(DrawnHead(person.number, edges, view, visible))
    return tuple(heads)


@cache
def _textures() -> tuple[skia.Image, ...]:
    """Clouds and brush strokes of several sizes: eight pictures of noise, 512 pixels wide and high."""
    rng, textures = np.random.default_rng(0), []
    for index in range(8):
        noise = np.zeros((512, 512, 3), np.float32)
        for octave in range(2, 8):
            cells = (2**octave, max(2, 2**octave // (1 + 2 * (index % 3))))
            rough = rng.standard_normal((*cells, 3 if index % 2 else 1)).astype(np.float32)
            grown = cv2.resize(rough, (512, 512), interpolation=cv2.INTER_CUBIC).reshape(512, 512, -1)
            noise += grown * 0.75**octave
        grey = np.clip(128 + noise * 110 / noise.std() / 2, 0, 255).astype(np.uint8)
        opaque = np.full((512, 512, 1), 255, np.uint8)
        textures.append(skia.Image.fromarray(np.ascontiguousarray(np.concatenate([grey, opaque], 2))))
    return tuple(textures)


def _paint_texture(easel: Easel, source: random.Random) -> None:
    """Lays noise over a place, as if it were painted."""
    if source.random() < 0.45:
        return
    scale = 2 ** source.uniform(-0.7, 2)
    matrix = skia.Matrix().setScale(scale * source.choice((1, 1, 2.5)), scale)
    matrix.postRotate(source.uniform(0, 360))
    texture = source.choice(_textures())
    mode = source.choice((skia.BlendMode.kOverlay, skia.BlendMode.kSoftLight, skia.BlendMode.kMultiply))
    tiles = skia.TileMode.kMirror
    shader = texture.makeShader(tiles, tiles, skia.SamplingOptions(skia.FilterMode.kLinear), matrix)
    easel.canvas.drawPaint(skia.Paint(Shader=shader, BlendMode=mode, Alphaf=source.uniform(0.3, 1.0)))


def paint_place(easel: Easel, source: random.Random, seed: int) -> None:
    """A place, sometimes as if it were painted."""
    _paint_something(easel, source, seed)
    _paint_texture(easel, source)


def _paint_something(easel: Easel, source: random.Random, seed: int) -> None:
    """A place of the drawn set, or something plainer, with round things that are no heads."""
    kind = source.random()
    if kind < 0.5:
        palette = make_episode(seed, source.randrange(1000)).palette
        return PLACES[source.choice(sorted(PLACES))](easel, source, palette)
    one, other, third = (tone_of(source, source.choice(("worn", "hair", "skin"))) for _ in range(3))
    easel.wash([(0.0, mix(one, WHITE, source.random())), (1.0, mix(other, BLACK, source.random() * 0.6))])
    w, h = easel.width, easel.height
    for _ in range(source.choice((0, 3, 8, 20, 40))):
        x, y, size = source.uniform(0, w), source.uniform(0, h), h * 10 ** source.uniform(-1.6, -0.3)
        tone = mix(source.choice((one, other, third)), source.choice((WHITE, INK)), source.uniform(0, 0.6))
        shape = source.choice(("oval", "oval", "box", "star", "line", "ring"))
        if shape == "oval":
            easel.fill(oval(x, y, size, size * source.uniform(0.7, 1.3)), tone)
            easel.trace(oval(x, y, size, size), INK, 2.0, source.choice((0.0, 1.0)))
        elif shape == "ring":
            easel.trace(oval(x, y, size, size), tone, size * 0.2)
        elif shape == "box":
            easel.fill(box(x, y, x + size * 2, y + size * source.uniform(0.4, 3), size * 0.1), tone)
        elif shape == "star":
            easel.fill(star(x, y, size, points=source.randint(4, 12), waist=source.uniform(0.3, 0.8)), tone)
        else:
            easel.trace(curve([(x, y), (x + size, y - size), (x + 2 * size, y + size)]), tone, size * 0.15)


def _write(
    easel: Easel, source: random.Random, x: float, y: float, size: float, count: int, tone: Colour
) -> None:
    """Letters of no script: a few strokes each."""
    for index in range(count):
        left = x + index * size * 1.05
        for _ in range(source.randint(2, 4)):
            points = [
                (left + source.uniform(0, 0.8) * size, y + source.uniform(0, 0.9) * size) for _ in range(3)
            ]
            easel.trace(curve(points), tone, size * 0.12)


def _draw_over(easel: Easel, source: random.Random) -> list[np.ndarray]:
    """Draws subtitles, a logo, a speech bubble, bars over a picture; gives the outlines of what hides."""
    w, h, over = easel.width, easel.height, []
    if source.random() < 0.15:
        size = h * source.uniform(0.04, 0.075)
        count = source.randint(6, int(0.8 * w / size / 1.05))
        _write(
            easel,
            source,
            (w - count * size * 1.05) / 2,
            h - size * 1.6,
            size,
            count,
            source.choice((WHITE, (1, 0.9, 0.3))),
        )
    if source.random() < 0.10:
        x, size = source.choice((0.03 * w, 0.8 * w)), h * 0.05
        easel.fill(
            star(x + size, size * 1.5, size, points=source.randint(5, 16), waist=0.7), tone_of(source, "worn")
        )
        _write(easel, source, x + 2 * size, size, size * 0.8, 3, WHITE)
    if source.random() < 0.10:
        x, y, a = source.uniform(0.1, 0.9) * w, source.uniform(0.08, 0.5) * h, h * source.uniform(0.08, 0.2)
        bubble = oval(x, y, a * 1.3, a)
        tail = polygon(
            [
                (x - a * 0.2, y + a * 0.8),
                (x + a * 0.2, y + a * 0.8),
                (x + source.uniform(-1, 1) * a, y + a * 1.7),
            ]
        )
        for path in (tail, bubble):
            easel.fill(path, WHITE)
            easel.trace(path, INK, 1.5)
        easel.fill(bubble, WHITE)
        for line in range(3):
            _write(easel, source, x - a * 0.8, y - a * 0.6 + line * a * 0.4, a * 0.28, 5, INK)
        over.append(cv2.ellipse2Poly((int(x), int(y)), (int(a * 1.3), int(a)), 0, 0, 360, 12))
    if source.random() < 0.06:
        bar = h * source.uniform(0.05, 0.13)
        for top, low in ((0.0, bar), (h - bar, h)):
            easel.rect(0, top, w, low, BLACK)
            over.append(np.array([(0, top), (w, top), (w, low), (0, low)]))
    return over


def finish(pixels: np.ndarray, source: random.Random, manner: str) -> np.ndarray:
    """Manga's screentone or the light, blur, grain and colours of a film: uint8 [H, W, 3] both."""
    height, width = pixels.shape[:2]
    if manner == "manga" or (manner == "sketch" and source.random() < 0.5):
        grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
        if source.random() < 0.6:
            pitch = source.uniform(1.8, 3.6)
            y, x = np.mgrid[:height, :width].astype(np.float32)
            dots = np.cos((x + y) * np.pi / pitch) + np.cos((x - y) * np.pi / pitch)  # -2 ... 2
            tone = np.where(grey > 127.5 + dots * 60, 255, 60)
            grey = np.where(grey > 190, 255, np.where(grey < 80, 20, 0.6 * tone + 0.4 * grey))
        return np.repeat(grey.astype(np.uint8)[..., None], 3, 2)
    image = pixels.astype(np.float32)
    chance = source.random
    if chance() < 0.3:  # another colour of light, or night
        gains = np.array([source.uniform(0.75, 1.15) for _ in range(3)], np.float32)
        image *= gains * (source.uniform(0.3, 0.7) if chance() < 0.3 else 1.0)
    if chance() < 0.25:  # light from a side
        turn, strength = source.uniform(0, 2 * math.pi), source.uniform(0.1, 0.45)
        across = np.linspace(-1, 1, width, dtype=np.float32) * math.cos(turn)
        ramp = across + np.linspace(-1, 1, height, dtype=np.float32)[:, None] * math.sin(turn)
        image *= 1 + strength * ramp[..., None]
    if chance() < 0.15:
        image = image * source.uniform(0.5, 0.9) + source.uniform(10, 60)
    if chance() < 0.15:
        grey = image.mean(-1, keepdims=True)
        image = grey + (image - grey) * source.choice((0.0, 0.4, 0.7, 1.3))
    if chance() < 0.3:
        image = cv2.GaussianBlur(image, (0, 0), source.uniform(0.4, 1.6))
    if chance() < 0.15:
        small = cv2.resize(
            image, None, fx=(by := source.uniform(0.3, 0.7)), fy=by, interpolation=cv2.INTER_AREA
        )
        image = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    if chance() < 0.35:
        noise = np.random.default_rng(source.randrange(2**32)).standard_normal((height, width, 1), np.float32)
        image = image + noise * source.uniform(2, 12)
    return np.clip(image, 0, 255).astype(np.uint8)
