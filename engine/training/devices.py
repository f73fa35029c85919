"""Several devices, and several processes on one host or on many, that train one network together: on JAX.

The compiled step sees each batch as one: its loss, gradients and batch normalisation are the whole batch's,
and weights those of one device up to the rounding of sums. Each process makes its own rows. Process 0 alone
writes, measures and talks; the others read its train_dir, which all must see, and wait for it between steps.
"""

import atexit
import ctypes
import os
import re
import signal
import socket
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from engine.training.options import TrainingOptions

START_SECONDS = 300  # in which all processes have to come: hosts pull images first
SILENT_SECONDS = 30  # after which one that says nothing is lost; one that dies is missed at once
LONGEST_WAIT = 24 * 3600 * 1000  # milliseconds, for what process 0 does between two steps
# How JAX's errors begin where another process is gone; too little memory is RESOURCE_EXHAUSTED.
_STATUS = re.compile("(UNKNOWN|INTERNAL|UNAVAILABLE|ABORTED|CANCELLED|DEADLINE_EXCEEDED): ")
_LOST = (
    "another process of this training has ended or cannot be reached, and its own output says why; the same "
    "command in all processes goes on from the last save."
)
_handlers: list[object] = []  # of SIGABRT, for C to call

# host:port of process 0, or None where JAX asks SLURM's variables; how many processes; which of them this is
Place = tuple[str | None, int, int]


def place_of(options: TrainingOptions, environment: Mapping[str, str]) -> Place | None:
    """By its flags, else with --devices=all by SLURM's `srun`; None if it is alone.

    ValueError: the flags do not fit together.
    """
    address, processes, number = options.coordinator, options.num_processes, options.process_id
    if (address, processes, number) == ("", None, None):
        asked = options.devices == "all" and "SLURM_STEP_NODELIST" in environment
        tasks = int(environment["SLURM_NTASKS"]) if asked else 1
        return (None, tasks, int(environment["SLURM_PROCID"])) if tasks > 1 else None
    if not address or processes is None or number is None:
        raise ValueError("--coordinator, --num_processes, --process_id go together: give all three or none.")
    if not re.fullmatch(r".+:[1-9]\d{0,4}", address) or int(address.rpartition(":")[2]) > 65535:
        where = "where process 0 runs, and a port that is free there; the same in all processes"
        raise ValueError(f"--coordinator={address} must be host:port, as in node1:9911: {where}.")
    if not 0 <= number < processes:
        allowed = f"0...{processes - 1}, for --num_processes={processes}"
        raise ValueError(f"--process_id={number} must be in {allowed}; every process has its own.")
    return (address, processes, number) if processes > 1 else None


@contextmanager
def together(place: Place | None) -> Iterator[None]:
    """In the block, which must begin before JAX computes, processes work together, until they `part`.

    Who ends otherwise does so at once, with status 1: JAX would wait for the others.
    ValueError: Keras does not run on JAX, or another process is lost. OSError: the port is taken.
    """
    if place is None:
        yield
        return
    _demand_jax("several processes")
    import jax

    address, processes, number = place
    if address and number == 0:  # JAX would crash where it is taken
        socket.create_server(("", int(address.rpartition(":")[2]))).close()
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL") != "0":  # only Python writes to standard error from now on
        sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    atexit.register(_leave)
    where = f"{address or 'the first node'} within {START_SECONDS} s"
    cure = "start all of them, and let them reach that port."
    _say_when_aborted(f"process {number}: the {processes} processes did not come together at {where}; {cure}")
    jax.config.update("jax_enable_preemption_service", False)  # it would take SIGTERM away from us
    try:
        jax.distributed.initialize(
            *place,
            cluster_detection_method="deactivate" if address else "slurm",
            initialization_timeout=START_SECONDS,
            heartbeat_timeout_seconds=SILENT_SECONDS,
        )
        _say_when_aborted(_LOST)
        yield
    except Exception as error:
        if not _STATUS.match(str(error)):
            raise
        raise ValueError(f"{_LOST} ({str(error).splitlines()[0][:160]})") from error


def part() -> None:
    """End the common work, in all processes at once; what process 0 does then is no affair of the others."""
    if process()[1] > 1:
        import jax

        jax.distributed.shutdown()
        atexit.unregister(_leave)
        signal.signal(signal.SIGABRT, signal.SIG_DFL)


def _leave() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


def _say_when_aborted(sentence: str) -> None:
    """End with it where JAX's C++, hearing of a lost process, calls abort(3): Python cannot prevent that."""

    @ctypes.CFUNCTYPE(None, ctypes.c_int)
    def aborted(number):
        print(f"error: {sentence}", file=sys.stderr)
        _leave()

    _handlers.append(aborted)
    ctypes.CDLL(None).signal(signal.SIGABRT, aborted)


def process() -> tuple[int, int]:
    """Which of how many processes this is; (0, 1) where it is alone."""
    jax = sys.modules.get("jax")
    return (jax.process_index(), jax.process_count()) if jax and jax.distributed.is_initialized() else (0, 1)


def most(number: int) -> int:
    """The largest of the numbers that all processes give here, in each of them."""
    if process()[1] == 1:
        return number
    from jax.experimental import multihost_utils

    return int(multihost_utils.process_allgather(np.int32(number)).max())


def wait_for_all(what: str) -> None:
    """Come back when all processes are here; each place has a name of its own."""
    if process()[1] > 1:
        from jax._src import distributed  # no collective of the devices, which would lose patience

        client: Any = distributed.global_state.client
        client.wait_at_barrier(what, LONGEST_WAIT)


def _demand_jax(what: str) -> None:
    if (backend := keras.backend.backend()) != "jax":
        cure = "only JAX trains on more than one device here; put KERAS_BACKEND=jax before the command."
        raise ValueError(f"{what} on Keras' backend {backend!r}: {cure}")


def device_count(options: TrainingOptions, batch_size: int) -> int:
    """How many devices, of all processes, share a batch.

    ValueError: --devices=all on another backend than JAX, or a batch that cannot be divided equally.
    """
    if options.devices == "one" and process()[1] == 1:
        return 1
    _demand_jax("--devices=all")
    import jax

    devices = jax.device_count()
    if rest := -batch_size % devices:
        cure = f"a multiple of the {devices} devices that share it, as {batch_size + rest}"
        raise ValueError(f"--batch_size={batch_size} must be {cure}.")
    return devices


def spread(variables: Iterable[keras.Variable]) -> None:
    """Under a distribution, copy variables of this device, equal in all processes, to all devices."""
    if (distribution := keras.distribution.distribution()) is not None:
        import jax

        for variable in variables:
            layout = distribution.get_variable_layout(variable).backend_layout
            value = np.asarray(keras.ops.convert_to_numpy(variable))
            variable.assign(jax.make_array_from_process_local_data(layout, value, value.shape))
