from __future__ import annotations

import struct

import numpy as np
import pytest

from assay.errors import DamagedMediaError, InputError, TimeLimitError, UsageError
from assay.media.audio import read_waveform, resampled
from assay.media.probe import probe
from tests.media.makers import tone


def no_limit() -> None:
    """A check that never ends the time."""


def read(path, time_range_s=None, max_sound_s=100.0):
    return read_waveform(probe(path), time_range_s, max_sound_s, no_limit)


def loudest_hz(samples: np.ndarray, rate_hz: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax() * rate_hz / len(samples))


@pytest.mark.parametrize(
    ("name", "codec", "rate_hz", "media_type"),
    [
        ("a.wav", "pcm_s16le", 16000, "audio/wav"),
        ("b.wav", "pcm_u8", 8000, "audio/wav"),
        ("c.wav", "pcm_f32le", 44100, "audio/wav"),
        ("d.wav", "pcm_s24le", 96000, "audio/wav"),
        ("a.flac", "flac", 22050, "audio/flac"),
        ("a.mp3", "libmp3lame", 44100, "audio/mpeg"),
        ("a.m4a", "aac", 48000, "audio/mp4"),
        ("alac.m4a", "alac", 44100, "audio/mp4"),
        ("a.aac", "aac", 44100, "audio/aac"),
        ("a.opus", "libopus", 48000, "audio/ogg"),
        ("a.ogg", "flac", 48000, "audio/ogg"),
        ("a.mka", "libopus", 48000, "audio/x-matroska"),
        ("a.wma", "wmav2", 44100, "audio/x-ms-wma"),  # starts one block late
        ("a.aiff", "pcm_s16be", 44100, "audio/aiff"),
    ],
)
def test_each_format_by_content(make_sound, tmp_path, name, codec, rate_hz, media_type):
    path = make_sound(name, codec, rate_hz=rate_hz).rename(tmp_path / "unnamed")
    media = probe(path)
    assert (media.kind, media.media_type) == ("audio", media_type)
    assert (media.sample_rate_hz, media.n_channels) == (rate_hz, 1)
    assert media.duration_s == pytest.approx(2.0, abs=0.12)
    assert media.size_px is None
    sound = read_waveform(media, None, 100.0, no_limit)
    assert sound.samples.dtype == np.float32
    assert sound.sample_rate_hz == rate_hz
    assert sound.start_s == pytest.approx(0.0, abs=0.1 if name == "a.wma" else 0.03)
    assert sound.duration_s == pytest.approx(2.0, abs=0.12)
    assert loudest_hz(sound.samples, rate_hz) == pytest.approx(440, abs=2)
    middle = sound.samples[len(sound.samples) // 4 : -len(sound.samples) // 4]
    assert np.abs(middle).max() == pytest.approx(0.5, abs=0.06)


def test_vorbis_is_opened(tmp_path, make_sound):
    """FFmpeg's own encoder makes stereo only."""
    import av

    path = tmp_path / "a.ogg"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("vorbis", rate=44100, options={"strict": "-2"})
        stream.layout = "stereo"
        samples = np.stack([tone(2.0, 44100)] * 2)
        for start in range(0, samples.shape[1] - 1024, 1024):
            piece = np.ascontiguousarray(samples[:, start : start + 1024])
            frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts = 44100, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    media = probe(path)
    assert (media.codec, media.n_channels, media.media_type) == ("vorbis", 2, "audio/ogg")
    assert loudest_hz(read(path).samples, 44100) == pytest.approx(440, abs=2)


def test_samples_are_exact(make_wav):
    values = np.array([0, 1, -1, 32767, -32768, 16384], np.int16).repeat(100)
    assert np.array_equal(read(make_wav(values)).samples, values.astype(np.float32) / 32768)


def test_channels_are_averaged(make_wav):
    left, right = np.full(1000, 16384, np.int16), np.full(1000, -8192, np.int16)
    sound = read(make_wav(np.stack([left, right], axis=1)))
    assert np.allclose(sound.samples, 0.125)
    six = np.zeros((1000, 6), np.int16)
    six[:, 3] = 24576  # the bass channel, which a downmix drops
    assert np.allclose(read(make_wav(six)).samples, 0.125)


def test_a_part_to_the_sample(make_wav):
    ramp = np.arange(32000, dtype=np.int16)
    sound = read(make_wav(ramp), (0.5, 0.75))
    assert sound.start_s == pytest.approx(0.5)
    assert np.array_equal(sound.samples * 32768, ramp[8000:12000])


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.m4a", "a.mp3", "a.opus"])
def test_a_part_far_inside_equals_the_whole(make_sound, name):
    codecs = {"wav": "pcm_s16le", "m4a": "aac", "mp3": "libmp3lame", "opus": "libopus"}
    codec = codecs.get(name.split(".")[1], "flac")
    path = make_sound(name, codec, seconds=40.0)
    whole, part = read(path), read(path, (30.0, 31.0))
    assert part.duration_s == pytest.approx(1.0, abs=1e-3)
    assert part.start_s == pytest.approx(30.0, abs=0.03)
    start = round((part.start_s - whole.start_s) * 48000)
    expected = whole.samples[start : start + len(part.samples)]
    assert np.abs(expected - part.samples).max() < 0.02


def test_the_length_is_bounded(make_sound):
    assert read(make_sound("a.flac", "flac"), None, 0.5).duration_s == pytest.approx(0.5)
    assert read(make_sound("a.flac", "flac"), (0.5, 1.9), 0.5).duration_s == pytest.approx(0.5)


def test_a_part_behind_the_end(make_sound):
    with pytest.raises(UsageError, match="ends at"):
        read(make_sound("a.flac", "flac"), (5.0, 6.0))


def float_wav(path, values: np.ndarray):
    data = values.astype("<f4").tobytes()
    head = struct.pack("<HHIIHH", 3, 1, 16000, 64000, 4, 32)
    body = b"WAVEfmt " + struct.pack("<I", 16) + head + b"data" + struct.pack("<I", len(data))
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body) + len(data)) + body + data)
    return path


