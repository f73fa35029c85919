from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.folder import GivenSplits, given_splits
from datasets.sources import source_of, sources_of, units_of
from datasets.splits import SPLITS, Assignment, SplitOptions, assign, hash_fraction, make_splits
from tests.conftest import tables, tree

DEFAULT = SplitOptions()
TABLES = tables(__file__, "written_by_others")


def episodes(count: int, frames: int = 30) -> list[str]:
    return [f"episode{episode:03d}_{1000 * frame:06d}" for episode in range(count) for frame in range(frames)]


def test_a_source_is_in_one_split():
    stems = episodes(60)
    assignment = make_splits(stems, DEFAULT)
    assert assignment.by == "source"
    assert assignment.splits == {stem: assignment.keys[source_of(stem)] for stem in stems}
    counts = [list(assignment.keys.values()).count(split) for split in SPLITS]
    # 60 draws with 0.8, 0.1, 0.1: three standard deviations.
    assert 38 <= counts[0] <= 57
    assert min(counts[1:]) >= 1
    assert max(counts[1:]) <= 13


def test_lists_count_where_they_are_and_are_asked_for(tmp_path):
    stems = episodes(12)
    by_lists = SplitOptions(split_by="lists")
    with pytest.raises(ValueError, match=r"--split_by lists: there is no train\.txt.* --split_by source"):
        assign(stems, None, by_lists)
    # One list of one name, and of something else, do not count.
    folder = tree(tmp_path / "ImageSets/Main", dict.fromkeys(("dog_train.txt", "layout.txt"), stems[0]))
    unused = given_splits(tmp_path, stems)
    assert assign(stems, unused, DEFAULT).splits == assign(stems, None, DEFAULT).splits
    assert assign(stems, unused, DEFAULT).notes[0].startswith("ImageSets/Main (dog_train.txt) is not used: ")
    (folder / "train.txt").write_text(f"{stems[0]}\nleft_out\n")
    lists = given_splits(tmp_path, [*stems, "left_out"])
    for options in (DEFAULT, by_lists):
        found = assign(stems[:1], lists, options)
        assert (found.by, found.splits, found.problems) == ("lists", {stems[0]: "train"}, ())
    by_source = assign(stems, lists, SplitOptions(split_by="source"), {"episode000": "test"})
    assert by_source.keys["episode000"] == "test"
    assert by_source.notes[0] == "ImageSets/Main is not used: --split_by source divides anew."


@pytest.mark.parametrize("case", TABLES["splits"], ids=lambda case: case["said"])
def test_splits_that_are_there_already(tmp_path, case):
    tree(tmp_path, {f"{name}.txt": text for name, text in case.get("lists", {}).items()})
    lists = given_splits(tmp_path, case["pictures"])
    found = assign(case["pictures"][:3], lists, DEFAULT)
    assert ([*map(found.splits.get, case["pictures"][:3])], found.problems) == ([*SPLITS], ())
    assert found.notes[0].startswith(case["said"])


def test_known_assignment():
    """Literal, because it must be the same on every machine and in every later version."""
    assert hash_fraction(0, "episode03") == 0.6060475982676252
    keys = make_splits(episodes(12), DEFAULT).keys
    others = {"episode002": "test", "episode005": "validation", "episode006": "test", "episode007": "test"}
    assert keys == {**dict.fromkeys(keys, "train"), **others}


stems_of = st.text("ab0123_", min_size=1, max_size=8)


@given(st.sets(stems_of, max_size=30), st.sets(stems_of))
def test_adding_pictures_moves_none(stems, more):
    """With what dataset.json remembers, always; without it, wherever no split would have been empty."""
    before = make_splits(sorted(stems), DEFAULT)
    after = make_splits(sorted(stems | more), DEFAULT, earlier=before.keys)
    if before.by == after.by != "block":
        assert {stem: after.splits[stem] for stem in stems} == dict(before.splits)


