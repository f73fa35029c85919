"""How strongly training pictures are varied; the named strengths stand in presets.toml."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from files.reading import table_beside


@dataclass(frozen=True)
class Augmentation:
    """What is varied, and how strongly; the order is colour, zoom-out, crop, resize, flip.

    Defaults are the switches' off positions, so that a preset names only what it does.
    """

    zoom_out_probability: float = 0.0  # how often the picture is placed on a larger canvas
    zoom_out_limit: float = 1.0  # of the canvas's height and width: at most so many pictures, at least 1
    # RGB 0...255: the mean colour of the pictures that VGG was trained on, in Caffe SSD's ssd_pascal.py
    # mean_value 104, 117, 123 (BGR). After a network's normalisation this canvas is about zero.
    canvas_colour: tuple[float, float, float] = (123.0, 117.0, 104.0)
    # One sampler per number: its crop has at least this IoU with some object. Which of the samplers that
    # found a crop is used, or the whole picture, is drawn with equal chances. Empty: no crop.
    crop_overlaps: tuple[float, ...] = ()
    crop_scale: tuple[float, float] = (0.3, 1.0)  # sqrt(area) of a crop, as a fraction of the canvas
    crop_aspect: tuple[float, float] = (0.5, 2.0)  # width / height of a crop, as fractions of the canvas
    crop_trials: int = 50  # how many crops a sampler tries
    smallest_side: float = 0.0  # of an object on the network's picture, in pixels; a smaller one is dropped
    flip_probability: float = 0.0  # how often left and right are swapped
    colour_probability: float = 0.0  # how often each of the four changes of colour happens
    brightness: float = 0.0  # at most this much is added to or taken from every value 0...255
    contrast: tuple[float, float] = (1.0, 1.0)  # factor on the distance of every value from `contrast_pivot`
    contrast_pivot: float = 0.0  # the value 0...255 that a change of contrast leaves alone
    saturation: tuple[float, float] = (1.0, 1.0)  # factor on the distance of a colour from its grey
    hue: float = 0.0  # at most this fraction of the circle of colours is turned, either way
    paste_probability: float = 0.0  # how often a character of another picture is pasted in: see `paste.py`


@cache
def presets() -> dict[str, Augmentation]:
    """The named strengths."""
    found = {}
    for name, row in table_beside(__file__).items():
        values: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in row.items()}
        found[name] = Augmentation(**values)
    return found


def get_preset(
    name: str, *, zoom_out_max: float | None = None, paste_probability: float = 0.0
) -> Augmentation:
    """The preset called `name`, with two of its strengths changed.

    `zoom_out_max` is the side of the largest canvas, 1 for none; None for the preset's. ValueError, which
    lists the presets: there is none of this name.
    """
    if name not in presets():
        raise ValueError(f"augmentation {name!r}: no such preset; the presets are: {', '.join(presets())}")
    preset = replace(presets()[name], paste_probability=paste_probability)
    if zoom_out_max is None:
        return preset
    probability = 0.0 if zoom_out_max == 1.0 else preset.zoom_out_probability
    return replace(preset, zoom_out_limit=zoom_out_max, zoom_out_probability=probability)
