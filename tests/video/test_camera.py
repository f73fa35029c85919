from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.video.small_videos import scene, write_video
from video import camera
from video.camera import Camera, camera_number
from video.reader import VideoError


@pytest.mark.parametrize(
    ("given", "number"),
    [
        ("webcam", 0),
        ("webcam:1", 1),
        ("webcam.mp4", None),
        ("webcam:", None),
        ("x/webcam", None),
        ("webcam:1234", None),
    ],
)
def test_which_camera_is_meant(given, number):
    assert camera_number(Path(given)) == number


def test_a_file_of_that_name_is_no_camera(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("webcam").mkdir()
    assert camera_number(Path("webcam")) is None


def test_frames_of_a_camera_have_rising_times(tmp_path, monkeypatch):
    """A video plays the camera: OpenCV opens both alike."""
    path = write_video(tmp_path / "clip.mp4", [scene(i) for i in range(5)], [40 * i for i in range(5)])
    opened = cv2.VideoCapture(str(path))
    monkeypatch.setattr(camera.cv2, "VideoCapture", lambda number: opened)
    with Camera(0) as source:
        frames = list(source.frames())
    assert len(frames) == 5
    assert (source.facts.width, source.facts.height, source.facts.rate) == (96, 72, 25)
    times = [frame.time for frame in frames]
    assert times == sorted(set(times))
    assert np.abs(frames[0].image.astype(int) - scene(0)).mean() < 8  # RGB, not BGR
    assert not opened.isOpened()


def test_no_camera_is_said(monkeypatch):
    class Absent:
        def __init__(self, number):
            pass

        def read(self):
            return False, None

        def release(self):
            pass

    monkeypatch.setattr(camera.cv2, "VideoCapture", Absent)
    with pytest.raises(VideoError, match=r"camera 3 gives no picture: is it plugged in.*webcam:1"):
        Camera(3)