def test_no_nan_and_nothing_above_one(tmp_path):
    values = np.array([0.5, np.nan, np.inf, -np.inf, 7.0, -0.25] * 500, np.float32)
    samples = read(float_wav(tmp_path / "a.wav", values)).samples
    assert np.allclose(samples[:6], [0.5, 0.0, 1.0, -1.0, 1.0, -0.25])


def test_the_sound_of_a_video(make_video):
    for name, codec in (("a.mp4", "aac"), ("a.webm", "libopus"), ("a.ts", "aac")):
        video = "libvpx" if name == "a.webm" else "libx264"
        path = make_video(name, video, 50, sound=codec)
        media = probe(path)
        assert (media.kind, media.sample_rate_hz) == ("video", 48000)
        sound = read(path)
        assert sound.duration_s == pytest.approx(2.0, abs=0.1)
        assert sound.start_s == pytest.approx(0.0, abs=0.05)
        assert loudest_hz(sound.samples, 48000) == pytest.approx(440, abs=2)


def test_a_video_without_sound(make_video):
    with pytest.raises(UsageError, match="no sound"):
        read(make_video())


def test_silence_is_sound(make_wav):
    assert not read(make_wav(np.zeros(16000, np.int16))).samples.any()


def test_truncated_and_damaged(make_sound):
    path = make_sound("a.wav", "pcm_s16le")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    media = probe(path)
    assert "truncated" in media.notes
    assert media.duration_s == pytest.approx(1.0, abs=0.05)
    path = make_sound("a.mp3", "libmp3lame", seconds=4.0)
    data = bytearray(path.read_bytes())
    data[len(data) // 3 : len(data) // 2] = bytes(len(data) // 2 - len(data) // 3)
    path.write_bytes(data)
    assert read(path).duration_s > 3.0


def test_nothing_to_decode(make_wav):
    path = make_wav(np.zeros(0, np.int16))
    with pytest.raises(DamagedMediaError):
        probe(path)


def test_the_time_limit_is_looked_at(make_sound):
    def late() -> None:
        raise TimeLimitError("late")

    with pytest.raises(TimeLimitError):
        read_waveform(probe(make_sound("a.flac", "flac")), None, 10.0, late)


def test_nothing_is_printed(make_sound, capfd):
    path = make_sound("a.mp3", "libmp3lame")
    data = bytearray(path.read_bytes())
    data[2000:6000] = b"\xff\xfb\x13" * 1333 + b"x"
    path.write_bytes(data)
    capfd.readouterr()
    read(path)
    assert capfd.readouterr() == ("", "")


def sine(hz: float, rate_hz: int, n: int) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(n) / rate_hz).astype(np.float32)


