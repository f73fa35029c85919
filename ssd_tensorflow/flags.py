"""Command lines written for SSD-Tensorflow: its flags that are gone, and how it wrote flags that are not.

A flag that is gone is accepted and answered with one line that says why. Those that still mean something are
options of the scripts. docs/from_ssd_tensorflow.md is the table for people.
"""

import dataclasses
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, get_type_hints

import tyro

T = TypeVar("T")


def _gone(text: str) -> dict[str, str]:
    """Flag -> why it has nothing left to do; a row is flags, colon, reason, and may go on indented."""
    rows = re.sub(r"\n +", " ", text).split("\n")
    return {flag: why for flags, why in (row.split(": ", 1) for row in rows if row) for flag in flags.split()}


_EVERYWHERE = """
num_preprocessing_threads: tf.data chooses it by itself
num_classes: counted in labels.txt
gpu_memory_fraction: a GPU's memory is taken as it is needed, so that training and evaluation can share one
"""
# Flags of SSD-Tensorflow's train_ssd_network.py, eval_ssd_network.py and tf_convert_data.py (balancap, last
# version) that have nothing left to do; those from `loss` on are of this project, until CHANGELOG.md says so.
TRAINING = _gone(f"""{_EVERYWHERE}
num_clones: runs on one device, a GPU where there is one
clone_on_cpu: runs on the CPU where there is no GPU; CUDA_VISIBLE_DEVICES=-1 hides the GPUs
num_readers: tf.data chooses it by itself
log_every_n_steps: the progress bar shows every step
save_summaries_secs: TensorBoard's curves get a point every 10 steps
adadelta_rho adagrad_initial_accumulator_value ftrl_learning_rate_power ftrl_initial_accumulator_value ftrl_l1
  ftrl_l2: --optimizer is adamw, adam, sgd or rmsprop
adam_beta1 momentum rmsprop_momentum rmsprop_decay: has the value that was SSD-Tensorflow's default, 0.9
adam_beta2: has the value that was SSD-Tensorflow's default, 0.999
opt_epsilon: is 1e-7: with SSD-Tensorflow's 1.0 Adam hardly moved the weights
labels_offset: class ids are line numbers of labels.txt, and 0 is background
preprocessing_name: --augmentation chooses it
train_image_size: the network's name says the size of its pictures
checkpoint_model_scope: what stands before a checkpoint's names is found out
ignore_missing_vars: what the checkpoint has is restored, the rest starts fresh, and both are counted
label_smoothing: has no effect, as there; and where it had one it was measured worse (docs/recipe.md)
moving_average_decay: the saved weights are always averages, over the last 2 % of the training
learning_rate_decay_factor num_epochs_per_decay: the learning rate falls over the whole training, to
  --end_learning_rate
loss focal_gamma focal_alpha mosaic_probability freeze_scopes unfreeze_after: is gone, for it was measured no
  better (docs/recipe.md)
colour_strength crop_min flip_probability zoom_out_probability: --augmentation fixes it
  (preprocessing/presets.py)
warmup_steps gradient_clip ema_decay: follows from the length of the training, or is fixed
validation_pictures: all of the validation set is measured
cache_pictures jit_compile: the machine decides it
freeze_batch_norm: the network and what it starts from decide it
""")
EVALUATION = _gone(f"""{_EVERYWHERE}
select_threshold: has the value that was SSD-Tensorflow's default, 0.01
select_top_k: the best 200 anchors of each name are looked at
keep_top_k: has the value that was SSD-Tensorflow's default, 200
nms_threshold: has the value that was SSD-Tensorflow's default, 0.45
matching_threshold: VOC's average precision is at 0.5, COCO's from 0.5 to 0.95
eval_resize: pictures are warped to the network's size, as WARP_RESIZE did
eval_image_size: the network's name says the size of its pictures
remove_difficult: difficult objects do not count, as VOC wants it
preprocessing_name: evaluation only resizes
moving_average_decay: a checkpoint folder has the averaged weights, and tools.slim_checkpoint import --use_ema
  makes one of a TensorFlow checkpoint's averages
master: everything runs in this process
""")
CONVERSION: dict[str, str] = {}

# Of those that are gone, the ones that may stand without a value.
_GONE_BOOLEANS = frozenset({"clone_on_cpu", "ignore_missing_vars", "remove_difficult"})
# Other words for the same; sgd has momentum 0.9 here.
_VALUES = {("optimizer", "momentum"): "sgd", ("learning_rate_decay_type", "fixed"): "constant"}
_TRUTH = {"true": True, "t": True, "1": True, "yes": True, "y": True}
_TRUTH |= {"false": False, "f": False, "0": False, "no": False, "n": False}


def parse(options: type[T], arguments: Sequence[str] | None, gone: Mapping[str, str], **settings: Any) -> T:
    """Reads a command line in SSD-Tensorflow's way of writing or tyro's, and prints why flags are gone.

    Args:
        options: frozen dataclass whose fields are the flags.
        arguments: the command line; None for this process's own.
        gone: flag -> why it has nothing left to do.
        settings: for `tyro.cli`.
    """
    given = sys.argv[1:] if arguments is None else arguments
    modern, notes = modernise(given, options, gone)
    parsed = tyro.cli(options, args=modern, use_underscores=True, **settings)
    for note in notes:
        print(note)
    return parsed


def modernise(
    arguments: Sequence[str], options: type, gone: Mapping[str, str]
) -> tuple[list[str], list[str]]:
    """A command line as tyro takes it, and one line for each flag that is gone.

    `--flag=True`, `--flag=false`, `--flag True` and `--noflag` of tf.app.flags become `--flag` and
    `--no_flag`; ` =value` with a blank before it, which tutorials copied from each other, joins its flag.
    Arguments are those of `parse`; fields of dataclasses in `options` count as its own.
    """
    booleans = _booleans(options)
    tokens, modern, notes = list(arguments), [], {}
    while tokens:
        token = tokens.pop(0)
        if not token.startswith("--"):
            modern.append(token)
            continue
        if tokens and tokens[0].startswith("=") and "=" not in token:
            token += tokens.pop(0)
        flag, equals, value = token.removeprefix("--").partition("=")
        name = flag.replace("-", "_")
        positive = re.sub(r"^no_?", "", name)
        if name in gone or (positive in gone and positive in _GONE_BOOLEANS):
            name = name if name in gone else positive
            takes_next = not equals and tokens and not tokens[0].startswith("--")
            if takes_next and (name not in _GONE_BOOLEANS or tokens[0].lower() in _TRUTH):
                tokens.pop(0)
            notes[name] = f"--{name}: {gone[name]}."
        elif name in booleans:
            if not equals and tokens and tokens[0] in ("True", "False", "true", "false"):
                equals, value = "=", tokens.pop(0)
            truth = _TRUTH.get(value.lower()) if equals else True
            if truth is None:
                raise ValueError(f"--{name}={value}: must be True or False.")
            modern.append(f"--{name}" if truth else f"--no_{name}")
        elif positive in booleans and not equals:
            modern.append(f"--no_{positive}")
        else:
            modern.append(f"--{name}{equals}{_VALUES.get((name, value), value)}")
            if not equals and tokens:
                tokens[0] = _VALUES.get((name, tokens[0]), tokens[0])
    return modern, list(notes.values())


def _booleans(options: type) -> set[str]:
    """Names of the bool fields of a dataclass and of the dataclasses in it."""
    found = set()
    for name, kind in get_type_hints(options).items():
        if kind is bool:
            found.add(name)
        elif dataclasses.is_dataclass(kind) and isinstance(kind, type):
            found |= _booleans(kind)
    return found
