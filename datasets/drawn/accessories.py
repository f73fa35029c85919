"""Ribbons, glasses, hats, ears: the things on a head by which one knows it from afar (accessories.toml)."""

from datasets.drawn.colours import Colour
from datasets.drawn.pen import Layer, Style, record
from datasets.drawn.strokes import play, table


def accessory_layers(key: str, style: Style, base: Colour) -> list[tuple[str, Layer]]:
    """Returns the sheets of an accessory in its colour, each with its place.

    A place is ``behind`` (under the front hair), ``face`` (on the face, under the fringe) or ``top`` (over
    everything).
    """
    drawings = table("accessories")
    layers = []
    for sheet in drawings[key]:
        rows = sheet["draw"] if isinstance(sheet["draw"], list) else drawings[sheet["draw"]]
        if "at" in sheet:
            rows = [["at", sheet["at"], rows]]
        for side in (-1.0, 1.0) if sheet.get("both") else (1.0,):
            layer = record(
                style,
                lambda pen, rows=rows, side=side: play(pen, rows, {"base": base}, side=side),
                head=sheet.get("head", False),
                depth=sheet.get("depth", 0.0),
            )
            layers.append((sheet["place"], layer))
    return layers
