from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from assay.case import Case
from assay.detectors.video_history import VideoHistory
from assay.errors import InputError
from assay.media.probe import probe
from assay.types import Evidence
from tests.bad_input.makers import animated_gif, cut, mp4, zero_frame_mp4
from tests.inputs.made_history import codes, decode, encode, join_packets, scene, told

NOTABLE = {"rhythm_breaks", "joined", "descriptions", "edit_list", "time_gap", "frozen",
           "repeated", "jump"}  # fmt: skip


def examined(path: Path) -> Evidence:
    return told(VideoHistory, path)


def span(evidence: Evidence, code: str) -> tuple[float, float]:
    found = next(one for one in evidence.findings if one.code == f"video_history_{code}")
    assert found.innocent_causes
    assert found.region is not None
    assert found.region.start_s is not None
    assert found.region.end_s is not None
    return found.region.start_s, found.region.end_s


def test_a_video_encoded_once_gets_bare_facts(tmp_path: Path) -> None:
    evidence = examined(encode(tmp_path / "a.mp4", scene(120)))
    assert codes(evidence) == {"container", "rhythm"}
    assert {one.severity for one in evidence.findings} == {"info"}
    assert evidence.details["raw_logit"] < 0
    assert evidence.details["all_pictures_decoded"] is True
    plot = evidence.details["plot"]
    assert len(plot["times_s"]) == len(plot["frame_size_kb"]) == 120
    container = next(one for one in evidence.findings if one.code.endswith("container"))
    assert container.values["writer"].startswith("FFmpeg")


def test_an_earlier_compression_is_a_bare_fact(tmp_path: Path) -> None:
    first = encode(tmp_path / "1.mp4", scene(180), g=12, bf=0, sc_threshold=0, crf=24)
    evidence = examined(encode(tmp_path / "2.mp4", decode(first), g=250, bf=0, crf=24))
    assert codes(evidence) == {"container", "rhythm", "compressed_before"}
    assert "every 12 pictures" in " ".join(one.title for one in evidence.findings)
    assert all(one.severity == "info" for one in evidence.findings)


def test_pictures_taken_out_are_told_with_their_seconds(tmp_path: Path) -> None:
    first = encode(tmp_path / "1.mp4", scene(200), g=12, bf=0, sc_threshold=0, crf=24)
    frames = decode(first)
    path = encode(tmp_path / "2.mp4", frames[:97] + frames[104:], g=250, bf=0, crf=24)
    evidence = examined(path)
    assert {"compressed_before", "rhythm_breaks"} <= codes(evidence)
    start_s, end_s = span(evidence, "rhythm_breaks")
    assert start_s - 0.1 <= 97 / 25 <= end_s + 0.1
    assert evidence.findings[0].severity == "notable"
    assert evidence.details["raw_logit"] > 0


def test_two_takes_joined_without_encoding(tmp_path: Path) -> None:
    parts = [encode(tmp_path / f"{i}.mp4", scene(40, seed=i), bf=0) for i in (1, 2)]
    evidence = examined(join_packets(tmp_path / "ab.mp4", *parts))
    assert "joined" in codes(evidence)
    assert span(evidence, "joined")[0] == pytest.approx(1.6, abs=0.05)


