from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("pyarrow", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.case import Case  # noqa: E402
from assay.errors import DamagedMediaError, EmptyFileError, MissingFileError  # noqa: E402
from assay.media.probe import probe  # noqa: E402
from assay.media.sampling import frame_times  # noqa: E402
from assay.options import Options  # noqa: E402
from assay.training.datasets.opening import (  # noqa: E402
    chosen_frames,
    fingerprint,
    opened,
    pictures_of,
    read_part,
    sha256_of_item,
)
from assay.training.datasets.records import Bytes  # noqa: E402


def pictures(folder: Path, n: int, size: tuple[int, int] = (40, 30)) -> list[np.ndarray]:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    made = [rng.integers(0, 256, (size[1], size[0], 3), np.uint8) for _ in range(n)]
    for k, rgb in enumerate(made):
        Image.fromarray(rgb).save(folder / f"{k}.png")
    return made


def test_a_folder_of_pictures_is_joined_without_loss(tmp_path: Path) -> None:
    made = pictures(tmp_path / "clip", 12)
    with opened(tmp_path / "clip", "frames", n_frames=4) as item:
        frames = list(Case(probe(item.path), Options(frames=4)).frames())
        told = [item.moment(frame.index, frame.time_s) for frame in frames]
    assert [number for number, _ in told] == [1, 4, 7, 10]
    assert [time_s for _, time_s in told] == [n / 25 for n in (1, 4, 7, 10)]
    for frame, (number, _) in zip(frames, told, strict=True):
        assert np.array_equal(frame.rgb, made[number])
    assert not item.path.exists()


@pytest.mark.parametrize(("count", "n"), [(1, 32), (5, 5), (100, 7), (31, 32)])
def test_the_pictures_chosen_are_the_frames_an_examination_takes(
    count: int, n: int, tmp_path: Path
) -> None:
    pictures(tmp_path / "clip", count, (16, 16))
    with opened(tmp_path / "clip", "frames", n_frames=count) as item:  # all of them
        media = probe(item.path)
    assert media.n_frames in (count, None)
    times = frame_times(media, n, None)
    assert tuple(round(time_s * 25) for time_s in times) == chosen_frames(count, n)


def test_numbers_not_letters_order_the_pictures(tmp_path: Path) -> None:
    pictures(tmp_path / "clip", 11)
    assert [path.stem for path in pictures_of(tmp_path / "clip")] == [str(k) for k in range(11)]


def test_a_broken_or_smaller_picture_costs_itself_alone(tmp_path: Path) -> None:
    made = pictures(tmp_path / "clip", 3)
    Image.fromarray(made[1][:20, :10]).save(tmp_path / "clip" / "1.png")
    (tmp_path / "clip" / "0.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(9))
    with opened(tmp_path / "clip", "frames", n_frames=3) as item:
        frames = list(Case(probe(item.path), Options(frames=3)).frames())
        assert item.frames == (1, 2)
    assert np.array_equal(frames[0].rgb[:20, :10], made[1][:20, :10])
    assert frames[0].rgb[20:].max() == 0
    assert np.array_equal(frames[1].rgb, made[2])


def test_folders_without_pictures_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(EmptyFileError), opened(tmp_path / "empty", "frames"):
        pass
    with pytest.raises(MissingFileError), opened(tmp_path / "gone", "frames"):
        pass
    (tmp_path / "empty" / "1.png").write_bytes(b"no picture")
    with pytest.raises(DamagedMediaError), opened(tmp_path / "empty", "frames"):
        pass


@pytest.mark.parametrize("part", [Bytes(-1, 2), Bytes(2, 0), Bytes(9, 2), Bytes(10**15, 1)])
def test_parts_outside_of_the_file_are_refused(part: Bytes, tmp_path: Path) -> None:
    (tmp_path / "all.rec").write_bytes(b"0123456789")
    with pytest.raises(DamagedMediaError, match=r"all\.rec"):
        list(read_part(tmp_path / "all.rec", part))


def test_a_part_is_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "all.rec").write_bytes(b"0123456789")
    with opened(tmp_path / "all.rec", "image", Bytes(2, 3)) as item:
        assert item.path.read_bytes() == b"234"
    whole = sha256_of_item(tmp_path / "all.rec", "image", Bytes(2, 3))
    (tmp_path / "one").write_bytes(b"234")
    assert whole == sha256_of_item(tmp_path / "one", "image")


def test_fingerprints_change_with_the_bytes(tmp_path: Path) -> None:
    pictures(tmp_path / "clip", 2)
    before = fingerprint(tmp_path / "clip", "frames"), sha256_of_item(tmp_path / "clip", "frames")
    Image.new("RGB", (3, 3)).save(tmp_path / "clip" / "1.png")
    after = fingerprint(tmp_path / "clip", "frames"), sha256_of_item(tmp_path / "clip", "frames")
    assert before[0] != after[0]
    assert before[1] != after[1]
    assert fingerprint(tmp_path / "clip" / "1.png", "image", Bytes(0, 1)) != fingerprint(
        tmp_path / "clip" / "1.png", "image", Bytes(1, 1)
    )
    with pytest.raises(MissingFileError):
        fingerprint(tmp_path / "gone", "image")
