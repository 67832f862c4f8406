from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assay.errors import InputError
from assay.media.packets import read_packets
from assay.media.probe import probe
from tests.inputs.made_history import encode, join_packets, scene


def test_packets_of_a_video(tmp_path: Path) -> None:
    media = probe(str(encode(tmp_path / "a.mp4", scene(40), g=10, bf=0, sc_threshold=0)))
    packets = read_packets(media, "video")
    assert packets is not None
    assert len(packets) == 40
    assert np.flatnonzero(packets.is_key).tolist() == [0, 10, 20, 30]
    assert packets.shown_s == pytest.approx(np.arange(40) / 25, abs=1e-3)
    assert packets.signed == (0,)
    assert packets.whole
    assert int(packets.sizes.sum()) < media.n_bytes
    assert read_packets(media, "audio") is None


def test_b_frames_are_those_shown_before_one_decoded_earlier(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", scene(41), g=250, bf=2, b_adapt=0, b_pyramid=0)
    packets = read_packets(probe(str(path)), "video")
    assert packets is not None
    assert 20 <= int(packets.later_shown.sum()) <= 28
    assert not packets.later_shown[packets.is_key].any()


def test_the_number_is_bounded(tmp_path: Path) -> None:
    media = probe(str(encode(tmp_path / "a.mp4", scene(30))))
    packets = read_packets(media, "video", most=8)
    assert packets is not None
    assert (len(packets), packets.whole) == (8, False)


def test_a_join_carries_the_signature_of_each_encoding(tmp_path: Path) -> None:
    parts = [encode(tmp_path / f"{i}.mp4", scene(25, seed=i), bf=0) for i in (1, 2)]
    packets = read_packets(probe(str(join_packets(tmp_path / "ab.mp4", *parts))), "video")
    assert packets is not None
    assert packets.signed == (0, 25)


def test_the_clock_is_looked_at(tmp_path: Path) -> None:
    def stop() -> None:
        raise InputError("time is up")

    with pytest.raises(InputError):
        read_packets(probe(str(encode(tmp_path / "a.mp4", scene(5)))), "video", stop)
