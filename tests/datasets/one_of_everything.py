"""A folder with one of everything that people and LabelImg produce, good and bad."""

import csv
import struct
import unicodedata
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from datasets.annotations import Annotation
from datasets.sources import source_of
from datasets.voc import OBJECT_DROPPED, VocObject, write_annotation
from tests.conftest import tables

WIDTH, HEIGHT = 96, 64
BOX = (20, 10, 60, 50)
TABLES = tables(__file__, "written_by_others")

# (file, object, kind, action): what must be said about the folder, no more and no less.
Expected = set[tuple[str, str, str, str]]


def write_one_of_everything(folder: Path) -> Expected:
    """Writes the folder and returns the problems that reading it must report."""
    writer = _Writer(folder)
    good, bad = (_accepted_xml, _accepted_pictures), (_boxes, _hostile_xml, _partners, _bad_pictures, _sizes)
    for part in (*good, *bad, _lists):
        part(writer)
    return writer.expected | {(file, item, kind, action) for file, item, kind, action in TABLES["said"]}


def draw(seed: int) -> Image.Image:
    """A picture that no other seed gives: red above, blue below, with a mark."""
    image = Image.new("RGB", (WIDTH, HEIGHT), (200, 30, 40))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, HEIGHT // 2, WIDTH, HEIGHT), fill=(30, 40, 200))
    for bit in range(12):
        if seed >> bit & 1:
            pen.rectangle((4 * bit, 0, 4 * bit + 3, 8), fill=(255, 255, 255))
    return image


def labelled(
    path: Path, image: Image.Image | np.ndarray, *names: str, verified: bool | None = None, **options: Any
) -> Path:
    """A picture and its XML beside it: every name has a box of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(path, **options)
    objects = [VocObject(name, (2 + 20 * i, 2, 18 + 20 * i, 18)) for i, name in enumerate(names)]
    write_annotation(path.with_suffix(".xml"), path, *image.size, objects, verified=verified)
    return path


def annotation(
    stem: str,
    names: tuple[str, ...],
    boxes: Sequence[Sequence[float]],
    difficult: Sequence[bool] = (),
    **size: int,
) -> Annotation:
    """What is read of a picture."""
    picture = {"width": 100, "height": 100, "turned": False, "keep_bytes": True, "digest": stem.encode()}
    return Annotation(
        **{**picture, **size}, path=Path(f"{stem}.jpg"), name=f"{stem}.jpg", stem=stem, xml=None,
        source=source_of(stem), names=names, boxes=np.array(boxes, np.float32).reshape(-1, 4),
        truncated=(False,) * len(names),
        difficult=tuple(difficult or (False,) * len(names)),
    )  # fmt: skip


def size_text(width: object = WIDTH, height: object = HEIGHT) -> str:
    return f"<size><width>{width}</width><height>{height}</height></size>"


def xml_text(*objects: str, size: str = size_text(), head: str = "") -> str:
    """The least XML that is an annotation."""
    return f"<annotation>{head}{size}{''.join(objects)}</annotation>"


def xml_object(name: str = "<name>Mira</name>", box: Sequence[object] = BOX, more: str = "") -> str:
    """The least XML that is an object."""
    sides = "".join(
        f"<{tag}>{value}</{tag}>" for tag, value in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
    )
    return f"<object>{name}{more}<bndbox>{sides}</bndbox></object>"


def rows(path: Path) -> list[dict[str, str]]:
    """What a table says, such as problems.csv."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class _Writer:
    def __init__(self, folder: Path):
        self.annotations = folder / "Annotations"
        self.pictures = folder / "JPEGImages"
        self.lists = folder / "ImageSets" / "Main"
        for path in (self.annotations, self.pictures, self.lists):
            path.mkdir(parents=True)
        self.expected: Expected = set()
        self.listed: list[str] = []
        self.seed = 0

    def picture(self, name: str, image: Image.Image | None = None, **options: Any) -> Path:
        """A new picture; its stem goes into a list."""
        self.seed += 1
        path = self.pictures / name
        (image or draw(self.seed)).save(path, **options)
        self.listed.append(path.stem)
        return path

    def xml(self, stem: str, text: str | bytes) -> None:
        data = text if isinstance(text, bytes) else text.encode()
        (self.annotations / f"{stem}.xml").write_bytes(data)

    def pair(self, name: str, *objects: str, image: Image.Image | None = None, **options: Any) -> Path:
        """A picture that Pillow can write, and an XML with objects (by default one)."""
        size = str(options.pop("size", size_text()))
        path = self.picture(name, image, **options)
        self.xml(path.stem, xml_text(*(objects or (xml_object(),)), size=size))
        return path

    def says(self, file: str, kind: str, action: str, item: str = "") -> None:
        self.expected.add((file, item, kind, action))


