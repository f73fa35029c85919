"""The named strengths of augmentation, every number with its source."""

from dataclasses import dataclass, replace

# The mean colour of the pictures that VGG was trained on, RGB: Caffe SSD's ssd_pascal.py gives it as
# mean_value 104, 117, 123 (BGR). After a network's normalisation this canvas is about zero.
MEAN_COLOUR = (123.0, 117.0, 104.0)


@dataclass(frozen=True)
class Augmentation:
    """How strongly training pictures are varied; the order is colour, zoom-out, crop, resize, flip.

    Defaults are the switches' off positions, so that a preset names only what it does.

    Attributes:
        zoom_out_probability: how often the picture is placed on a larger canvas.
        zoom_out_limit: the canvas is at most this many times as high and as wide as the picture, at least 1.
        canvas_colour: RGB 0...255 of the canvas.
        crop_overlaps: one sampler per number: its crop has at least this IoU with some object. Which of the
            samplers that found a crop is used, or the whole picture, is drawn with equal chances. Empty: no
            crop.
        crop_scale: the range of sqrt(area) of a crop, as a fraction of the canvas.
        crop_aspect: the range of width / height of a crop, both as fractions of the canvas.
        crop_trials: how many crops a sampler tries.
        smallest_side: an object whose height or width on the network's picture is below this many pixels is
            dropped.
        flip_probability: how often left and right are swapped.
        colour_probability: how often each of the four changes of colour happens.
        brightness: at most this much is added to or taken from every value 0...255.
        contrast: the range of the factor on the distance of every value from `contrast_pivot`.
        contrast_pivot: the value 0...255 that a change of contrast leaves alone.
        saturation: the range of the factor on the distance of a colour from its grey.
        hue: at most this fraction of the circle of colours is turned, either way.
        paste_probability: how often a character of another picture is pasted in, see `preprocessing.paste`.
    """

    zoom_out_probability: float = 0.0
    zoom_out_limit: float = 1.0
    canvas_colour: tuple[float, float, float] = MEAN_COLOUR
    crop_overlaps: tuple[float, ...] = ()
    crop_scale: tuple[float, float] = (0.3, 1.0)
    crop_aspect: tuple[float, float] = (0.5, 2.0)
    crop_trials: int = 50
    smallest_side: float = 0.0
    flip_probability: float = 0.0
    colour_probability: float = 0.0
    brightness: float = 0.0
    contrast: tuple[float, float] = (1.0, 1.0)
    contrast_pivot: float = 0.0
    saturation: tuple[float, float] = (1.0, 1.0)
    hue: float = 0.0
    paste_probability: float = 0.0


# The samplers of section 2.2: minimum overlap 0.1, 0.3, 0.5, 0.7, 0.9, and any patch (0.0). ssd_pascal.py:
# batch_sampler with min_scale 0.3, max_scale 1, min_aspect_ratio 0.5, max_aspect_ratio 2, max_trials 50.
PAPER_OVERLAPS = (0.1, 0.3, 0.5, 0.7, 0.9, 0.0)

PRESETS: dict[str, Augmentation] = {
    # The picture, resized.
    "none": Augmentation(),
    # Liu et al. 2016, "SSD: Single Shot MultiBox Detector", sections 2.2 and 3.6; the numbers stand in the
    # authors' Caffe branch, examples/ssd/ssd_pascal.py: expand_param, batch_sampler, distort_param.
    "ssd": Augmentation(
        zoom_out_probability=0.5,  # expand_prob
        zoom_out_limit=4.0,  # max_expand_ratio
        crop_overlaps=PAPER_OVERLAPS,
        smallest_side=4.0,  # ours: an object of 3 pixels teaches nothing; the smallest anchor has 21
        flip_probability=0.5,  # mirror
        colour_probability=0.5,  # brightness_prob, contrast_prob, hue_prob, saturation_prob
        brightness=32.0,  # brightness_delta
        contrast=(0.5, 1.5),  # contrast_lower, contrast_upper
        contrast_pivot=0.0,  # cv::Mat::convertTo multiplies the plain values
        saturation=(0.5, 1.5),  # saturation_lower, saturation_upper
        hue=18.0 / 180.0,  # hue_delta 18 of OpenCV's 180 steps
    ),
    # Drawn characters are told apart by the colours of hair and eyes, so colours change little; their heads
    # are often small already, so the canvas grows less.
    "anime": Augmentation(
        zoom_out_probability=0.5,
        zoom_out_limit=2.0,
        crop_overlaps=PAPER_OVERLAPS,
        smallest_side=4.0,
        flip_probability=0.5,
        colour_probability=0.5,
        brightness=16.0,  # half the paper's
        contrast=(0.9, 1.1),
        contrast_pivot=128.0,  # about mid grey: the contrast changes and not the brightness
        saturation=(0.9, 1.1),
        hue=0.02,  # 7 degrees: the distance between two reds, not between red and orange
    ),
}


def get_preset(
    name: str, *, zoom_out_max: float | None = None, paste_probability: float = 0.0
) -> Augmentation:
    """The preset called `name`, with two of its strengths changed.

    Args:
        name: a key of `PRESETS`.
        zoom_out_max: side of the largest canvas, 1 for none; None for the preset's.
        paste_probability: 0...1.

    Raises:
        ValueError: there is none of this name; lists those that there are.
    """
    if name not in PRESETS:
        raise ValueError(f"augmentation {name!r}: no such preset; the presets are: {', '.join(PRESETS)}")
    preset = replace(PRESETS[name], paste_probability=paste_probability)
    if zoom_out_max is None:
        return preset
    probability = 0.0 if zoom_out_max == 1.0 else preset.zoom_out_probability
    return replace(preset, zoom_out_limit=zoom_out_max, zoom_out_probability=probability)
