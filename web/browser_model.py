"""What a browser needs to find characters by itself: the model as ONNX, and ONNX Runtime's WebAssembly."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from web.browser_runtime import FOLDER, is_complete

# A phone loads this in seconds; larger networks stay on the server.
MAX_BYTES = 6_000_000


@dataclass(frozen=True)
class BrowserModel:
    """The model as a file, or why there is none.

    Attributes:
        data: ONNX; empty where there is none.
        reason: "off", "no runtime" or "too large"; empty where there is a model.
        runtime: folder of ONNX Runtime's files.
    """

    data: bytes
    reason: str
    runtime: Path = FOLDER

    @property
    def address(self) -> str | None:
        """Changes with the model, so that a browser keeps it as long as it may."""
        return f"/model.onnx?{hashlib.sha256(self.data).hexdigest()[:16]}" if self.data else None


def browser_model(recogniser, *, wanted: bool, show_from: float, runtime: Path = FOLDER) -> BrowserModel:
    """Export a recogniser's network for the browser, where that is wanted and possible."""
    from nets.onnx.export import export_onnx

    if not wanted:
        return BrowserModel(b"", "off")
    if not is_complete(runtime):
        return BrowserModel(b"", "no runtime")
    weights = sum(int(variable.shape.num_elements()) for variable in recogniser.model.weights)
    if 2 * weights > MAX_BYTES:
        return BrowserModel(b"", "too large")
    network = recogniser.checkpoint.network
    model = export_onnx(recogniser.model, network, recogniser.labels, score_threshold=show_from)
    return BrowserModel(model.SerializeToString(), "", runtime)