def test_what_an_edit_list_hides_is_told(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", scene(100), bf=0, g=25)
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 12
    clock_hz = int.from_bytes(data[data.index(b"mdhd") + 16 : data.index(b"mdhd") + 20], "big")
    data[at : at + 8] = (1500).to_bytes(4, "big") + (2 * clock_hz).to_bytes(4, "big")
    path.write_bytes(data)
    evidence = examined(path)
    hidden = next(one for one in evidence.findings if one.code.endswith("edit_list"))
    assert hidden.values["hidden_before_s"] == pytest.approx(2.0)
    assert hidden.values["hidden_after_s"] == pytest.approx(0.5, abs=0.05)
    assert hidden.severity == "notable"


def test_a_gap_a_still_and_a_loop_are_told(tmp_path: Path) -> None:
    ticks = [i if i < 50 else i + 12 for i in range(100)]
    gap = examined(encode(tmp_path / "gap.mp4", scene(100), ticks=ticks))
    assert span(gap, "time_gap") == (pytest.approx(1.96, abs=0.03), pytest.approx(2.48, abs=0.03))
    frames = scene(100)
    frames[40:50] = [frames[39]] * 10
    assert span(examined(encode(tmp_path / "still.mp4", frames)), "frozen")[0] == pytest.approx(
        39 / 25, abs=0.05
    )
    loop = scene(90)
    loop = loop[:60] + loop[20:50]
    assert "repeated" in codes(examined(encode(tmp_path / "loop.mp4", loop)))


def test_sound_of_another_length_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        video, audio = container.add_stream("mpeg4", rate=25), container.add_stream("aac", 16_000)
        video.width, video.height, video.pix_fmt = 160, 128, "yuv420p"
        for yuv in scene(50):
            container.mux(video.encode(av.VideoFrame.from_ndarray(yuv, "yuv420p")))
        container.mux(video.encode(None))
        noise = np.random.default_rng(0).normal(0, 0.1, (1, 5 * 16_000)).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(noise, "fltp", "mono")
        frame.sample_rate = 16_000
        fit = av.AudioResampler("fltp", audio.layout, 16_000, 1024)
        for piece in fit.resample(frame):
            container.mux(audio.encode(piece))
        container.mux(audio.encode(None))
    found = {one.code: one for one in examined(path).findings}
    lengths = found["video_history_lengths"]
    assert lengths.severity == "info"
    assert lengths.values["end_apart_s"] == pytest.approx(3.0, abs=0.2)


def test_variable_rates_and_cuts_of_scene_are_no_gaps(tmp_path: Path) -> None:
    steps = np.random.default_rng(0).choice([1, 2, 3, 8], 100)
    path = encode(tmp_path / "a.mkv", scene(100), ticks=np.cumsum(steps).tolist())
    assert codes(examined(path)) & NOTABLE == set()
    scenes = scene(50, seed=1) + scene(50, seed=2)
    assert codes(examined(encode(tmp_path / "b.mp4", scenes))) & NOTABLE == set()


def damaged(path: Path) -> None:
    encode(path.with_suffix(".whole.mp4"), scene(60), movflags="faststart")
    data = bytearray(path.with_suffix(".whole.mp4").read_bytes())
    rng = np.random.default_rng(0)
    for place in rng.integers(len(data) // 2, len(data), 300):
        data[place] = rng.integers(0, 256)
    path.write_bytes(data)


@pytest.mark.parametrize("make", [cut(mp4, 0.9), damaged, zero_frame_mp4, animated_gif, mp4])
def test_hostile_files_are_answered(make: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    make(path)
    try:
        media = probe(str(path))
    except InputError:
        return
    if media.kind != "video":
        return
    (evidence,) = VideoHistory().examine(Case(media))
    assert evidence.status in ("reported", "abstained")
    assert math.isfinite(evidence.details.get("raw_logit", 0.0))


def test_an_hour_costs_seconds(tmp_path: Path) -> None:
    """Twenty thousand pictures, of which fifteen hundred are decoded."""
    frames = scene(20, width=64, height=64)
    path = encode(tmp_path / "a.mp4", [frames[i % 20] for i in range(20_000)], preset="ultrafast")
    started = time.monotonic()
    evidence = examined(path)
    assert time.monotonic() - started < 10
    assert evidence.details["n_packets"] == 20_000
    assert evidence.details["n_pictures_decoded"] == 1500
    assert evidence.details["all_pictures_decoded"] is False
    assert len(evidence.details["plot"]["times_s"]) <= 2000


def test_the_clock_is_looked_at(tmp_path: Path) -> None:
    case = Case(probe(str(encode(tmp_path / "a.mp4", scene(5)))))

    class Over:
        def check(self) -> None:
            from assay.errors import TimeLimitError

            raise TimeLimitError("over")

    case.deadline = Over()  # type: ignore[assignment]
    with pytest.raises(InputError):
        VideoHistory().examine(case)
