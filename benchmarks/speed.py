"""`python benchmarks/speed.py`: how long things take, each beside what decoding alone takes.

Start-up, one face, a 12-megapixel portrait, a 720p video, in one run on one machine; writes
benchmarks/results/speed.json. Compare ratios, not seconds: machines differ.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import av
import cv2
import numpy as np

import assay
from assay.bundles import open_network
from assay.case import Case
from assay.detectors.face_blending import FaceBlending
from assay.inputs.face import prepare
from assay.media.image import read_image
from assay.media.probe import probe
from assay.media.video import read_frames
from assay.options import Options

HERE = Path(__file__).parent
PORTRAIT = HERE.parent / "examples" / "astronaut.jpg"
VIDEO_SECONDS = 20


def seconds(action: Callable[[], object], repeats: int = 5) -> float:
    """The median of some runs after one to warm up."""
    action()
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        action()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def start_up() -> dict[str, float]:
    def run(*arguments: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, *arguments], capture_output=True, check=True)

    bare = seconds(run("-c", "pass"))
    return {
        "python_alone_s": bare,
        "import_assay_s": seconds(run("-c", "import assay")),
        "assay_help_s": seconds(run("-m", "assay", "--help")),
    }


def one_face() -> dict[str, float]:
    case = Case(probe(PORTRAIT))
    view = case.face_views(case.tracks[0].track_id)[0]
    detector = FaceBlending()
    network = open_network(detector.name)
    crop = np.stack([prepare(view, detector.input)])
    return {
        "prepare_ms": 1000 * seconds(lambda: prepare(view, detector.input), 20),
        "network_ms": 1000 * seconds(lambda: network.run(crop), 20),
    }


WITHOUT_PIXEL_FORENSICS = (
    "face_blending", "face_geometry", "frequency_traces", "synthetic_picture", "metadata",
    "provenance",
)  # fmt: skip


def portrait_12_megapixels(folder: Path) -> dict[str, float]:
    small = cv2.imread(str(PORTRAIT))
    large = cv2.resize(small, (3464, 3464), interpolation=cv2.INTER_CUBIC)
    path = folder / "portrait.jpg"
    cv2.imwrite(str(path), large, [cv2.IMWRITE_JPEG_QUALITY, 92])
    media = probe(path)
    decoding = seconds(lambda: read_image(media, 200.0), 3)
    whole = seconds(lambda: assay.detect(path), 3)
    steady = seconds(lambda: assay.detect(path, stability=False), 3)
    few = seconds(lambda: assay.detect(path, detectors=WITHOUT_PIXEL_FORENSICS), 3)
    return {
        "decoding_alone_s": decoding,
        "detect_s": whole,
        "detect_without_stability_s": steady,
        "detect_without_pixel_forensics_s": few,
        "times_decoding": whole / decoding,
    }


def video_720p(folder: Path) -> dict[str, float]:
    path = folder / "video.mp4"
    write_video(path)
    media = probe(path)
    times = Case(media).frame_times_s
    decoding = seconds(lambda: list(read_frames(media, times, lambda: None)), 3)
    whole = seconds(lambda: assay.detect(path), 3)
    return {
        "duration_s": float(VIDEO_SECONDS),
        "frames_examined": float(len(times)),
        "decoding_alone_s": decoding,
        "detect_s": whole,
        "times_real_time": VIDEO_SECONDS / whole,
        "times_decoding": whole / decoding,
    }


def write_video(path: Path) -> None:
    """The portrait in motion on 1280 x 720, 25 frames a second."""
    portrait = cv2.resize(cv2.imread(str(PORTRAIT)), (720, 720))
    rng = np.random.default_rng(0)
    background = cv2.resize(rng.integers(0, 255, (36, 64, 3), dtype=np.uint8), (1280, 720))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "23"})
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        for i in range(25 * VIDEO_SECONDS):
            frame = background.copy()
            left = int(280 + 200 * np.sin(i / 20))
            frame[:, left : left + 720] = portrait
            picture = av.VideoFrame.from_ndarray(frame, format="bgr24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        result = {
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": "python benchmarks/speed.py",
            "machine": platform.machine(),
            "cores": os.cpu_count(),
            "assay_version": assay.__version__,
            "options": {"frames": Options().frames, "stability": Options().stability},
            "start_up": start_up(),
            "one_face": one_face(),
            "portrait_12_megapixels": portrait_12_megapixels(Path(folder)),
            "video_720p": video_720p(Path(folder)),
        }
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "speed.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