@given(st.integers(20, 60), st.integers(0, 1000))
def test_adding_episodes_moves_none_even_without_memory(count, seed):
    options = SplitOptions(seed=seed)
    before, after = (make_splits(episodes(number, 2), options).keys for number in (count, count + 5))
    moved = [source for source in before if after[source] != before[source]]
    assert len(moved) <= 2  # only a source that was given to an empty split may return


@given(
    st.sets(stems_of, min_size=3, max_size=40), st.integers(0, 100), st.sampled_from(["source", "picture"])
)
def test_no_split_is_empty(stems, seed, by):
    assignment = make_splits(sorted(stems), SplitOptions(split_by=by, seed=seed))
    assert set(assignment.splits.values()) == set(SPLITS)
    assert set(assignment.splits) == stems


words = st.sets(st.text("ab01", min_size=1), min_size=1)


@given(words, st.integers(0, 9), st.sampled_from(["source", "picture"]))
def test_copies_are_never_parted(stems, seed, by):
    ends = ("_jpg.rf.a1", "_jpg.rf.b2", " - Copy", "_hflip")
    copies = {f"{stem}{end}": stem for stem in stems for end in ends}
    splits = make_splits([*stems, *copies], SplitOptions(split_by=by, seed=seed)).splits
    assert {copy: splits[copy] for copy in copies} == {copy: splits[stem] for copy, stem in copies.items()}


def test_what_makes_figures_flatter_is_said():
    alone = [f"of {number:x}x_1" for number in range(30)]
    for stems, said in ((episodes(3, 10), False), (alone, True), (alone[:10], False)):
        assert (
            any("Nearly every picture counts" in note for note in make_splits(stems, DEFAULT).notes) == said
        )
    lists = GivenSplits("lists", {"train": ["x_jpg.rf.a1", "a/1"], "test": ["x_jpg.rf.b2", "b/1"]})
    notes = assign([*lists.members["train"], *lists.members["test"]], lists, DEFAULT).notes
    assert "Copies of 1 pictures stand in several splits" in notes[-1]


def test_keys_of_earlier_versions_hold():
    """When the file name alone was the key, and folders and moments did not count."""
    stems = ["ep01/frame_1", "ep02/frame_1", "images/dog_1", "b.mp4#t=1.5", "b.mp4#t=1.7", "c_1"]
    earlier = {"frame": "test", "dog": "validation", "b.mp4#t=1": "test"}
    keys = make_splits(stems, DEFAULT, earlier=earlier).keys
    assert [keys[key] for key in ("ep01", "ep02", "b", "dog")] == ["test", "test", "test", "validation"]


@pytest.mark.parametrize(("count", "missing"), [(1, "validation and test"), (2, "test")])
def test_too_few_pictures_are_said(count, missing):
    assignment = make_splits(episodes(1, count), DEFAULT)
    assert "train" in assignment.splits.values()
    assert any(f"Too few pictures: {missing} got none." in note for note in assignment.notes)


def test_too_few_sources_are_cut_into_blocks_each_and_anew_when_pictures_come():
    stems = [f"raccoon-{number}" for number in range(1, 201)]
    assignment = make_splits(stems, DEFAULT, earlier=make_splits(stems[:100], DEFAULT).keys)
    assert assignment == make_splits(stems, DEFAULT)
    assert (assignment.by, assignment.keys) == ("block", {})
    order = ["train"] * 160 + ["validation"] * 20 + ["test"] * 20
    assert [assignment.splits[stem] for stem in stems] == order  # 9 before 10
    for said in ("1 source (raccoon...)", "--split_by picture", "Pictures that come later move the cuts"):
        assert said in assignment.notes[0]
    both = make_splits(episodes(2, 50), DEFAULT).splits
    for episode in ("episode000", "episode001"):
        splits = [split for stem, split in both.items() if source_of(stem) == episode]
        assert [splits.count(split) for split in SPLITS] == [40, 5, 5]


