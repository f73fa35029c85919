"""The drawn demo set: the same for the same seed, honest labels, nothing shared between splits."""

import random
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import skia
from PIL import Image

from datasets.drawn.cast import Pose, cast, make_stranger, names
from datasets.drawn.crowd import HARD_TO_SEE, LARGEST_HEAD, NEARLY_HIDDEN, SMALLEST_HEAD, labelled_heads
from datasets.drawn.dataset import DrawnOptions, draw_dataset, plan_episodes
from datasets.drawn.episodes import make_episode
from datasets.drawn.face import expressions
from datasets.drawn.figure import bounds, draw_figure, head_outlines
from datasets.drawn.pen import Style
from datasets.drawn.scene import Scene, compose_scene, paint_scene

FEW = {"train_episodes": 3, "val_episodes": 1, "test_episodes": 1}


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of 60 pictures, drawn by two processes."""
    folder = tmp_path_factory.mktemp("two processes") / "drawn"
    draw_dataset(DrawnOptions(folder, pictures=60, workers=2, **FEW))
    return folder


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    """Three hundred scenes of three episodes, not painted."""
    return [
        compose_scene(5, make_episode(5, episode), index)[0] for episode in (1, 2, 3) for index in range(100)
    ]


@pytest.fixture(scope="module")
def annotations(drawn: Path) -> dict[str, ElementTree.Element]:
    return {
        path.stem: ElementTree.parse(path).getroot() for path in sorted((drawn / "Annotations").glob("*.xml"))
    }


def _lines(drawn: Path, split: str) -> list[str]:
    return (drawn / "ImageSets" / "Main" / f"{split}.txt").read_text().splitlines()


def test_one_process_and_another_folder_give_the_same_bytes(drawn: Path, tmp_path: Path) -> None:
    draw_dataset(DrawnOptions(tmp_path / "elsewhere", pictures=60, workers=1, **FEW))
    assert _files(tmp_path / "elsewhere") == _files(drawn)


def test_another_seed_gives_other_pictures() -> None:
    painted = [paint_scene(*compose_scene(seed, make_episode(seed, 1), 0)) for seed in (0, 1)]
    assert painted[0] != painted[1]


def test_every_picture_has_an_annotation_of_its_size(
    drawn: Path, annotations: dict[str, ElementTree.Element]
) -> None:
    pictures = sorted((drawn / "JPEGImages").glob("*.jpg"))
    assert [path.stem for path in pictures] == sorted(annotations)
    sizes = set()
    for path in pictures:
        root = annotations[path.stem]
        with Image.open(path) as image:
            assert (image.format, image.mode) == ("JPEG", "RGB")
            size = image.size
        assert (int(root.findtext("size/width", "")), int(root.findtext("size/height", ""))) == size
        assert path.stat().st_size < 150_000
        assert root.findtext("path") == f"drawn/JPEGImages/{path.name}"  # the same on every machine
        sizes.add(size)
    assert len(sizes) > 1


def test_boxes_lie_inside_and_flags_follow_labelimg(annotations: dict[str, ElementTree.Element]) -> None:
    for stem, root in annotations.items():
        width, height = (int(root.findtext(f"size/{side}", "")) for side in ("width", "height"))
        for item in root.findall("object"):
            keys = ("xmin", "ymin", "xmax", "ymax")
            xmin, ymin, xmax, ymax = (int(item.findtext(f"bndbox/{key}", "")) for key in keys)
            assert 1 <= xmin < xmax <= width, stem
            assert 1 <= ymin < ymax <= height, stem
            touches = xmin == 1 or ymin == 1 or xmax == width or ymax == height
            assert item.findtext("truncated") == str(int(touches)), stem
            assert item.findtext("name") in names()


def test_splits_share_no_episode_and_cover_everything(
    drawn: Path, annotations: dict[str, ElementTree.Element]
) -> None:
    stems = {split: _lines(drawn, split) for split in ("train", "val", "test")}
    episodes = {split: {stem.split("_")[0] for stem in lines} for split, lines in stems.items()}
    assert {split: len(found) for split, found in episodes.items()} == {"train": 3, "val": 1, "test": 1}
    assert sum(len(found) for found in episodes.values()) == len(set.union(*episodes.values()))
    assert sorted(stems["train"] + stems["val"] + stems["test"]) == sorted(annotations)
    assert _lines(drawn, "trainval") == stems["train"] + stems["val"]


def test_the_default_plan_is_eighty_ten_ten() -> None:
    plan = plan_episodes(DrawnOptions(Path("unused")))
    assert {split: (len(parts), sum(parts.values())) for split, parts in plan.items()} == {
        "train": (12, 1440),
        "val": (2, 180),
        "test": (2, 180),
    }


def test_every_name_is_drawn_in_every_held_out_episode() -> None:
    options = DrawnOptions(Path("unused"))
    plan = plan_episodes(options)
    for split in ("val", "test"):
        for episode, count in plan[split].items():
            style = make_episode(options.seed, episode)
            found = Counter(
                label.name
                for index in range(count)
                for label in compose_scene(options.seed, style, index)[0].labels
            )
            assert set(found) == set(names()), (split, episode)
            assert min(found.values()) >= 5


def test_negatives_and_strangers_are_there_and_not_labelled(scenes: list[Scene]) -> None:
    empty = sum(not scene.figures for scene in scenes)
    strange = [scene for scene in scenes if any(item.person.name is None for item in scene.figures)]
    lonely = [scene for scene in strange if not scene.labels]
    assert 0.03 < empty / len(scenes) < 0.15
    assert 0.10 < len(strange) / len(scenes) < 0.35
    assert lonely
    for scene in scenes:
        named = sorted(item.person.name for item in scene.figures if item.person.name is not None)
        assert sorted(label.name for label in scene.labels) == named
        assert len(set(named)) == len(named)
        assert len(named) <= 4


def test_heads_of_all_sizes(scenes: list[Scene]) -> None:
    shares = np.array(
        [(item.box[3] - item.box[1]) / scene.height for scene in scenes for item in scene.figures]
    )
    assert shares.min() >= SMALLEST_HEAD - 1e-6
    assert shares.max() <= LARGEST_HEAD + 1e-6
    assert np.mean(shares < 0.16) > 0.1
    assert np.mean(shares > 0.40) > 0.1


def test_heads_are_cut_hidden_and_marked_difficult_but_never_nearly_invisible(scenes: list[Scene]) -> None:
    labels = [label for scene in scenes for label in scene.labels]
    objects = [item for scene in scenes for item in labelled_heads(scene.labels, scene.width, scene.height)]
    assert min(label.visible for label in labels) >= NEARLY_HIDDEN
    assert sum(item.difficult for item in objects) == sum(label.visible < HARD_TO_SEE for label in labels)
    assert 0.005 < np.mean([item.difficult for item in objects]) < 0.15
    assert 0.05 < np.mean([item.truncated for item in objects]) < 0.40
    assert np.mean([label.visible < 0.95 for label in labels]) > 0.1


def test_visibility_of_a_head_that_is_cut_in_half() -> None:
    # a scene is searched where the only thing that hides a head is the border; area outside = area not seen
    found = 0
    for index in range(300):
        scene, _ = compose_scene(7, make_episode(7, 1), index)
        if len(scene.figures) != 1 or scene.props or not scene.labels:
            continue
        left, top, right, bottom = scene.figures[0].box
        inside = (min(right, scene.width) - max(left, 0)) * (min(bottom, scene.height) - max(top, 0))
        part = inside / ((right - left) * (bottom - top))
        if part < 0.9:
            # a head fills its box unevenly: corners are empty, so the two differ, but not by much
            assert abs(scene.labels[0].visible - part) < 0.25
            found += 1
        elif part > 0.999:
            assert scene.labels[0].visible > 0.93
    assert found >= 3


@pytest.mark.parametrize("person", cast(), ids=[person.name or "" for person in cast()])
@pytest.mark.parametrize("turn", [-0.8, 0.0, 0.8])
def test_boxes_are_tight_around_what_is_painted(person, turn: float) -> None:
    style, unit = Style(), 100.0
    pose = Pose(300.0, 250.0, unit, turn=turn, expression="smile")
    pixels = np.zeros((700, 600, 4), np.uint8)
    draw_figure(skia.Surface(pixels).getCanvas(), person, style, pose)
    painted = pixels[:, :, 3] > 127
    left, top, right, bottom = bounds(head_outlines(person, style, pose))
    line = style.line * unit
    assert abs(np.flatnonzero(painted.any(axis=1))[0] - top) <= line + 1
    chin = 250 + unit
    assert bottom >= chin - 1
    # the line through the chin ends the head; a line's width and the turned chin may reach past it
    assert bottom <= chin + 0.06 * unit
    if person.hair in ("bob", "spiky", "messy", "ahoge"):  # nothing but the head beside the head
        columns = np.flatnonzero(painted[: int(chin) - 1].any(axis=0))
        assert abs(columns[0] - left) <= line + 1
        assert abs(columns[-1] + 1 - right) <= line + 1


def test_a_tail_is_not_a_part_of_the_head() -> None:
    hikari = cast()[0]
    left, _, right, _ = bounds(head_outlines(hikari, Style(), Pose(0.0, 0.0, 1.0)))
    assert hikari.hair == "twin tails"
    assert -1.45 < left < -1.2  # the ribbon, not the tail, which reaches to 1.9
    assert 1.2 < right < 1.45


def test_every_expression_and_every_stranger_can_be_drawn(seed: int) -> None:
    source = random.Random(seed)
    pictures = set()
    for expression in expressions():
        pixels = np.zeros((200, 200, 4), np.uint8)
        draw_figure(
            skia.Surface(pixels).getCanvas(), cast()[0], Style(), Pose(100, 100, 60, expression=expression)
        )
        pictures.add(pixels.tobytes())
    assert len(pictures) == len(expressions())
    for _ in range(30):
        pixels = np.zeros((200, 200, 4), np.uint8)
        draw_figure(skia.Surface(pixels).getCanvas(), make_stranger(source), Style(), Pose(100, 100, 60))
        assert pixels[100, 100, 3] == 255


def test_strangers_have_hair_that_nobody_of_the_cast_has(seed: int) -> None:
    source = random.Random(seed)
    special = {"cat ears", "headphones", "captain's hat", "eyepatch", "goggles", "flower", "hairpin"}
    for _ in range(300):
        stranger = make_stranger(source)
        assert stranger.name is None
        assert not special & {key for key, _ in stranger.accessories}
        for person in cast():
            distance = np.linalg.norm(np.subtract(stranger.hair_colour, person.hair_colour))
            assert distance > (0.35 if stranger.hair == person.hair else 0.12), (stranger, person.name)


def test_a_set_that_was_drawn_here_is_replaced(tmp_path: Path) -> None:
    options = DrawnOptions(tmp_path / "set", pictures=10, workers=1, **FEW)
    draw_dataset(options)
    draw_dataset(DrawnOptions(tmp_path / "set", pictures=11, seed=3, workers=1, **FEW))
    assert len(list((tmp_path / "set" / "JPEGImages").iterdir())) == 11
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


@pytest.mark.parametrize(
    ("there", "message"),
    [
        ("", "is a file; --output_dir must name a folder"),
        (
            "Annotations",
            "holds Annotations, which was not drawn here; name another --output_dir, or empty this",
        ),
        ("mine.txt", r"holds mine\.txt, which was not drawn here"),
    ],
)
def test_what_was_not_drawn_here_is_kept(there: str, message: str, tmp_path: Path) -> None:
    options = DrawnOptions(tmp_path / "set", pictures=10, workers=1, **FEW)
    if there == "mine.txt":  # added to a set that was drawn here
        draw_dataset(options)
    mine = tmp_path / "set" / there
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("keep me")
    with pytest.raises(ValueError, match=message):
        draw_dataset(options)
    assert mine.read_text() == "keep me"
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_too_few_pictures_say_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"pictures is 10, .* ask for more pictures or for fewer episodes"):
        draw_dataset(DrawnOptions(tmp_path / "set", pictures=10))
    with pytest.raises(ValueError, match="every split needs at least 1"):
        draw_dataset(DrawnOptions(tmp_path / "set", test_episodes=0))
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytes:
        raise RuntimeError("no paint left")

    monkeypatch.setattr("datasets.drawn.dataset.paint_scene", fail)
    with pytest.raises(RuntimeError, match="no paint left"):
        draw_dataset(DrawnOptions(tmp_path / "set", pictures=10, workers=1, **FEW))
    assert list(tmp_path.iterdir()) == []


def test_demo_shows_pictures_of_the_default_test_episodes() -> None:
    folder = Path(__file__).resolve().parents[3] / "demo"
    options = DrawnOptions(Path("unused"))
    held_out = plan_episodes(options)["test"]
    pictures = sorted(folder.glob("episode*.jpg"))
    assert len(pictures) == 8
    assert {path.stem for path in folder.glob("episode*.xml")} == {path.stem for path in pictures}
    counts, seen = [], set()
    for path in pictures:
        assert path.stat().st_size <= 60_000
        episode, index = (int(part) for part in path.stem.removeprefix("episode").split("_"))
        assert index < held_out[episode]
        scene, _ = compose_scene(options.seed, make_episode(options.seed, episode), index)
        heads = labelled_heads(scene.labels, scene.width, scene.height)
        drawn_now = [(item.name, item.box) for item in heads]
        root = ElementTree.parse(path.with_suffix(".xml")).getroot()
        committed = [
            (
                item.findtext("name"),
                tuple(int(item.findtext(f"bndbox/{key}", "")) for key in ("xmin", "ymin", "xmax", "ymax")),
            )
            for item in root.findall("object")
        ]
        # when the art changes on purpose: draw the set with default options and copy these files again
        assert committed == drawn_now, path.name
        counts.append(len(committed))
        seen |= {name for name, _ in committed}
    assert min(counts) == 0
    assert max(counts) == 4
    assert seen == set(names())
