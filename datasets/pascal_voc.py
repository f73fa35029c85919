"""What SSD-Tensorflow calls Pascal VOC's records: twenty names, and the sets of a --dataset_name."""

import re

# In the order of their class ids, 1 to 20: VOC_LABELS of SSD-Tensorflow's datasets/pascalvoc_common.py.
VOC_NAMES = (
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
)

_VOC_SET = re.compile(r"voc_(2007|2012)_.+")


def is_voc_set(set_name: str) -> bool:
    """Whether SSD-Tensorflow would look for Pascal VOC in a set of this name, as `voc_2007_train`."""
    return _VOC_SET.fullmatch(set_name) is not None


def set_prefix(dataset_name: str) -> str:
    """How the sets of a --dataset_name begin; empty for any.

    `pascalvoc_2007` means `voc_2007_train`, `voc_2007_test` and so on (FILE_PATTERN in SSD-Tensorflow's
    datasets/pascalvoc_2007.py); `pascalvoc` alone means all; other names stand for themselves.
    """
    rest = dataset_name.removeprefix("pascalvoc")
    if rest == dataset_name:
        return f"{dataset_name}_" if dataset_name else ""
    return f"voc{rest}_" if rest else ""