RATES = [(44100, 16000), (48000, 16000), (22050, 16000), (8000, 16000), (192000, 16000)]
ODD_RATES = [(44101, 16000), (15999, 16000), (16000, 7919)]  # no small common ratio


@pytest.mark.parametrize(("rate_hz", "to_hz"), RATES + ODD_RATES)
def test_a_sine_stays_a_sine_and_in_place(rate_hz, to_hz):
    hz = 0.4 * min(rate_hz, to_hz)
    out = resampled(sine(hz, rate_hz, rate_hz // 2), rate_hz, to_hz)
    expected = sine(hz, to_hz, len(out))
    inner = slice(len(out) // 4, -len(out) // 4)
    assert out.dtype == np.float32
    assert np.abs(out - expected)[inner].max() < 1e-3


@pytest.mark.parametrize(
    ("rate_hz", "to_hz"), [pair for pair in RATES + ODD_RATES if pair[0] > pair[1]]
)
def test_what_lies_above_half_the_new_rate_is_gone(rate_hz, to_hz):
    out = resampled(
        sine(min(0.505 * to_hz, 0.499 * rate_hz), rate_hz, rate_hz // 2), rate_hz, to_hz
    )
    if 0.499 * rate_hz > 0.5 * to_hz:
        assert np.abs(out[len(out) // 4 : -len(out) // 4]).max() < 10 ** (-66 / 20)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 999, 44100])
@pytest.mark.parametrize(
    ("rate_hz", "to_hz"), [(44100, 16000), (44101, 16000), (1000, 16000), (1, 7)]
)
def test_the_length_is_exact(n, rate_hz, to_hz):
    out = resampled(np.full(n, 0.5, np.float32), rate_hz, to_hz)
    assert len(out) == round(n * to_hz / rate_hz)
    assert np.isfinite(out).all()


def test_there_and_back_again():
    noise = np.random.default_rng(0).standard_normal(6000).astype(np.float32) * 0.1
    sound = resampled(noise, 12000, 16000)
    back = resampled(resampled(sound, 16000, 44100), 44100, 16000)
    assert len(back) == len(sound)
    inner = slice(200, -200)
    assert np.abs(back - sound)[inner].max() < 1e-3 * np.abs(sound).max() + 1e-4


def test_constant_level_and_the_same_rate_are_kept():
    level = resampled(np.full(48000, 0.25, np.float32), 48000, 16000)
    assert np.abs(level[200:-200] - 0.25).max() < 1e-4
    same = np.linspace(-1, 1, 100, dtype=np.float32)
    assert np.array_equal(resampled(same, 8000, 8000), same)


def test_pieces_join_without_a_seam():
    sound = np.random.default_rng(1).standard_normal(44100 * 40).astype(np.float32)
    whole = resampled(sound, 44100, 16000)
    part = resampled(sound[44100 * 20 :], 44100, 16000)
    assert np.abs(whole[16000 * 21 : 16000 * 39] - part[16000 : 16000 * 19]).max() < 1e-5


@pytest.mark.parametrize(
    ("rate_hz", "to_hz"), [(0, 16000), (-8000, 16000), (800_000, 16000), (8000, 0)]
)
def test_rates_that_no_recorder_has(rate_hz, to_hz):
    with pytest.raises(InputError, match="768 kHz"):
        resampled(np.zeros(10, np.float32), rate_hz, to_hz)


def test_a_result_beyond_all_bounds_is_refused():
    with pytest.raises(InputError, match="too many"):
        resampled(np.zeros(1_000_000, np.float32), 1, 16000)
