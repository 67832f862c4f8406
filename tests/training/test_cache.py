from __future__ import annotations

import json
import threading
from pathlib import Path

import av
import numpy as np
import pytest

cv2 = pytest.importorskip("cv2", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.training import cache  # noqa: E402
from assay.training.cache import INDEX, CachedView, cached_views, differs, fill, halves  # noqa: E402
from assay.training.datasets.manifest import Item, read_manifest  # noqa: E402
from tests.real_faces import frame, portrait, portrait_of_size, textured  # noqa: E402
from tests.training.makers import write_manifest  # noqa: E402


def write_clip(path: Path, frames: list[np.ndarray]) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=5)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt, stream.options = "yuv420p", {"crf": "12", "preset": "ultrafast"}
        for rgb in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, "rgb24")))
        container.mux(stream.encode())


def side_by_side() -> np.ndarray:
    """The portrait, and beside it the same with its face changed."""
    left = portrait_of_size(120)[0]
    left = left[: left.shape[0] // 2 * 2, : left.shape[1] // 2 * 2]
    right = left.copy()
    height, width = left.shape[:2]
    part = np.s_[height // 4 : height // 2, width // 3 : 2 * width // 3]
    right[part] = np.clip(right[part].astype(int) + 45, 0, 255)
    return np.ascontiguousarray(np.concatenate([left, right], axis=1))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    cv2.imwrite(str(folder / "face.png"), portrait()[..., ::-1])
    cv2.imwrite(str(folder / "small.png"), portrait_of_size(40)[0][..., ::-1])
    cv2.imwrite(str(folder / "nobody.png"), textured(200, 200))
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    write_clip(folder / "train-Ann_Bee_0.mp4", [side_by_side()] * 2)
    clip = {"path": "train-Ann_Bee_0.mp4", "modality": "video", "label": "paired"}
    names = ("face.png", "small.png", "nobody.png", "broken.png")
    rows = [{"path": name, "identity": f"p-{name}"} for name in names]
    write_manifest(folder, [*rows, clip])
    return folder


@pytest.fixture(scope="module")
def filled(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[CachedView]]:
    folder = tmp_path_factory.mktemp("cache") / "views"
    return folder, cached_views(read_manifest(data), folder)


def test_faces_large_enough_become_views_and_nothing_else_does(
    filled: tuple[Path, list[CachedView]],
) -> None:
    _, views = filled
    genuine = [view for view in views if view.twin is None]
    assert [Path(view.source_path).name for view in genuine] == ["face.png"]
    view = genuine[0]
    assert (view.group, view.method, view.split) == ("p-face.png", "made", "train")
    assert view.landmarks_px.shape == (468, 2)
    assert view.box_px == pytest.approx(
        np.r_[view.landmarks_px.min(axis=0), view.landmarks_px.max(axis=0)], abs=0.02
    )


def test_a_paired_clip_gives_genuine_faces_with_their_swapped_twins(
    filled: tuple[Path, list[CachedView]],
) -> None:
    twins = [view for view in filled[1] if view.twin is not None]
    assert len(twins) == 2
    for view in twins:
        assert view.group == "dfl-Ann_Bee"
        assert view.twin is not None
        assert view.twin.shape == view.rgb.shape
        brighter = np.asarray(view.twin).astype(int) - np.asarray(view.rgb)
        assert brighter.mean() > 2
        corner = brighter[:20, :20]
        assert np.abs(corner).mean() < 6


def test_the_second_time_nothing_is_searched_again(
    data: Path, filled: tuple[Path, list[CachedView]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, views = filled

    def refuse(item: Item) -> None:
        raise AssertionError(f"{item.path} was searched again")

    monkeypatch.setattr(cache, "_extract", refuse)
    again = cached_views(read_manifest(data), folder)
    assert len(again) == len(views)
    for old, new in zip(views, again, strict=True):
        assert np.array_equal(old.rgb, new.rgb)
        assert np.array_equal(old.landmarks_px, new.landmarks_px)
        assert (old.twin is None) == (new.twin is None)
    assert isinstance(again[0].rgb, np.memmap)


def test_other_content_and_another_label_are_searched_anew(
    data: Path, filled: tuple[Path, list[CachedView]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = filled
    searched: list[str] = []
    monkeypatch.setattr(cache, "_extract", lambda item: searched.append(item.sha256) or iter(()))
    item = read_manifest(data)[0]
    values = {name: getattr(item, name) for name in Item.__dataclass_fields__}
    cached_views([Item(**{**values, "sha256": "e" * 16})], folder)
    cached_views([Item(**{**values, "label": "paired"})], folder)
    assert searched == ["e" * 16, item.sha256]


def test_a_search_that_broke_off_is_done_again(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = read_manifest(data)[:1]
    extract = cache._extract

    def interrupted(item: Item) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cache, "_extract", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cached_views(items, tmp_path)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(cache, "_extract", extract)
    assert len(cached_views(items, tmp_path)) == 1


def test_a_folder_that_an_older_search_left_half_full_is_filled_again(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    (place / "0.npy").write_bytes(b"half of")
    fill(place, lambda folder: {"size": (folder / "a").write_bytes(b"whole")})
    assert {p.name: p.read_bytes() for p in place.iterdir()} == {
        "a": b"whole",
        INDEX: b'{"size": 5}',
    }


def test_two_at_once_fill_one_folder_without_disturbing_each_other(tmp_path: Path) -> None:
    place, both, reads = tmp_path / "place", threading.Barrier(2), []

    def write(folder: Path) -> str:
        both.wait(10)  # each believes to be the first
        (folder / "a").write_bytes(b"x" * 100_000)
        return threading.current_thread().name

    def search() -> None:
        fill(place, write)
        reads.append((json.loads((place / INDEX).read_text()), (place / "a").stat().st_size))

    threads = [threading.Thread(target=search) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reads) == 2
    assert len(set(reads)) == 1
    assert reads[0][1] == 100_000
    assert [p.name for p in tmp_path.iterdir()] == ["place"]


def test_two_rows_of_the_same_content_give_the_same_views(data: Path, tmp_path: Path) -> None:
    item = read_manifest(data)[0]
    first, *others = cached_views([item] * 4, tmp_path)
    assert len(others) == 3
    assert all(np.array_equal(first.rgb, other.rgb) for other in others)


def test_a_full_disk_is_no_empty_search(tmp_path: Path) -> None:
    def write(folder: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        fill(tmp_path / "place", write)
    assert list(tmp_path.iterdir()) == []


def test_halves_of_an_odd_frame_are_equally_wide() -> None:
    rgb = textured(30, 41)
    left, right = halves(frame(rgb, 3))
    assert left.rgb.shape == right.rgb.shape == (30, 20, 3)
    assert np.array_equal(right.rgb, rgb[:, 20:40])
    assert (left.index, right.time_s) == (3, pytest.approx(0.6))


def test_an_untouched_second_person_is_no_forgery(filled: tuple[Path, list[CachedView]]) -> None:
    from tests.verdict.doubles import make_view

    view = make_view()
    assert not differs(view, view.rgb)
    noisy = np.clip(view.rgb.astype(int) + np.random.default_rng(0).integers(-3, 4), 0, 255)
    assert not differs(view, noisy.astype(np.uint8))
    assert differs(view, np.roll(view.rgb, 9, axis=1))
