"""What a training can be told, the recipes that tell it in one word, and what follows where nobody said.

Without Keras, so that `--help` answers at once. The values of recipes stand in recipes.toml alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from boxes.anchors import family
from files.reading import table_beside

VALIDATION = "validation"  # the set that tf_convert_data.py makes for choosing the best weights

UNLABELLED = "unlabelled"  # in the training's folder, what its start said of --unlabelled_dir
WITHOUT_LABELS = Path("TRAIN_DIR") / UNLABELLED  # for people: where that is all there is to learn from
BATCH_SIZE = 16
# A smaller batch for a smaller set: the fewer steps a pass has, the more the order of pictures matters.
LEAST_STEPS_A_PASS = 8
# Where nobody said how long: however few pictures there are, a network needs some steps to move at all.
PASSES, LEAST_STEPS = 60.0, 1000
VALIDATIONS = 10
RATES = 2e-3, 1e-4  # highest learning rate where none is given: from random weights, and from others
FINAL_SHARE = 0.01  # of the highest learning rate, at the last step

# What comes with the project knows drawn heads, which is a start worth far more than none: docs/recipe.md.
CHECKPOINTS = Path(__file__).resolve().parents[2] / "checkpoints"

# Option -> the least that it may be, where it is given.
_LEAST = dict.fromkeys(("batch_size", "max_number_of_steps", "evaluate_steps", "zoom_out_max"), 1)
_LEAST |= {"num_processes": 1}
_LEAST |= dict.fromkeys(("match_threshold", "negative_ratio", "loss_alpha"), 0)
_LEAST |= dict.fromkeys(("learning_rate", "end_learning_rate", "weight_decay", "save_interval_secs"), 0)


@dataclass(frozen=True, kw_only=True)
class OptimizerOptions:
    """How the weights move."""

    #: AdamW's highest, reached after the warm-up; then it falls by a cosine. Not given: 2e-3 from random
    #: weights, 1e-4 from others.
    learning_rate: float | None = None
    end_learning_rate: float | None = None  #: at the last step; not given: 1 % of the highest.
    weight_decay: float = 5e-4  #: off biases and scales.
    #: scope=factor with commas between them, e.g. conv1=0.1,conv2=0.1; the first that holds a layer counts,
    #: others learn at the whole rate.
    learning_rate_multipliers: str = ""


@dataclass(frozen=True, kw_only=True)
class LossOptions:
    """What the network is asked for, and how wrong answers count."""

    #: overlap (IoU) above which an anchor answers for an object; each object's best one does so anyway.
    match_threshold: float = 0.5
    negative_ratio: float = 3.0  #: background anchors in the loss for each anchor that answers for an object.
    loss_alpha: float = 1.0  #: weight of the boxes' part of the loss.
    #: smooth_l1 of the codes (the paper), or 1 - generalised IoU of the boxes, for which a loss_alpha of 2
    #: to 5 is usual.
    box_loss: Literal["smooth_l1", "giou"] = "smooth_l1"


@dataclass(frozen=True, kw_only=True)
class TrainingOptions(OptimizerOptions, LossOptions):
    """Trains an SSD on TFRecords made by tf_convert_data.py."""

    #: folder of TFRecords and labels.txt. May be left out where --unlabelled_dir is given: the names are then
    #: those of the checkpoint folder.
    dataset_dir: Path = WITHOUT_LABELS
    #: folder of this training: the best weights, `last/`, metrics.csv, TensorBoard, first_batch.jpg. The same
    #: command goes on where an interrupted training stopped.
    train_dir: Path
    #: pictures without labels to learn from, too: the checkpoint folder that the training starts from labels
    #: them where it is sure, surer with names of tools.name_from_examples in it. No XML is needed or changed.
    unlabelled_dir: Path | None = None
    #: sets everything else for a purpose: small_cpu (a few hundred pictures, no GPU), small_gpu,
    #: full (thousands of pictures and a GPU). Flags that are given count more; the values are in
    #: engine/training/recipes.toml. Not given: small_cpu if neither --model_name nor --checkpoint_path is
    #: given, else none.
    recipe: Literal["none", "small_cpu", "small_gpu", "full"] = "none"
    #: ssd_300_lite (a laptop's CPU), ssd_300_mobilenet_v2 (the same, from COCO's weights),
    #: ssd_512_mobilenet_v2 (larger pictures, slower), ssd_300_vgg and ssd_512_vgg (a GPU).
    model_name: str = "ssd_300_vgg"
    #: look only at the sets of this name: pascalvoc_2007 means voc_2007_train and so on, pascalvoc or nothing
    #: means all.
    dataset_name: str | None = None
    dataset_split_name: str = "train"  #: set of pictures to train on.
    #: set that the best weights are chosen on; without such a set the last are kept.
    validation_split_name: str = VALIDATION
    #: what to start from: a checkpoint folder (names are matched, new ones start fresh), an .npz or
    #: TensorFlow checkpoint of tf-slim names, or `imagenet` (downloads it). Nothing: random weights;
    #: with --recipe=small_cpu the shipped checkpoints/anime_heads_lite, unless the flag is given and empty.
    checkpoint_path: str = ""
    #: scopes left fresh, with commas between them (whole path components).
    checkpoint_exclude_scopes: str = ""
    #: scopes that train, with commas between them; not given: all. new_names: only the outputs of names that
    #: the checkpoint folder does not know; whatever it knows stays bit for bit. Give the old pictures, too.
    trainable_scopes: str = ""
    #: network: its own, as published. fitted: their shapes moved by k-means to the boxes of the augmented
    #: training pictures. start: those of the checkpoint folder it starts from, else the network's own.
    anchors: Literal["start", "network", "fitted"] = "start"
    #: the preset: anime keeps hair and eye colours, ssd is the paper's, none only resizes.
    augmentation: Literal["anime", "ssd", "none"] = "anime"
    #: side of the largest canvas that a picture is placed on, as a multiple of the picture's; 1 for none. Not
    #: given: the preset's.
    zoom_out_max: float | None = None
    #: how often a character of another picture is pasted in, every name as often as every other.
    paste_probability: float = 0.0
    #: share of the pictures below which a name counts as rare; its pictures are then shown more often, by
    #: sqrt(repeat_factor / share) (LVIS). 0 shows all alike; 0.1 to 0.5 is usual for few names.
    repeat_factor: float = 0.0
    batch_size: int | None = None  #: pictures a step; not given: 16, fewer for a small set.
    max_number_of_steps: int | None = None  #: length of the training; not given: from passes.
    passes: float | None = None  #: over the training pictures; not given: 60, and at least 1000 steps.
    evaluate_steps: int | None = None  #: steps between validations; not given: ten validations a training.
    save_interval_secs: float = 120.0  #: between two saves of the training's state.
    seed: int = 0  #: of weights, order and augmentation.
    #: of the numbers that the network computes with; its weights are float32 in any case. auto: bfloat16 or
    #: float16 on GPUs that are made for it, bfloat16 for a VGG network on such a CPU, else float32.
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    #: one, or all: the pictures of a step are divided among all GPUs, as many to each. --batch_size counts
    #: them together, and what is learnt is the same. Needs JAX: KERAS_BACKEND=jax before the command.
    devices: Literal["one", "all"] = "one"
    #: host:port of process 0, where several train together, on all their devices: the same command in each,
    #: with its own --process_id and a --train_dir that all share. SLURM's srun needs --devices=all only.
    coordinator: str = ""
    num_processes: int | None = None  #: how many processes there are; with --coordinator.
    process_id: int | None = None  #: which of them this is: 0, 1, ...; with --coordinator.
    #: at the end write report.html: how it learnt, from what, and how good it is on the validation set.
    report: bool = True

    def __post_init__(self):
        if self.dataset_dir == WITHOUT_LABELS and isinstance(self.train_dir, Path):
            if self.unlabelled_dir is None:
                raise ValueError("give --dataset_dir, or pictures without labels as --unlabelled_dir")
            object.__setattr__(self, "dataset_dir", self.train_dir / UNLABELLED)
        for flag, least in _LEAST.items():
            value = getattr(self, flag)
            if value is not None and value < least:
                raise ValueError(f"--{flag} must be at least {least}, not {value}.")
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"--seed must be 0 to {2**32 - 1}, not {self.seed}.")
        for flag in ("paste_probability", "repeat_factor"):
            if not 0.0 <= getattr(self, flag) <= 1.0:
                raise ValueError(f"--{flag} must be in 0...1, not {getattr(self, flag)}.")
        if self.passes is not None and self.passes <= 0.0:
            raise ValueError(f"--passes must be more than 0, not {self.passes}.")


@dataclass(frozen=True, kw_only=True)
class Settings(TrainingOptions):
    """The options of a training with every value that was not given filled in, by `without_gaps`."""

    learning_rate: float = 0.0
    end_learning_rate: float = 0.0
    batch_size: int = BATCH_SIZE
    max_number_of_steps: int = LEAST_STEPS
    evaluate_steps: int = LEAST_STEPS


def without_gaps(options: TrainingOptions, pictures: int) -> tuple[Settings, str]:
    """The options without gaps for so many pictures; in one line for people the length, if it was chosen."""
    reasons = []
    batch_size, steps = options.batch_size, options.max_number_of_steps
    if batch_size is None:
        batch_size = BATCH_SIZE
        while batch_size > 1 and pictures < LEAST_STEPS_A_PASS * batch_size:
            batch_size //= 2
        fewer = f"so that a pass has at least {LEAST_STEPS_A_PASS} steps"
        reasons.append(f"{batch_size} pictures a step ({'the usual' if batch_size == BATCH_SIZE else fewer})")
    if steps is None:
        passes, least = (PASSES, LEAST_STEPS) if options.passes is None else (options.passes, 1)
        wanted = -(-passes * pictures // batch_size)
        steps = int(max(least, wanted))
        why = f"{passes:g} passes over {pictures} pictures"
        why = why if steps == wanted else f"the least; {why} would be {wanted:.0f}"
        reasons.append(f"{steps} steps ({why})")
    rate, final = options.learning_rate, options.end_learning_rate
    rate = RATES[bool(options.checkpoint_path)] if rate is None else rate
    chosen = {
        "batch_size": batch_size,
        "max_number_of_steps": steps,
        "evaluate_steps": options.evaluate_steps or max(1, -(-steps // VALIDATIONS)),
        "learning_rate": rate,
        "end_learning_rate": FINAL_SHARE * rate if final is None else final,
    }
    cure = "--batch_size and --max_number_of_steps or --passes set others"
    said = f"Not given, so chosen: {', '.join(reasons)}; {cure}." if reasons else ""
    return Settings(**{**vars(options), **chosen}), said


# Everything that a training can be told, by purpose.
RECIPES = table_beside(__file__, "recipes")

BELONGS_TO: dict[str, list[str]] = RECIPES.pop("belongs_to")


def with_recipe(recipe: str, *, without_labels: bool = False, **given: Any) -> TrainingOptions:
    """The options of a training by a recipe; what is given counts more.

    Args:
        recipe: a key of `RECIPES`, or none.
        without_labels: whether it has pictures without labels only.
        given: options by name.

    Raises:
        ValueError: it needs weights to start from.
    """
    if recipe == "none":
        return TrainingOptions(**given)
    chosen, weights = RECIPES[recipe], given.get("checkpoint_path")
    other = chosen.get("without_weights")
    if without_labels:
        other = chosen.get("without_labels", other)
    if not weights and other is None:
        needed = f"starts from trained weights: give --checkpoint_path, which is {chosen['weights']}"
        raise ValueError(f"--recipe={recipe} {needed}.")
    values = {"augmentation": "anime", **chosen["values"]}
    if other is not None and (
        without_labels or not weights or given.get("model_name") == other["model_name"]
    ):
        values |= {**other, "checkpoint_path": str(CHECKPOINTS / other["checkpoint_path"])}
    for choice, dependent in BELONGS_TO.items():
        if choice in values and family(given.get(choice, values[choice])) != family(values[choice]):
            values = {name: value for name, value in values.items() if name not in dependent}
    return TrainingOptions(**{**values, **given, "recipe": recipe})


def recipe_defaults(arguments: Sequence[str]) -> TrainingOptions:
    """What flags that a command line, not parsed yet, does not give are: values of its recipe.

    One that names none but a network or weights knows what it wants, SSD-Tensorflow's do; any other gets what
    was measured to be best for a few pictures, and runs on every machine.
    """
    import tyro  # steps are measured where there is none, too: benchmarks/gpu_rows.py

    given: dict[str, str] = {}
    for token, following in zip(arguments, [*arguments[1:], ""], strict=True):
        flag, equals, value = token.partition("=")
        if flag.startswith("--"):
            given[flag[2:].replace("-", "_")] = value if equals else following
    alone = "unlabelled_dir" in given and "dataset_dir" not in given
    named = {"model_name", "checkpoint_path"} & given.keys() and not alone
    recipe = given.get("recipe", "none" if named else "small_cpu")
    if recipe not in RECIPES or "--help" in arguments or "-h" in arguments:
        recipe = "none"  # the parser says what is wrong
    decisive = {name: given[name] for name in ("checkpoint_path", *BELONGS_TO) if given.get(name)}
    needed = {"train_dir": tyro.MISSING} | ({} if alone else {"dataset_dir": tyro.MISSING})
    return with_recipe(recipe, without_labels=alone, **needed, **decisive)
