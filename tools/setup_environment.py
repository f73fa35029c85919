"""Finds a Python that TensorFlow supports and makes the environment .venv with it (tools/environment.py).

This file alone keeps to syntax that every old Python can read: it is the one that must say "too old".
"""

import os
import subprocess
import sys

TENSORFLOW = "TensorFlow 2.21"
OLDEST, NEWEST = (3, 10), (3, 13)


def supported(version):
    """Tells whether TensorFlow has wheels for this Python: (major, minor, …)."""
    return OLDEST <= tuple(version[:2]) <= NEWEST


def dotted(version):
    return ".".join(str(number) for number in version)


def complaint(version):
    """Says what is wrong with a Python that is not supported, in one line."""
    age = "old" if tuple(version[:2]) < OLDEST else "new"
    return "Python {} is too {}; {} supports {} to {}".format(
        dotted(version), age, TENSORFLOW, dotted(OLDEST), dotted(NEWEST)
    )


def version_of(python):
    """Runs the interpreter of that name; returns its version, or None where it does not run."""
    code = "import sys; print('%d %d %d' % sys.version_info[:3])"
    try:
        process = subprocess.Popen([python, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        output = process.communicate()[0]
        return tuple(int(number) for number in output.decode("ascii").split()) or None
    except (OSError, ValueError):
        return None


def find_supported(names):
    """Returns (name, version) of the first of these interpreters that TensorFlow supports, or None."""
    for name in names:
        version = version_of(name)
        if version and supported(version):
            return name, version
    return None


def main(arguments):
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    os.chdir(root)
    if supported(sys.version_info):
        sys.path.insert(0, root)
        from tools import environment

        return environment.main(arguments)

    problem = complaint(sys.version_info[:3])
    names = ["python3.{}".format(minor) for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    names.append(os.path.join(".venv", "bin", "python"))
    found = None if "--chosen" in arguments else find_supported(names)
    if found is None:
        sys.stderr.write(
            "set-up: {}.\n"
            "Install a supported one and name it, for example: make setup PYTHON=python3.12\n"
            "  Debian/Ubuntu: sudo apt-get install python3.12 python3.12-venv\n"
            "  Fedora:        sudo dnf install python3.12\n"
            "  macOS:         brew install python@3.12\n"
            "  uv:            uv python install 3.12\n".format(problem)
        )
        return 1
    note = "{}: taking {} ({})".format(problem, found[0], dotted(found[1]))
    return subprocess.call([found[0], os.path.abspath(__file__), "--note", note] + arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
