"""Small sets of real faces and voices, made on the spot."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from PIL import Image

from assay.training.datasets.manifest_file import Manifest
from assay.training.datasets.records import Bytes, Record
from tests.real_faces import portrait

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


def record(path: str, label: str = "real", **changes: object) -> Record:
    kind = {".mp4": "video", ".wav": "audio", ".flac": "audio"}.get(Path(path).suffix, "image")
    values: dict[str, object] = {
        "dataset": "made", "path": path, "modality": kind, "label": label, **changes,
    }  # fmt: skip
    return Record(**values)  # type: ignore[arg-type]


def write_video(path: Path, frames: list[np.ndarray], rate: int = 5) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt, stream.options = "yuv420p", {"crf": "12", "preset": "ultrafast"}
        for rgb in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, "rgb24")))
        container.mux(stream.encode())


def face(shift: int = 0) -> np.ndarray:
    """The portrait with even sides, moved to the right."""
    rgb = portrait()
    rgb = rgb[: rgb.shape[0] // 2 * 2, : rgb.shape[1] // 2 * 2]
    return np.ascontiguousarray(np.roll(rgb, shift, axis=1))


def make_faces(root: Path) -> Manifest:
    """A picture, a video, a folder of pictures, a packed picture, and what has no face."""
    root.mkdir(parents=True, exist_ok=True)
    Image.fromarray(face()).save(root / "face.png")
    Image.fromarray(np.full((80, 80, 3), 90, np.uint8)).save(root / "nobody.png")
    (root / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    write_video(root / "face.mp4", [face(2 * k) for k in range(4)])
    (root / "frames").mkdir()
    for k in range(3):
        # 10 comes after 9: the names are sorted by their numbers.
        Image.fromarray(face(2 * k)).save(root / "frames" / f"frame{9 + k}.png")
    packed = (root / "face.png").read_bytes()
    (root / "train.rec").write_bytes(b"head" + packed + b"tail")
    return Manifest(
        root,
        (
            record("face.png", identity="ann"),
            record("face.mp4", "fake", identity="ann", donor="bob", method="swap"),
            record("frames", modality="frames", identity="bob"),
            record("train.rec", part=Bytes(4, len(packed)), identity="cid"),
            record("nobody.png", identity="dora"),
            record("broken.png", identity="eve"),
            record("gone.png", identity="fay"),
            record("train.rec", part=Bytes(10**12, 10), identity="gus"),
            record("sound.wav", identity="hal"),
        ),
    )
