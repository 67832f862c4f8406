from __future__ import annotations

import pytest
from PIL import Image

from assay.errors import DamagedMediaError, TimeLimitError
from assay.media.animation import picture_delays_s, read_animation
from assay.media.probe import probe
from tests.media.makers import number_of, numbered


def save(path, durations, **options):
    pictures = [Image.fromarray(numbered(i)) for i in range(len(durations))]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=durations, **options)
    return path


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp", "a.avif"])
def test_delays_and_pictures_by_time(tmp_path, name):
    path = save(tmp_path / name, [100, 200, 300, 400])
    with path.open("rb") as file:
        delays = picture_delays_s(file, name.split(".")[1], path.stat().st_size)
    assert delays == pytest.approx([0.1, 0.2, 0.3, 0.4])
    frames = list(read_animation(probe(path), (0.05, 0.15, 0.7), lambda: None))
    assert [number_of(f.rgb) for f in frames] == [0, 1, 3]
    assert [f.time_s for f in frames] == pytest.approx([0.0, 0.1, 0.6])
    assert [f.index for f in frames] == [0, 1, 3]


def test_no_delay_is_shown_as_browsers_do(tmp_path):
    path = save(tmp_path / "a.gif", [0, 0, 50])
    with path.open("rb") as file:
        delays = picture_delays_s(file, "gif", path.stat().st_size)
    assert delays == pytest.approx([0.1, 0.1, 0.05])


def test_a_picture_for_old_readers_comes_first(tmp_path):
    save(tmp_path / "a.png", [100, 100, 100], default_image=True)
    media = probe(tmp_path / "a.png")
    assert media.n_frames == Image.open(tmp_path / "a.png").n_frames == 3


def test_a_truncated_animation_gives_what_is_there(tmp_path):
    path = save(tmp_path / "a.gif", [100] * 8)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.7)])
    media = probe(path)
    assert "truncated" in media.notes
    frames = list(read_animation(media, (0.05, 0.35), lambda: None))
    assert [number_of(f.rgb) for f in frames] == [0, 3]


def test_rubbish_behind_the_headers(tmp_path):
    path = save(tmp_path / "a.webp", [100, 100], lossless=True)
    data = bytearray(path.read_bytes())
    for at in (data.index(b"VP8L") + 8, data.rindex(b"VP8L") + 8):
        data[at : at + 60] = bytes(60)
    path.write_bytes(data)
    with pytest.raises(DamagedMediaError):
        list(read_animation(probe(path), (0.0, 0.1), lambda: None))


def test_the_time_limit_is_looked_at(tmp_path):
    def late() -> None:
        raise TimeLimitError("late")

    with pytest.raises(TimeLimitError):
        list(read_animation(probe(save(tmp_path / "a.gif", [100, 100])), (0.0,), late))
