"""What a failed set-up means and what to do about it, in words; nothing is run here."""

import re

# Libraries of the system that wheels expect to find: their packages on Debian and on Fedora.
SYSTEM_LIBRARIES = {
    "libGL.so": ("libgl1", "libglvnd-glx"),
    "libEGL.so": ("libegl1", "libglvnd-egl"),
    "libgthread-2.0.so": ("libglib2.0-0", "glib2"),
    "libglib-2.0.so": ("libglib2.0-0", "glib2"),
    "libexpat.so": ("libexpat1", "expat"),
    "libxcb.so": ("libxcb1", "libxcb"),
    "libz.so": ("zlib1g", "zlib"),
    "libstdc++.so": ("libstdc++6", "libstdc++"),
}
# OpenCV needs the first and the last, skia the first two, and the loader only names one that is missing.
OFTEN_MISSING = ("libGL.so", "libEGL.so", "libgthread-2.0.so")

# What pip's log says, and what that means; the first that is found is told.
INSTALLATION_FAILURES = (
    (
        r"No space left on device|Errno 28",
        "the disk is full: the environment takes 3 GB (with GPU=1: 9 GB), pip's cache keeps the downloads",
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
    match = re.search(r"(lib[\w.+-]+?\.so)[.\d]*: cannot open shared object file", message)
    if match is None:
        return f"an installed package does not work: {message}"
    if match[1] not in SYSTEM_LIBRARIES:
        return (
            f"the system lacks a library: {match[0]}\nInstall the package that has it, then run this again."
        )
    packages = [SYSTEM_LIBRARIES[library] for library in (match[1], *OFTEN_MISSING)]
    debian, fedora = (" ".join(dict.fromkeys(names)) for names in zip(*packages, strict=True))
    return (
        f"the system lacks a library: {match[0]}\n"
        f"  Debian/Ubuntu: sudo apt-get install {debian}\n"
        f"  Fedora:        sudo dnf install {fedora}\n"
        "Then run this again."
    )


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
