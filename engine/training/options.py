"""What a training can be told. Without Keras, so that `--help` answers at once."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

VALIDATION = "validation"  # the set that tf_convert_data.py makes for choosing the best weights


@dataclass(frozen=True, kw_only=True)
class OptimizerOptions:
    """How the weights move.

    Attributes:
        optimizer: adamw, adam, sgd with Nesterov-free momentum 0.9 as in the SSD paper, or rmsprop with
            momentum 0.9.
        learning_rate: the highest, reached after the warm-up. Not given: 2e-3 for adam(w), 2e-4 for rmsprop
            and 1e-2 for sgd from random weights; 1e-4, 1e-5 and 1e-3 from others.
        learning_rate_decay_type: cosine, exponential and polynomial (a straight line) fall to
            end_learning_rate at the last step; constant stays.
        end_learning_rate: not given: 1 % of the highest.
        learning_rate_decay_factor: only with exponential: multiplies the rate after every
            num_epochs_per_decay passes instead, in stairs, as SSD-Tensorflow did.
        num_epochs_per_decay: passes over the training pictures.
        warmup_steps: steps of linear rise from 0. Not given: 5 % of the training, 500 at most.
        weight_decay: off biases and scales. With sgd it is the L2 penalty of the paper (5e-4).
        gradient_clip: largest norm of all gradients together; 0 clips nothing.
        ema_decay: the saved weights are a moving average of the trained ones, which forgets at this rate
            per step. Not given: the average spans about the last 2 % of the training. 0 saves the weights
            as they are.
        learning_rate_multipliers: scope=factor with commas between them, e.g. conv1=0.1,conv2=0.1; the first
            that holds a layer counts, others learn at the whole rate.
    """

    optimizer: Literal["adamw", "adam", "sgd", "rmsprop"] = "adamw"
    learning_rate: float | None = None
    learning_rate_decay_type: Literal["cosine", "exponential", "polynomial", "constant"] = "cosine"
    end_learning_rate: float | None = None
    learning_rate_decay_factor: float | None = None
    num_epochs_per_decay: float = 2.0
    warmup_steps: int | None = None
    weight_decay: float = 5e-4
    gradient_clip: float = 10.0
    ema_decay: float | None = None
    learning_rate_multipliers: str = ""


@dataclass(frozen=True, kw_only=True)
class LossOptions:
    """What the network is asked for, and how wrong answers count.

    Attributes:
        match_threshold: overlap (IoU) above which an anchor answers for an object; each object's best anchor
            does so in any case.
        negative_ratio: background anchors in the loss for each anchor that answers for an object.
        loss_alpha: weight of the boxes' part of the loss.
        loss: multibox keeps the hardest background (the paper); focal counts all of it, weighted by how
            wrong the network is about it.
        focal_gamma: how fast what is right already stops counting.
        focal_alpha: weight of anchors with an object; background has 1 - focal_alpha.
        box_loss: smooth_l1 of the codes (the paper), or 1 - generalised or complete IoU of the boxes; for
            these two a loss_alpha of 2 to 5 is usual.
        label_smoothing: share of each name's right answer that is spread over all names.
    """

    match_threshold: float = 0.5
    negative_ratio: float = 3.0
    loss_alpha: float = 1.0
    loss: Literal["multibox", "focal"] = "multibox"
    focal_gamma: float = 2.0
    focal_alpha: float = 0.25
    box_loss: Literal["smooth_l1", "giou", "ciou"] = "smooth_l1"
    label_smoothing: float = 0.0


@dataclass(frozen=True, kw_only=True)
class PictureOptions:
    """How training pictures are chosen and varied.

    Attributes:
        augmentation: the preset: anime keeps hair and eye colours, ssd is the paper's, none only resizes.
            The options that follow change single strengths of it.
        colour_strength: every range of colours is this many times as wide as in the preset.
        zoom_out_probability: how often a picture is placed on a larger canvas.
        zoom_out_max: side of the largest canvas, as a multiple of the picture's; 1 for none.
        crop_min: smallest crop, as sqrt(area) and a fraction of the canvas; 1 crops nothing.
        flip_probability: how often left and right are swapped.
        mosaic_probability: how often four pictures share one.
        paste_probability: how often a character of another picture is pasted in, every name as often as
            every other.
        repeat_factor: share of the pictures below which a name counts as rare; its pictures are then shown
            more often, by sqrt(repeat_factor / share) (LVIS). 0 shows all alike; 0.1 to 0.5 is usual for few
            names.
    """

    augmentation: Literal["anime", "ssd", "none"] = "anime"
    colour_strength: float = 1.0
    zoom_out_probability: float | None = None
    zoom_out_max: float | None = None
    crop_min: float | None = None
    flip_probability: float | None = None
    mosaic_probability: float = 0.0
    paste_probability: float = 0.0
    repeat_factor: float = 0.0


@dataclass(frozen=True, kw_only=True)
class TrainingOptions(OptimizerOptions, LossOptions, PictureOptions):
    """Trains an SSD on TFRecords made by tf_convert_data.py.

    Attributes:
        dataset_dir: folder of TFRecords and labels.txt.
        recipe: sets everything else for a purpose: small_cpu (a few hundred pictures, no GPU), small_gpu,
            full (thousands of pictures and a GPU). Flags that are given count more; the values are in
            engine/training/recipes.py. Not given: small_cpu if neither --model_name nor --checkpoint_path
            is given, else none.
        train_dir: folder of this training: the best weights, `last/`, metrics.csv, TensorBoard,
            first_batch.jpg. The same command goes on where an interrupted training stopped.
        model_name: ssd_300_lite (a laptop's CPU), ssd_300_mobilenet_v2 (a laptop's CPU, from COCO's weights),
            ssd_300_vgg (a GPU).
        dataset_name: look only at the sets of this name: pascalvoc_2007 means voc_2007_train and so on,
            pascalvoc or nothing means all.
        dataset_split_name: set of pictures to train on.
        validation_split_name: set that the best weights are chosen on; without such a set the last are kept.
        checkpoint_path: what to start from: a checkpoint folder (names are matched, new ones start fresh),
            an .npz or TensorFlow checkpoint of tf-slim names, or `imagenet` (downloads it). Nothing:
            random weights; with --recipe=small_cpu the shipped checkpoints/drawn_lite, unless the flag is
            given and empty.
        anchors: network: its own, as published. fitted: their shapes moved by k-means to the boxes of the
            augmented training pictures. start: those of the checkpoint folder that the training starts from,
            else the network's own.
        checkpoint_model_scope: what stands before the names in a tf-slim checkpoint; not given: found out.
        checkpoint_exclude_scopes: scopes left fresh, with commas between them (whole path components).
        trainable_scopes: scopes that train, with commas between them; not given: all.
        freeze_scopes: scopes that do not, though they lie in those that train.
        unfreeze_after: after this share of the steps everything trains, with a fresh optimiser and a new
            warm-up; 0.25 is usual. Not given: what is frozen stays so.
        freeze_batch_norm: batch normalisation keeps the statistics and scales that it starts with. Faster,
            and the only way where a file has them folded into its weights; else it does better when it
            learns, with 4 pictures a step, too. auto: on for ssd_300_mobilenet_v2 from a detector's weights.
        batch_size: pictures a step; not given: 16, fewer for a small set.
        max_number_of_steps: length of the training; not given: from passes.
        passes: over the training pictures; not given: 60, and at least 1000 steps.
        evaluate_steps: steps between validations; not given: ten validations a training.
        validation_pictures: most pictures that a validation during the training looks at; 0 for all.
        early_stopping: validations without a better mAP after which to stop; 0 never stops.
        save_interval_secs: between two saves of the training's state.
        report: at the end choose each name's threshold on the validation set, and write report.html.
        seed: of weights, order and augmentation.
        cache_pictures: keep the decoded pictures in memory. auto: if they take at most a quarter of what is
            free.
        precision: of the numbers that the network computes with; its weights are float32 in any case. auto:
            bfloat16 or float16 on GPUs that are made for it, bfloat16 for a VGG network on such a CPU, else
            float32.
        jit_compile: XLA. auto: what benchmarks/networks.py found faster for the network and device.
    """

    dataset_dir: Path
    train_dir: Path
    recipe: Literal["none", "small_cpu", "small_gpu", "full"] = "none"
    model_name: str = "ssd_300_vgg"
    dataset_name: str | None = None
    dataset_split_name: str = "train"
    validation_split_name: str = VALIDATION
    checkpoint_path: str = ""
    anchors: Literal["start", "network", "fitted"] = "start"
    checkpoint_model_scope: str | None = None
    checkpoint_exclude_scopes: str = ""
    trainable_scopes: str = ""
    freeze_scopes: str = ""
    unfreeze_after: float | None = None
    freeze_batch_norm: Literal["auto", "on", "off"] = "auto"
    batch_size: int | None = None
    max_number_of_steps: int | None = None
    passes: float | None = None
    evaluate_steps: int | None = None
    validation_pictures: int = 0
    early_stopping: int = 0
    save_interval_secs: float = 120.0
    report: bool = True
    seed: int = 0
    cache_pictures: Literal["auto", "on", "off"] = "auto"
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    jit_compile: Literal["auto", "on", "off"] = "auto"

    def __post_init__(self):
        least = {
            "batch_size": 1,
            "max_number_of_steps": 1,
            "evaluate_steps": 1,
            "warmup_steps": 0,
            "validation_pictures": 0,
            "early_stopping": 0,
            "learning_rate": 0.0,
            "weight_decay": 0.0,
            "gradient_clip": 0.0,
            "save_interval_secs": 0.0,
            "end_learning_rate": 0.0,
            "learning_rate_decay_factor": 0.0,
            "num_epochs_per_decay": 0.0,
            "match_threshold": 0.0,
            "negative_ratio": 0.0,
            "loss_alpha": 0.0,
            "focal_gamma": 0.0,
            "colour_strength": 0.0,
            "zoom_out_max": 1.0,
        }
        for flag, limit in least.items():
            value = getattr(self, flag)
            if value is not None and value < limit:
                raise ValueError(f"--{flag} must be at least {limit}, not {value}.")
        for flag in ("focal_alpha", "label_smoothing"):
            value = getattr(self, flag)
            if not 0.0 <= value < 1.0:
                raise ValueError(f"--{flag} must be at least 0 and below 1, not {value}.")
        shares = ("zoom_out_probability", "flip_probability", "mosaic_probability", "paste_probability")
        for flag in (*shares, "crop_min", "repeat_factor"):
            value = getattr(self, flag)
            if value is not None and not 0.0 <= value <= 1.0:
                raise ValueError(f"--{flag} must be in 0...1, not {value}.")
        if self.unfreeze_after is not None and not 0.0 < self.unfreeze_after < 1.0:
            raise ValueError(f"--unfreeze_after must be between 0 and 1, not {self.unfreeze_after}.")
        if self.passes is not None and self.passes <= 0.0:
            raise ValueError(f"--passes must be more than 0, not {self.passes}.")
        if self.crop_min == 0.0:
            raise ValueError("--crop_min must be more than 0; 1 crops nothing.")
        if self.ema_decay is not None and not 0.0 <= self.ema_decay < 1.0:
            raise ValueError(f"--ema_decay must be in 0...1 (0 for no average), not {self.ema_decay}.")
        if self.freeze_batch_norm == "on" and not self.checkpoint_path:
            raise ValueError(
                "--freeze_batch_norm=on needs the statistics of trained weights: give --checkpoint_path."
            )
        if self.learning_rate_decay_factor is not None and self.learning_rate_decay_type != "exponential":
            raise ValueError(
                f"--learning_rate_decay_factor={self.learning_rate_decay_factor} needs "
                f"--learning_rate_decay_type=exponential, not {self.learning_rate_decay_type}."
            )