def test_unwanted_splits_stay_empty():
    for count, fractions, wanted in TABLES["unwanted"]:
        options = SplitOptions(split_fractions=tuple(fractions))
        assert set(make_splits(episodes(count), options).splits.values()) == {*wanted}


def test_unequal_sources_are_said():
    stems = [*episodes(3, 5), *(f"film_{number}" for number in range(500))]
    assert any("--seed tries another" in note for note in make_splits(stems, SplitOptions(seed=1)).notes)


@pytest.mark.parametrize("fractions", [(0.8, 0.1, 0.2), (0.0, 0.5, 0.5), (1.2, -0.1, -0.1)])
def test_fractions_that_are_none(fractions):
    with pytest.raises(ValueError, match=r"--split_fractions .*their sum 1"):
        SplitOptions(split_fractions=fractions)


def _assign(tmp_path, stems: list[str], known: Sequence[str] = (), /, **lists: str) -> Assignment:
    tree(tmp_path / "ImageSets/Main", {f"{name}.txt": content for name, content in lists.items()})
    return assign(stems, given_splits(tmp_path, [*stems, *known]), DEFAULT)


def test_spellings_of_a_line(tmp_path):
    lines = ["01", "02.", "03.jpg", "04.xml", "JPEGImages/05.jpg", "C:\\p\\06.jpg", "07  1", "08 -1", " 09\t"]
    stems = [f"{number:02}" for number in range(1, 10)]
    assignment = _assign(tmp_path, stems, train="\ufeff\r\n" + "\r\n\r\n".join([*lines, ""]))
    assert (assignment.splits, assignment.problems) == (dict.fromkeys(stems, "train"), ())


def test_lists_are_honoured(tmp_path):
    lists = {"train": "a\nb\nmany\nnone\n", "val": "c\nb\n"}
    assignment = _assign(tmp_path, ["a", "b", "c", "e"], ["many"], **lists)
    assert assignment.splits == {"a": "train", "b": "validation", "c": "validation"}
    assert assignment.notes == ("ImageSets/Main gives no pictures for test.",)
    said = {(problem.file, problem.object, problem.kind, problem.action) for problem in assignment.problems}
    assert said == {
        ("ImageSets/Main", "b", "picture in two lists", "kept in validation only"),
        ("ImageSets/Main", "e", "picture in no list", "left out"),
        ("ImageSets/Main/train.txt", "line 4: none", "list names no picture", "line ignored"),
    }


def test_trainval_is_divided(tmp_path):
    stems = episodes(20)
    lists = {"trainval": "\n".join(stems[:-30]), "test": "\n".join(stems[-30:])}
    assignment = _assign(tmp_path, stems, **lists)
    assert {stem for stem, split in assignment.splits.items() if split == "test"} == set(stems[-30:])
    train, validation = (
        {source_of(stem) for stem in stems if assignment.splits[stem] == split} for split in SPLITS[:2]
    )
    assert train
    assert validation
    assert not train & validation
    assert not assignment.problems


@pytest.mark.parametrize("case", TABLES["together"], ids=str)
def test_lists_together(tmp_path, case):
    splits = case["splits"]
    assert _assign(tmp_path, [*splits, "frame"], **case["lists"]).splits == splits


@pytest.mark.parametrize(("source", "names"), TABLES["sources"].items())
def test_file_names_tell_the_film(source, names):
    assert {name: source_of(name) for name in names} == dict.fromkeys(names, source)


@given(st.text() | st.text("a0159_-.[]() #@t=:,hms千/", max_size=14))
def test_any_name_has_a_source_that_its_frames_have_too(name):
    source = source_of(f"{name}_0000000")
    assert source_of(f"{source}_0001500") == source_of(f"{source}_9999000") == source
    assert source_of(name) in name


def test_folders_tell_what_names_do_not_and_copies_are_known():
    for sources in TABLES["folders"]:
        assert sources_of(sources) == sources
    units = {name: unit for unit, names in TABLES["units"].items() for name in names}
    assert units_of(units) == units
