"""From uploaded bytes to pixels, within limits that hold before anything is decoded."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor

import numpy as np
from fastapi import UploadFile

from datasets.pictures import PictureError, decode_picture
from web.options import Limits
from web.refusals import Refused


def decode_upload(data: bytes, limits: Limits) -> np.ndarray:
    """The pixels of an uploaded picture, upright.

    Returns:
        uint8 [H, W, 3] RGB.

    Raises:
        Refused: empty, not a picture, damaged, or too large.
    """
    if not data:
        raise Refused(415, "The picture is empty.")
    try:
        return decode_picture(data, max_pixels=limits.max_pixels)
    except PictureError as error:
        if error.action == "refused":
            raise Refused(
                413, f"The picture has too many pixels; at most {limits.max_megapixels:g} million are taken."
            ) from None
        raise Refused(
            415, "This is not a picture that can be read; send a whole JPEG, PNG, WebP or BMP."
        ) from None


async def decode_uploads(
    uploads: Sequence[UploadFile], limits: Limits, workers: Executor
) -> list[np.ndarray]:
    """All pictures of a request, decoded one after the other in a worker thread.

    Raises:
        Refused: too many of them, or one that `decode_upload` refuses.
    """
    if len(uploads) > limits.max_pictures:
        raise Refused(
            413, f"{len(uploads)} pictures in one request; at most {limits.max_pictures} are taken at once."
        )
    loop = asyncio.get_running_loop()
    return [
        await loop.run_in_executor(workers, decode_upload, await upload.read(), limits) for upload in uploads
    ]