def _accepted_xml(to: _Writer) -> None:
    for verified in (None, True, False):
        picture = to.picture(f"ok_verified_{verified}_1.jpg")
        xml = to.annotations / f"{picture.stem}.xml"
        write_annotation(xml, picture, WIDTH, HEIGHT, [VocObject("Mira", BOX)], verified=verified)
    to.picture("ok_filename_without_suffix_1.jpg")
    to.xml("ok_filename_without_suffix_1", xml_text(xml_object(), head="<filename>elsewhere</filename>"))
    to.picture("ok_found_by_filename_1.jpg")
    windows = "<filename>ok_found_by_filename_1.jpg</filename><path>C:\\Users\\me\\nothing.jpg</path>"
    to.xml("renamed afterwards", xml_text(xml_object(), head=windows))
    to.pair("ok_float_1.jpg", xml_object(box=("20.4", "1e1", " 60.6 ", "50.0")))
    to.pair("ok_old_difficult_1.jpg", xml_object(more="<Difficult>1</Difficult><pose>Left</pose>"))
    to.pair("ok_no_size_1.jpg", size="")
    to.pair("ok_zero_size_1.jpg", size=size_text(0, 0))
    to.picture("ok_nothing_on_it_1.jpg")
    to.xml("ok_nothing_on_it_1", xml_text())
    to.picture("ok_utf16_1.jpg")
    to.xml(
        "ok_utf16_1", ('<?xml version="1.0" encoding="UTF-16"?>' + xml_text(xml_object())).encode("utf-16")
    )
    # A Mac stores the name decomposed, the XML came from Linux; the name is half character references.
    to.picture(unicodedata.normalize("NFD", "ok_がくえん_1.jpg"))
    to.xml("ok_がくえん_1", xml_text(xml_object("<name> 千&#21453;田\n</name>")))
    to.listed[-1] = "ok_がくえん_1"
    (to.pictures / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    (to.annotations / "classes.txt").write_text("Mira\n")


def _accepted_pictures(to: _Writer) -> None:
    for suffix in ("jpeg", "JPG", "png", "bmp", "webp"):
        to.pair(f"ok_suffix_{suffix}_1.{suffix}")
    for mode in ("L", "RGBA", "LA", "P", "CMYK", "I16", "1"):
        to.seed += 1
        image = draw(to.seed).convert("L" if mode == "I16" else mode)
        if mode == "I16":
            image = Image.fromarray(np.asarray(image, np.uint16) * 257)
        if mode in ("RGBA", "LA"):
            image.putalpha(Image.linear_gradient("L").resize(image.size))
        to.pair(f"ok_mode_{mode}_1." + ("jpg" if mode in ("L", "CMYK") else "png"), image=image)
    to.seed += 1
    to.pair("ok_png_named_jpg_1.jpg", image=draw(to.seed), format="PNG")


def _boxes(to: _Writer) -> None:
    objects = [one if isinstance(one, str) else xml_object(**one) for one, _, _ in TABLES["objects"]]
    to.pair("box_1.jpg", *objects)
    for number, (_, kind, action) in enumerate(TABLES["objects"], start=1):
        if kind:
            name = "" if kind == "object without name" else ": Mira"
            to.says("Annotations/box_1.xml", kind, action or OBJECT_DROPPED, f"{number}{name}")

    lost = "<object><name>Mira</name><robndbox><cx>9</cx></robndbox></object>"
    to.pair("lost_1.jpg", lost, xml_object(box=("12px", 1, "1 2", 9)))


def _hostile_xml(to: _Writer) -> None:
    secret = to.lists.parent.parent / "secret.txt"
    secret.write_text("secret")
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    laughs = f'<!DOCTYPE a [<!ENTITY l0 "ha">{laughs}]>'
    utf16 = f'<?xml version="1.0" encoding="UTF-16"?>{laughs}'.encode("utf-16")
    entity = f'<!DOCTYPE a [<!ENTITY x SYSTEM "{secret.as_uri()}">]>' + xml_text(
        xml_object("<name>&x;</name>")
    )
    network = '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd">' + xml_text(xml_object())
    laughs += xml_text(xml_object('<name a="&l9;">&l9;</name>'))
    gbk = xml_text(xml_object("<name>千反田</name>")).encode("gbk")
    texts: dict[str, str | bytes] = {
        **{"cut": xml_text(xml_object())[:-30], "gbk": gbk, "empty": "", "other": "<svg/>", "entity": entity},
        **{"network": network, "laughs": laughs, "laughs_utf16": utf16},
        "large": xml_text("<!--" + "x" * 4_000_000 + "-->"),
        "many": xml_text(*["<object/>"] * 5_001),
    }
    for name, text in texts.items():
        to.picture(f"xml_{name}_1.jpg")
        to.xml(f"xml_{name}_1", text)


def _partners(to: _Writer) -> None:
    to.xml("alone_1", xml_text(xml_object(), head="<filename>gone.jpg</filename>"))
    to.picture("unlabelled_1.jpg")
    to.pair("two_1.jpg")
    to.picture("two_1.png")
    to.pair("one_picture_1.jpg")
    to.xml("one_picture_copy", xml_text(xml_object(), head="<filename>one_picture_1.jpg</filename>"))
    first = to.pair("same_1.jpg")
    to.pair("same_2.jpg")
    (to.pictures / "same_2.jpg").write_bytes(first.read_bytes())
    to.pair("format_1.gif")
    to.listed.remove("format_1")


def _bad_pictures(to: _Writer) -> None:
    for suffix in ("jpg", "png", "bmp", "webp"):
        path = to.pair(f"cut_{suffix}_1.{suffix}")
        data = path.read_bytes()
        path.write_bytes(data[: len(data) * 2 // 3])
    for name, data in (
        ("not_a_picture_1.jpg", b"<html>404 Not Found</html>"),
        ("empty_1.jpg", b""),
        ("bomb_1.png", png_bomb(30_000, 30_000)),
        ("long_1.png", png_bomb(70_000, 1)),
    ):
        to.pair(name).write_bytes(data)


def _sizes(to: _Writer) -> None:
    """EXIF orientation and sizes that do not fit."""
    for case in TABLES["stored"]:
        exif = Image.Exif()
        exif[0x0112] = case["orientation"]
        size = size_text(*case.get("size", (WIDTH, HEIGHT))) if case.get("size") != [] else ""
        to.pair(f"{case['stem']}.jpg", xml_object(box=case.get("box", BOX)), exif=exif, size=size)
        to.says(f"Annotations/{case['stem']}.xml", *case["said"])


def _lists(to: _Writer) -> None:
    """Lists in every spelling; each listed picture is in one, but for `box_1` and `ok_float_1`."""
    stems = sorted(set(to.listed) - {"ok_float_1", "box_1"})
    train, val, test = stems[: len(stems) // 2], stems[len(stems) // 2 : -8], stems[-8:]
    spelled = [f"{train[0]}.", f"{train[1]}.jpg", f"JPEGImages/{train[2]}.jpg", f"{train[3]}  -1", ""]
    spelled += train[4:]
    (to.lists / "train.txt").write_bytes("\r\n".join([*spelled, "nobody knows this", ""]).encode("utf-8-sig"))
    (to.lists / "val.txt").write_text("\n".join([*val, "box_1"]), encoding="utf-8")
    (to.lists / "test.txt").write_text("\n".join([*test, "box_1"]) + "\n", encoding="utf-8")
    (to.lists / "Mira_train.txt").write_text("whoever -1\n")
    where = f"line {len(spelled) + 1}: nobody knows this"
    to.says("ImageSets/Main/train.txt", "list names no picture", "line ignored", where)


def png_bomb(width: int, height: int) -> bytes:
    """A small PNG of black pixels: one bit each, and deflate writes a thousand equal bytes as one."""
    rows = zlib.compress(bytes((width // 8 + 1) * height), 9)
    parts = (b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)), (b"IDAT", rows), (b"IEND", b"")
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
