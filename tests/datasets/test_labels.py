import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.labels import clean_name, read_labels
from datasets.look_alikes import look_alike_names
from datasets.new_labels import extend_labels, write_labels
from tests.datasets.test_splits import TABLES

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).map(clean_name).filter(bool)


@given(st.lists(names, min_size=1, unique=True))
def test_what_is_written_is_read(tmp_path_factory, some):
    path = tmp_path_factory.mktemp("labels") / "labels.txt"
    write_labels(path, some)
    assert read_labels(path) == some
    assert [one.name for one in path.parent.iterdir()] == ["labels.txt"]  # no temporary file is left


def test_line_number_is_class_id_also_in_what_editors_write(tmp_path):
    path = tmp_path / "labels.txt"
    write_labels(path, ["千反田", "Oreki"])
    assert path.read_bytes() == "千反田\nOreki\n".encode()
    # BOM, Windows, decomposed, blank line at the end
    path.write_bytes("\ufeffMira\r\n  か\u3099 \r\n\r\n".encode())
    assert read_labels(path) == ["Mira", "が"]


MORE = (None, "there is no such file"), ("千反田".encode("gbk"), "is not UTF-8")


@pytest.mark.parametrize(("content", "message"), [*TABLES["label_files"], *MORE])
def test_says_what_is_wrong_with_a_file(tmp_path, content, message):
    path = tmp_path / "labels.txt"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        read_labels(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("some", [[], ["Mira", "Mira"], [" Mira"], ["a\nb"], [""]])
def test_refuses_to_write_what_could_not_be_read(tmp_path, some):
    with pytest.raises(ValueError, match=r"labels\.txt"):
        write_labels(tmp_path / "labels.txt", some)


@given(st.lists(names, unique=True), st.lists(names))
def test_extending_moves_no_name(existing, found):
    labels = extend_labels(existing, found)
    assert labels[: len(existing)] == existing
    assert labels[len(existing) :] == sorted(labels[len(existing) :])
    assert set(labels) == set(existing) | set(found)
    assert len(labels) == len(set(labels))
    assert extend_labels(labels, found) == labels


@pytest.mark.parametrize(("name", "clean"), [*TABLES["names"], ("R\ud83d", "R\ufffd")])
def test_clean_name(name, clean):
    assert clean_name(name) == clean


MARKS = (
    "R1 \u3000\t\0\u200b\u200c\u200d\u202e\ufe0f\u20e3\u0301\u0338←👩葛\U000e0100نक\u094d\u3164\ud83d\udcc7"
)


@given(st.text(st.one_of(st.sampled_from(MARKS), st.characters()), max_size=9))
def test_a_clean_name_is_clean_and_can_be_written(name):
    clean = clean_name(name)
    assert clean_name(clean) == clean == " ".join(clean.split())
    assert unicodedata.is_normalized("NFC", clean)
    assert {one for one in clean if unicodedata.category(one) in ("Cc", "Cf", "Cs")} <= set("\u200c\u200d")


def test_names_that_nobody_tells_apart_are_named():
    (note,) = look_alike_names(["Rin", "rin", "Ｒｉｎ", "Sora", "نیما\u200cپور", "نیماپور"])
    assert "'Rin' and 'rin' and 'Ｒｉｎ', 'نیما\\u200cپور' and 'نیماپور'. They count as different" in note
