"""How often `video_history` and `sound_history` tell what was done, and of genuine files what not.

    python benchmarks/histories.py SHARED/data cache/videos_web cache/voices_web

Genuine files are taken as they are. Edits are made here: pictures at half size (which removes the
traces of the compression that each source carries) are encoded twice, with other key frames, and
in between seven are taken out, ten frozen or thirty repeated; sounds go through a codec and back,
are cut after it, or joined to a part of another bandwidth. Writes results/histories.json.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np

from assay.case import Case
from assay.detectors.sound_history import SoundHistory
from assay.detectors.video_history import VideoHistory
from assay.errors import AssayError
from assay.evaluation.metrics import rate_interval
from assay.media.audio import resampled
from assay.media.probe import probe

RESULT = Path(__file__).parent / "results" / "histories.json"
VIDEO_SUFFIXES = {".mp4", ".mov", ".webm", ".mpg"}
MOST_PICTURES = 250
LEAST_PICTURES = 90
SECOND = {
    "H.264 without B-frames": ("libx264", {"g": "250", "bf": "0", "crf": "23"}),
    "H.264 with B-frames": ("libx264", {"crf": "23"}),
    "MPEG-4": ("mpeg4", {"g": "30", "b": "600000"}),
}
SOUND_CODECS = {
    "MP3 48": ("libmp3lame", "mp3", 48_000),
    "MP3 64": ("libmp3lame", "mp3", 64_000),
    "MP3 96": ("libmp3lame", "mp3", 96_000),
    "AAC 48": ("aac", "ipod", 48_000),
    "AAC 96": ("aac", "ipod", 96_000),
}


def said(detector: Any, path: Path) -> tuple[set[str], float, float]:
    """The codes of what is told, the raw logit and the seconds it took."""
    started = time.monotonic()
    (evidence,) = detector().examine(Case(probe(str(path))))
    took_s = time.monotonic() - started
    severe = {one.code.partition("_history_")[2] for one in evidence.findings}
    notable = {"any notable" for one in evidence.findings if one.severity != "info"}
    return severe | notable, float(evidence.details.get("raw_logit", float("nan"))), took_s


def table(rows: Sequence[set[str]]) -> dict[str, Any]:
    """Each code's count and share with its 95 % interval."""
    counts = Counter(code for row in rows for code in row)
    n = len(rows)
    return {
        "n": n,
        "told": {
            code: {"n": k, "share": round(k / n, 4), "interval": rounded(rate_interval(k, n))}
            for code, k in sorted(counts.items())
        },
        "none_of_the_rest_in": rounded(rate_interval(0, n)) if n else None,
    }


def rounded(pair: tuple[float, float]) -> list[float]:
    """Both ends with four digits."""
    return [round(one, 4) for one in pair]


