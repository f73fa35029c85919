"""What a failed set-up means and what to do about it, in words; nothing is run here."""

import re
from collections.abc import Sequence

# Libraries of the system that wheels need (OpenCV the first and the third, skia the first two, then what they
# and others need in turn), with their packages on Debian and on Fedora.
SYSTEM_LIBRARIES = {
    "libGL.so.1": ("libgl1", "libglvnd-glx"),
    "libEGL.so.1": ("libegl1", "libglvnd-egl"),
    "libgthread-2.0.so.0": ("libglib2.0-0", "glib2"),
    "libglib-2.0.so.0": ("libglib2.0-0", "glib2"),
    "libxcb.so.1": ("libxcb1", "libxcb"),
    "libexpat.so.1": ("libexpat1", "expat"),
    "libz.so.1": ("zlib1g", "zlib"),
    "libstdc++.so.6": ("libstdc++6", "libstdc++"),
}

# What pip's log says, and what that means; the first that is found is told.
INSTALLATION_FAILURES = (
    (
        r"No space left on device|Errno 28",
        "the disk is full: the environment takes 3 GB (with GPU=1: 7 GB), pip's cache keeps the downloads",
    ),
    (
        r"NewConnectionError|NameResolutionError|Connect(ion)?Timeout|ReadTimeout|ProxyError|SSLError|Connection"
        r"(Reset|Refused|Aborted|Broken)|RemoteDisconnected",
        "the package index was not reached: check the connection or the proxy (HTTPS_PROXY=…); "
        "with a mirror: PIP_INDEX_URL=… make setup",
    ),
    (
        r"DO NOT MATCH THE HASHES",
        "a downloaded file is not the one that was locked: a broken download (`pip cache purge`, "
        "then again), or an index that serves other files",
    ),
    (
        r"No matching distribution found",
        "the index has no such file for this system. TensorFlow 2.21 has wheels for Linux with glibc 2.27 "
        "or newer, macOS 12 or newer on Apple silicon, and Windows; a mirror may lag behind",
    ),
)


def explain_installation(log: str) -> str:
    """Turns pip's log into the cause, as far as it is a usual one."""
    for pattern, meaning in INSTALLATION_FAILURES:
        if re.search(pattern, log):
            return meaning
    return "the lines above say why; often it is the connection, a proxy or a full disk"


def explain_import(message: str) -> str:
    """Turns an ImportError's text into what to do: install packages, where a system's library is missing."""
    match = re.search(r"(lib[\w.+-]+\.so[.\d]*): cannot open shared object file", message)
    return explain_libraries([match[1]]) if match else f"an installed package does not work: {message}"


def explain_libraries(missing: Sequence[str]) -> str:
    """Names the packages of the system's libraries that are missing.

    Args:
        missing: Their file names, as the loader names them: "libGL.so.1".
    """
    lines = [f"the system lacks {', '.join(missing)}"]
    packages = [SYSTEM_LIBRARIES[name] for name in missing if name in SYSTEM_LIBRARIES]
    if packages:
        debian, fedora = (" ".join(dict.fromkeys(names)) for names in zip(*packages, strict=True))
        lines += [
            f"  Debian/Ubuntu: sudo apt-get install {debian}",
            f"  Fedora:        sudo dnf install {fedora}",
        ]
    else:
        lines += ["  Install the package of your system that contains it."]
    return "\n".join([*lines, "Then run this again."])


def explain_missing_venv(python: str, version: str) -> str:
    """What to do where Python cannot make environments: Debian packs those parts separately."""
    return (
        f"{python} (Python {version}) lacks the modules venv and ensurepip\n"
        f"  Debian/Ubuntu: sudo apt-get install python{version}-venv\n"
        "Then run this again."
    )


def unsupported_system(system: str, machine: str, libc: str, *, gpu: bool) -> str | None:
    """Says why TensorFlow has no wheels for a system; None where it has.

    Args:
        system: As `platform.system()` gives it.
        machine: As `platform.machine()` gives it.
        libc: The first of `platform.libc_ver()`; empty for anything but glibc.
        gpu: NVIDIA's libraries are wanted.
    """
    if system == "Darwin" and machine == "x86_64":
        return "TensorFlow 2.21 has no wheels for Macs with an Intel processor (the last was 2.16)"
    if system == "Linux" and libc != "glibc":
        return "TensorFlow 2.21 needs glibc, which this Linux lacks (Alpine?): use Debian, Ubuntu, Fedora, …"
    if gpu and system != "Linux":
        return f"GPU=1 installs NVIDIA's libraries, which TensorFlow supports on Linux only, not on {system}"
    return None
