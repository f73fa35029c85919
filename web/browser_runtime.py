"""What a browser needs to find characters by itself: ONNX Runtime Web, fetched once, and the model.

    python -m web.browser_runtime
    python -m web.browser_runtime PACKAGE.tgz      (what npm pack brought elsewhere)

npm brings the package; its version and the digest of each of the three files that are used are pinned here.
Without npm the page says so and uses the server. The files lie in web/runtime/, which git ignores.
"""

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from files.writing import write_bytes

if TYPE_CHECKING:  # an image is built with this before TensorFlow is there
    from nets.detector import Detector

VERSION = "1.30.0"
PACKAGE = f"onnxruntime-web@{VERSION}"
# Without WebGPU and WebGL, which are three times as large and not needed.
FILES = {
    "ort.wasm.min.mjs": "219e6a1fc8a9938268d18efca3c91d310bd2f4a59bbd13744df5b2b7fc6cee3b",
    "ort-wasm-simd-threaded.mjs": "e13f7f94fc51b4ca72b12faeb1ee95f4ace6dfbc8939bc718aabdc0a27c4299b",
    "ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
FOLDER = Path(__file__).resolve().parent / "runtime"
# A phone loads this in seconds; larger networks stay on the server.
MAX_MODEL_BYTES = 6_000_000


def browser_model(detector: "Detector", folder: Path, show_from: float) -> tuple[Path | None, str]:
    """A detector's network as a file for the browser, or why there is none: "no runtime", "too large", "off".

    A detector that is such a file already gives that, one of another format none. Writing one takes some
    seconds, so that it is done once for each network: its name says what it was made of. Below `show_from`
    nothing is a detection.
    """
    if not is_complete():
        return None, "no runtime"
    from nets import exported, onnx_export

    model, network, labels, given = detector.model, detector.network, detector.labels, b""
    if isinstance(model, exported.Exported):
        if model.path.suffix != ".onnx":
            return None, "off"
        given = model.path.read_bytes()
        size, made_of = len(given), [given]
    else:
        weights = model.get_weights()
        size = 2 * sum(weight.size for weight in weights)
        made_of = [Path(onnx_export.__file__).read_bytes(), f"{show_from} {labels}".encode(), *weights]
    if size > MAX_MODEL_BYTES:
        return None, "too large"
    path = folder / f"{hashlib.sha256(b''.join(made_of)).hexdigest()[:32]}.onnx"
    if not path.is_file():
        if not isinstance(model, exported.Exported):
            print("writing the model for browsers, once (some seconds)", flush=True)
            written = onnx_export.export_onnx(model, network, labels, score_threshold=show_from)
            given = written.SerializeToString()
        folder.mkdir(exist_ok=True)
        for old in folder.glob("*.onnx"):
            old.unlink(missing_ok=True)
        write_bytes(path, given)
    return path, ""


def is_complete(folder: Path = FOLDER) -> bool:
    """Whether all files are there, unchanged."""
    return all(
        (folder / name).is_file() and hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
        for name, digest in FILES.items()
    )


def unpack(package: Path, folder: Path, files: dict[str, str] = FILES) -> None:
    """Take the files out of a package that npm brought.

    ValueError, and nothing is written: it is no package, or a file in it is missing or not the pinned one.
    """
    contents = {}
    try:
        with tarfile.open(package) as archive:
            for name, digest in files.items():
                member = archive.extractfile(f"package/dist/{name}")
                contents[name] = member.read() if member else b""
                if hashlib.sha256(contents[name]).hexdigest() != digest:
                    raise ValueError(f"{name} in {PACKAGE} is not the pinned file")
    except (tarfile.TarError, KeyError) as error:
        raise ValueError(f"{package.name} is not {PACKAGE}: {error}") from None
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        write_bytes(folder / name, content)


def fetch(folder: Path = FOLDER) -> str:
    """Bring the files here unless they are; a sentence about what was done. ValueError where npm fails."""
    if is_complete(folder):
        return f"{PACKAGE} is there"
    npm = shutil.which("npm")
    if npm is None:
        return "npm is not on this machine: the page detects on the server only (Debian: apt-get install npm)"
    print(f"fetching {PACKAGE} with npm, once (33 MB)", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        # pack only loads the package: nothing is installed and no script of it runs.
        command = [npm, "pack", PACKAGE, "--ignore-scripts", "--pack-destination", temporary]
        process = subprocess.run(command, capture_output=True, text=True, cwd=temporary)
        packages = list(Path(temporary).glob("*.tgz"))
        if process.returncode != 0 or len(packages) != 1:
            last = (process.stderr.strip().splitlines() or ["nothing was said"])[-1]
            raise ValueError(f"npm could not fetch {PACKAGE} ({last})")
        unpack(packages[0], folder)
    return f"{PACKAGE} fetched"


def main() -> int:
    """Runs the command line; the page works without these files, so a failure to fetch them is only told."""
    given = sys.argv[1:]
    if given == ["--help"]:
        return print(__doc__) or 0
    try:
        print(fetch()) if not given else unpack(Path(given[0]), FOLDER)
    except (ValueError, OSError) as error:
        print(f"web.browser_runtime: {error}; the page detects on the server only", file=sys.stderr)
        return 1 if given else 0
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
