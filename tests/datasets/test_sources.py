import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.sources import source_of, sources_of, units_of

TABLES = tomllib.loads(Path(__file__).with_name("written_by_others.toml").read_text(encoding="utf-8"))


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
