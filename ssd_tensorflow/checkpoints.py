"""SSD-Tensorflow's checkpoints into checkpoint folders of this project, and back; either where one is needed.

Which network a file of variables holds, how much of it, and for how many classes is found out.

Both ways what was written is read again for the proof that `picture` asks for: the network written in
tf-slim gets the variables of the TensorFlow side, ours those of the checkpoint folder, and both see the
same picture. A folder appears under its name when all of it is there and proven, or not at all.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from datasets.labels import read_labels
from datasets.new_labels import write_labels
from datasets.pictures import read_picture
from datasets.problems import some_of
from engine.training.run_folder import read_metrics
from files.reading import table_beside
from nets import NETWORKS, get_network, slim_names
from nets.checkpoint import LABELS, Checkpoint, build_model, is_checkpoint, read_checkpoint
from nets.network import CLASS_HEADS, Network
from nets.saving import model_weights, versions, write_checkpoint
from nets.slim_files import find_prefix, read_slim_variables, write_slim_checkpoint
from preprocessing.resize import resize_picture
from ssd_tensorflow.witness import PUBLISHED, Difference, compare_with_witness

# What people are told.
_SAID: dict[str, str] = table_beside(__file__)
# Largest difference of an output, in float32: the same sums in another order.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Fit:
    """How much of a network there is among variables by slim name."""

    network: Network  # which
    scope: str  # what stands before the names
    found: int  # variables of the network that are there in a shape that fits, whatever the number of classes
    total: int  # variables of the network
    num_classes: int | None  # of the class heads, with background; None without heads or where they disagree

    @property
    def complete(self) -> bool:
        """Whether it is all there."""
        return self.found == self.total and self.num_classes is not None


def find_fits(variables: Mapping[str, np.ndarray], scope: str | None = None) -> list[Fit]:
    """The networks that the variables can be of, the fullest first; those without any are left out.

    Args:
        variables: slim name -> array.
        scope: what stands before the names. None: for each network what most of its variables stand under.
    """
    fits = [_fit(network, variables, scope) for network in NETWORKS.values()]
    return sorted((fit for fit in fits if fit.found), key=lambda fit: -fit.found / fit.total)


def _fit(network: Network, variables: Mapping[str, np.ndarray], scope: str | None) -> Fit:
    model = network.build(2)
    scope = next(iter(slim_names.find_scopes(model, variables)), "") if scope is None else scope.strip("/")
    wanted = {name: array.shape for name, array in slim_names.slim_variables(model, scope).items()}
    found, classes = 0, set()
    for name, shape in wanted.items():
        array = variables.get(name)
        if array is None or not np.issubdtype(array.dtype, np.floating):
            continue
        if _is_class_head(name):
            # Two classes times so many anchors there; any number of classes times as many here.
            anchors = shape[-1] // 2
            if array.shape[:-1] == shape[:-1] and array.shape[-1] % anchors == 0:
                classes.add(array.shape[-1] // anchors)
                found += 1
        else:
            found += array.shape == shape
    return Fit(network, scope, found, len(wanted), classes.pop() if len(classes) == 1 else None)


def _is_class_head(name: str) -> bool:
    return not set(CLASS_HEADS).isdisjoint(name.split("/"))


def demand_fit(
    source: Path,
    variables: Mapping[str, np.ndarray],
    labels: Sequence[str],
    model_name: str | None,
    scope: str | None,
) -> Fit:
    """The network that is there; ValueError where it is not complete, or not for these names."""
    fits = [_fit(get_network(model_name), variables, scope)] if model_name else find_fits(variables, scope)
    if not fits or not fits[0].found:
        wanted = model_name or "any network of this project"
        there = ", ".join(list(variables)[:3]) or "nothing"
        under = "" if scope is None else f" under {scope!r}"
        raise ValueError(f"{source} holds no variable of {wanted}{under}. It holds {there}, …")
    fit = fits[0]
    if fit.num_classes is not None and fit.num_classes != len(labels) + 1:
        trained = f"the {fit.network.name} in {source} was trained on {fit.num_classes - 1} (and background)"
        raise ValueError(_SAID["other_names"].format(count=len(labels), trained=trained))
    if not fit.complete:
        raise ValueError(_what_is_missing(source, fit, variables))
    return fit


def _what_is_missing(source: Path, fit: Fit, variables: Mapping[str, np.ndarray]) -> str:
    """The message when a file holds a part of a network."""
    wanted = slim_names.slim_variables(fit.network.build(fit.num_classes or 2), fit.scope)
    missing = [name for name in wanted if name not in variables]
    others = [
        f"{name} is {variables[name].dtype} {list(variables[name].shape)} instead of {list(array.shape)}"
        for name, array in wanted.items()
        if name in variables
        and variables[name].shape != array.shape
        # Without a number of classes nobody knows the shape of a class head.
        and (fit.num_classes or not _is_class_head(name))
    ]
    found = [f"{source} holds {fit.found} of the {fit.total} variables of {fit.network.name}"]
    found += [f"missing under {fit.scope!r}: {some_of(missing, 3)}"] if missing else []
    found += [some_of(others, 3)] if others else []
    found += [] if fit.num_classes else ["its class heads are missing or not all for as many names"]
    better = next((other.network.name for other in find_fits(variables) if other.complete), None)
    cure = _SAID["all_of_another" if better else "part_of_one"].format(better)
    return f"{'; '.join(found)}. {cure}"


@dataclass(frozen=True)
class Conversion:
    """What was done."""

    written: Path  # the checkpoint folder, or the prefix of the TensorFlow checkpoint
    checkpoint: Checkpoint  # of this project, on whichever side: its network, names and values
    report: slim_names.SlimReport  # variables restored and left out, under the names of the TensorFlow side
    global_step: int | None  # of the training; None where the source does not say
    differences: tuple[Difference, ...]  # of the proof; empty without one


def import_checkpoint(
    source: Path,
    labels: Sequence[str],
    output_dir: Path,
    *,
    model_name: str | None = None,
    scope: str | None = None,
    use_ema: bool = False,
    picture: Path | None = None,
) -> Conversion:
    """Make a checkpoint folder of a TensorFlow 1 checkpoint or an `.npz` of slim names.

    Args:
        source: what `read_slim_variables` takes.
        labels: the names that the network was trained on, in the order of their class ids from 1.
        output_dir: the checkpoint folder; new or empty.
        model_name: the network. None: the one whose variables are there.
        scope: what stands before the names. None: what most of the network's variables stand under.
        use_ema: take the moving averages of the weights instead of the weights.
        picture: to prove it on.

    Raises:
        ValueError: what was expected, what was found, what to do.
    """
    if is_checkpoint(source):
        raise ValueError(f"{source} is a checkpoint folder of this project already: use it as it is.")
    variables = read_slim_variables(source)
    chosen = slim_names.with_moving_averages(variables) if use_ema else variables
    fit = demand_fit(source, chosen, labels, model_name, scope)
    model = fit.network.build(len(labels) + 1)
    report = slim_names.load_slim_variables(model, chosen, scope=fit.scope)
    weights = model_weights(model)
    step = variables.get("global_step")
    global_step = None if step is None or np.ndim(step) else int(step)
    with _new_folder(output_dir) as folder:
        write_checkpoint(
            folder,
            labels=labels,
            config={
                "model_name": fit.network.name,
                "scores": fit.network.published_scores,
                "start": {
                    "source": f"import of {source.name}" + (" (moving averages)" if use_ema else ""),
                    "restored": len(report.restored),
                    "fresh": 0,
                },
                "versions": versions(),
            },
            weights=weights,
            metrics={} if global_step is None else {"step": global_step},
        )
        # The witness gets what the file holds, our network what the new folder holds.
        named = {
            f"{fit.network.name}/{name.removeprefix(fit.scope).lstrip('/')}": chosen[name]
            for name in report.restored
        }
        checkpoint = read_checkpoint(folder)
        differences = _prove(build_model(checkpoint), fit.network, named, picture) if picture else ()
    return Conversion(output_dir, checkpoint, report, global_step, differences)


def export_checkpoint(
    source: Path, output_dir: Path, *, global_step: int | None = None, picture: Path | None = None
) -> Conversion:
    """Make a TensorFlow 1 checkpoint that SSD-Tensorflow restores of a checkpoint folder.

    Args:
        source: the checkpoint folder.
        output_dir: for `model.ckpt-STEP.*`, `checkpoint` and `labels.txt`; new or empty.
        global_step: SSD-Tensorflow's counter of steps. None: the step at which the weights were saved.
        picture: to prove it on.

    Raises:
        ValueError: what was expected, what was found, what to do.
    """
    checkpoint = read_checkpoint(source)
    _demand_published(checkpoint.network)
    if checkpoint.network.anchor_layers != get_network(checkpoint.network.name).anchor_layers:
        raise ValueError(_SAID["fitted_anchors"].format(source))
    if global_step is None:
        global_step = int(read_metrics(source).get("step", 0))
    name = checkpoint.network.name
    model = build_model(checkpoint)
    weights = model_weights(model)
    variables = {f"{name}/{slim_names.slim_name(path)}": array for path, array in weights.items()}
    with _new_folder(output_dir) as folder:
        prefix = write_slim_checkpoint(folder, variables, global_step)
        write_labels(folder / LABELS, checkpoint.labels)
        differences = _prove(model, checkpoint.network, prefix, picture) if picture else ()
    report = slim_names.SlimReport(restored=list(variables), skipped=[], missing=[], reasons={})
    return Conversion(output_dir / prefix.name, checkpoint, report, global_step, differences)


def is_tensorflow_checkpoint(path: Path) -> bool:
    """Whether there is a TensorFlow 1 checkpoint, or an `.npz` in place of one."""
    try:
        return find_prefix(path).name != ""
    except ValueError:
        return False


@contextmanager
def as_checkpoint_folder(path: Path, labels: Sequence[str], model_name: str | None) -> Iterator[Path]:
    """The folder to use for the time of the block.

    Args:
        path: a checkpoint folder; a TensorFlow 1 checkpoint or an `.npz` of tf-slim names as
            `nets.slim_files.read_slim_variables` takes them.
        labels: names of the classes of a TensorFlow checkpoint without a labels.txt beside it.
        model_name: its network; None: found out. A checkpoint folder says its own, and they must agree.

    Raises:
        ValueError: neither, or another network, or another number of names.
    """
    if is_checkpoint(path):
        name = read_checkpoint(path).network.name
        if model_name not in (None, name):
            raise ValueError(_SAID["another_network"].format(path=path, name=name, model_name=model_name))
        yield path
        return
    if not is_tensorflow_checkpoint(path):
        if (path / "checkpoint").is_file() or any(path.parent.glob("*.index")):
            find_prefix(path)  # says which TensorFlow checkpoints there are
        read_checkpoint(path)  # says what is missing
    beside = (path if path.is_dir() else path.parent) / LABELS
    if beside.is_file():
        labels = read_labels(beside)
    with tempfile.TemporaryDirectory(prefix="checkpoint-") as temporary:
        folder = Path(temporary) / "imported"
        try:
            import_checkpoint(path, labels, folder, model_name=model_name)
        except ValueError as error:
            names = ", ".join(labels[:4]) + (", …" if len(labels) > 4 else "")
            whose = beside if beside.is_file() else "the dataset"
            said = _SAID["labels_taken"].format(whose=whose, names=names, beside=beside)
            raise ValueError(f"{error} {said}") from error
        yield folder


def _demand_published(network: Network) -> None:
    if network.name not in PUBLISHED:
        raise ValueError(_SAID["not_published"].format(network.name, " and ".join(PUBLISHED)))


def _prove(
    model: keras.Model, network: Network, source: Mapping[str, np.ndarray] | Path, picture: Path
) -> tuple[Difference, ...]:
    """Show a picture to ours and to the network written in tf-slim; ValueError: they do not agree."""
    _demand_published(network)
    image = keras.ops.convert_to_numpy(resize_picture(read_picture(picture), network.image_size))
    differences = tuple(compare_with_witness(model, network.name, source, image[None]))
    # Not "> TOLERANCE": a value that is not a number must not pass.
    apart = [d for d in differences if not d.largest_difference <= TOLERANCE]
    if apart:
        found = ", ".join(f"{d.output} by up to {d.largest_difference:.3g}" for d in apart)
        said = {"network": network.name, "picture": picture.name, "found": found, "allowed": TOLERANCE}
        raise ValueError(_SAID["not_proven"].format(**said))
    return differences


@contextmanager
def _new_folder(folder: Path) -> Iterator[Path]:
    """A folder under a temporary name, which gets its own at the end of the block, or goes if that fails.

    ValueError where there is something under its name.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100  (resolve() would follow a link)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(_SAID["there_already"].format(folder))
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    temporary.mkdir(parents=True)
    try:
        yield temporary
        temporary.replace(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
