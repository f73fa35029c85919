"""Names made rare in a training set, and what stays of the others."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.rare_names import Options, main, thin_out
from datasets.conversion import convert
from datasets.options import ConversionOptions
from datasets.voc import VocObject, write_annotation

NAMES_OF = {f"p{number:02}": ("Anna", "Berta") if number % 2 else ("Anna",) for number in range(40)}


def test_so_many_pictures_of_a_rare_name_stay_and_all_of_the_others():
    stay = thin_out(NAMES_OF, ["Berta"], 5, seed=0)
    shown = Counter(name for picture in stay for name in NAMES_OF[picture])
    assert shown == {"Berta": 5, "Anna": 25}
    assert stay == sorted(stay)
    assert thin_out(dict(reversed(NAMES_OF.items())), ["Berta"], 5, seed=0) == stay
    assert thin_out(NAMES_OF, ["Berta"], 5, seed=1) != stay
    both = thin_out(NAMES_OF, ["Anna", "Berta"], 5, seed=0)
    assert Counter(name for picture in both for name in NAMES_OF[picture])["Anna"] == 5
    with pytest.raises(ValueError, match="--names Clara: no training picture shows that name"):
        thin_out(NAMES_OF, ["Anna", "Clara"], 5, seed=0)


def labelled(folder: Path) -> Path:
    (folder / "ImageSets" / "Main").mkdir(parents=True)
    for part in ("JPEGImages", "Annotations"):
        (folder / part).mkdir()
    for number, (stem, names) in enumerate(NAMES_OF.items()):
        picture = folder / "JPEGImages" / f"{stem}.png"
        Image.fromarray(np.full((40, 60, 3), 5 * number, np.uint8)).save(picture)
        objects = [VocObject(name, (1 + 5 * place, 2, 30, 30)) for place, name in enumerate(names)]
        write_annotation(folder / "Annotations" / f"{stem}.xml", picture, 60, 40, objects)
    for file, some in (("train", list(NAMES_OF)[:30]), ("val", list(NAMES_OF)[30:])):
        (folder / "ImageSets" / "Main" / f"{file}.txt").write_text("\n".join(some), encoding="utf-8")
    return folder


def test_the_copy_is_converted_with_the_validation_set_whole(tmp_path, capsys):
    options = Options(
        dataset_dir=labelled(tmp_path / "all"), output_dir=tmp_path / "rare", names=("Berta",), pictures=3
    )
    main(options)
    assert "18 of 30 training pictures stay." in capsys.readouterr().out
    converted = convert(ConversionOptions(tmp_path / "rare", tmp_path / "records"))
    shown = {
        split: Counter(name for one in some for name in one.names) for split, some in converted.sets.items()
    }
    assert shown == {"train": {"Anna": 18, "Berta": 3}, "validation": {"Anna": 10, "Berta": 5}}
    with pytest.raises(FileExistsError, match="is not empty"):
        main(options)