def pictures(path: Path) -> list[np.ndarray]:
    """The first pictures at half their size, YUV 4:2:0."""
    found = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        size = (stream.width // 4 * 2, stream.height // 4 * 2)
        for frame in container.decode(stream):
            small = frame.reformat(*size, "yuv420p", interpolation="AREA")
            found.append(small.to_ndarray())
            if len(found) >= MOST_PICTURES:
                break
    return found


def encode(path: Path, frames: Sequence[np.ndarray], codec: str, options: dict[str, str]) -> Path:
    """A video of 25 pictures a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.height, stream.width = frames[0].shape[0] * 2 // 3, frames[0].shape[1]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        for yuv in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(yuv, "yuv420p")))
        container.mux(stream.encode(None))
    return path


def decode(path: Path) -> list[np.ndarray]:
    """All pictures."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="yuv420p") for frame in container.decode(video=0)]


def edits_of(frames: list[np.ndarray]) -> dict[str, list[np.ndarray]]:
    """What is done between two compressions."""
    k = len(frames) // 2
    return {
        "nothing": frames,
        "7 pictures taken out": frames[: k - 3] + frames[k + 4 :],
        "10 pictures frozen": frames[:k] + [frames[k]] * 10 + frames[k + 10 :],
        "30 pictures repeated": frames[: k + 30] + frames[k - 10 : k + 20] + frames[k + 30 :],
    }


def measure_videos(sources: Sequence[Path], folder: Path) -> dict[str, Any]:
    """Rows of each treatment, over all sources that are long enough."""
    rows: dict[str, list[set[str]]] = {}
    for source in sources:
        frames = pictures(source)
        if len(frames) < LEAST_PICTURES:
            continue
        first = {"g": "12", "bf": "0", "sc_threshold": "0", "crf": "22"}
        once = decode(encode(folder / "1.mp4", frames, "libx264", first))
        for name, (codec, options) in SECOND.items():
            path = encode(folder / "2.mp4", frames, codec, options)
            rows.setdefault(f"{name}, once", []).append(said(VideoHistory, path)[0])
            for edit, edited in edits_of(once).items():
                path = encode(folder / "2.mp4", edited, codec, options)
                rows.setdefault(f"{name}, {edit}", []).append(said(VideoHistory, path)[0])
    return {name: table(found) for name, found in rows.items()}


def samples_of(path: Path) -> tuple[np.ndarray, int] | None:
    """The sound, None where it is short or quiet."""
    try:
        sound = Case(probe(str(path))).waveform
    except AssayError:
        return None
    if sound is None or sound.duration_s < 4.0 or float(np.abs(sound.samples).max()) < 0.05:
        return None
    return sound.samples, sound.sample_rate_hz


def through(samples: np.ndarray, rate_hz: int, codec: str, form: str, bit_rate: int) -> np.ndarray:
    """Mono sound through a codec and back, rounded to 16 bits."""
    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        stream = container.add_stream(codec, rate=rate_hz, layout="mono")
        stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(samples[None], "fltp", "mono")
        frame.sample_rate, frame.pts = rate_hz, 0
        fit = av.AudioResampler(stream.format.name, "mono", rate_hz, stream.frame_size)
        for piece in [*fit.resample(frame), *fit.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as container:
        pieces = [frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]
    found: np.ndarray = np.concatenate(pieces).astype(np.float32)
    return found


def write_wav(path: Path, samples: np.ndarray, rate_hz: int) -> Path:
    """A 16-bit WAV."""
    import wave

    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.clip(np.rint(samples * 32767), -32768, 32767).astype("<i2").tobytes())
    return path


def measure_sounds(sources: Sequence[Path], folder: Path) -> dict[str, Any]:
    """Rows of each codec, whole and cut, and of joins."""
    rows: dict[str, list[set[str]]] = {}

    def add(name: str, samples: np.ndarray, rate_hz: int) -> None:
        path = write_wav(folder / "a.wav", samples, rate_hz)
        rows.setdefault(name, []).append(said(SoundHistory, path)[0])

    for source in sources:
        read = samples_of(source)
        if read is None:
            continue
        samples, rate_hz = read
        for name, (codec, form, bit_rate) in SOUND_CODECS.items():
            try:
                decoded = through(samples, rate_hz, codec, form, bit_rate)
            except (av.error.FFmpegError, ValueError):
                continue
            add(f"{name} kbit/s", decoded[400:], rate_hz)
            if codec == "libmp3lame":
                k = len(decoded) // 2
                add(f"{name} kbit/s, then cut", np.r_[decoded[:k], decoded[k + 3333 :]], rate_hz)
        if rate_hz >= 32_000:
            low = resampled(resampled(samples, rate_hz, 8000), 8000, rate_hz)[: len(samples)]
            k = len(samples) // 2
            add("second half through 8 kHz", np.r_[samples[:k], low[k:]], rate_hz)
    return {name: table(found) for name, found in rows.items()}


def measure_genuine(detector: Any, paths: Sequence[Path]) -> dict[str, Any]:
    """What is told of files as they are, and how long it takes."""
    rows, seconds = [], []
    for path in paths:
        try:
            codes, _, took_s = said(detector, path)
        except AssayError:
            continue
        rows.append(codes)
        seconds.append(took_s)
    return {**table(rows), "median_s": round(float(np.median(seconds)), 3) if seconds else None}


def files_below(folder: Path, keep: Callable[[Path], bool]) -> list[Path]:
    """Files that are kept, in the order of their names."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and keep(path))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write the result, part by part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("videos", type=Path)
    parser.add_argument("voices", type=Path)
    parser.add_argument("--n-sources", type=int, default=12)
    parser.add_argument("--n-sounds", type=int, default=200)
    parser.add_argument("--parts", nargs="*", help="what to measure anew; all when left out")
    parser.add_argument("--out", type=Path, default=RESULT)
    chosen = parser.parse_args(arguments)

    def is_film(path: Path) -> bool:
        return path.suffix in VIDEO_SUFFIXES and "webp" not in path.stem

    web = files_below(chosen.videos / "real", is_film)
    genuine = files_below(chosen.data / "video" / "real", is_film) + web
    sounds = files_below(chosen.data / "audio" / "real", lambda path: path.suffix == ".flac")
    sounds += files_below(chosen.voices, lambda path: path.suffix in (".flac", ".wav"))
    random.Random(7).shuffle(sounds)
    sources = web[:: max(1, len(web) // chosen.n_sources)][: chosen.n_sources]
    with tempfile.TemporaryDirectory() as folder:
        parts: dict[str, Callable[[], Any]] = {
            "genuine_videos": lambda: measure_genuine(VideoHistory, genuine),
            "made_videos": lambda: measure_videos(sources, Path(folder)),
            "genuine_sounds": lambda: measure_genuine(SoundHistory, sounds[: chosen.n_sounds]),
            "made_sounds": lambda: measure_sounds(sounds[: 2 * chosen.n_sources], Path(folder)),
        }
        for name in chosen.parts or parts:
            found = parts[name]()
            before = json.loads(chosen.out.read_text()) if chosen.out.is_file() else {}
            chosen.out.write_text(json.dumps({**before, name: found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
