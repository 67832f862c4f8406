from __future__ import annotations

import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.case import Case  # noqa: E402
from assay.errors import ConfigError  # noqa: E402
from assay.media.probe import probe  # noqa: E402
from assay.options import Options  # noqa: E402
from assay.training.cache import INDEX  # noqa: E402
from assay.training.datasets import preparing  # noqa: E402
from assay.training.datasets.manifest_file import Manifest  # noqa: E402
from assay.training.datasets.prepared import (  # noqa: E402
    PreparedFaces,
    PreparedVoice,
    prepare_faces,
    prepare_voices,
)
from tests.training.datasets.media_sets import EXAMPLES, make_faces, record  # noqa: E402


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> tuple[Manifest, Path, list[PreparedFaces]]:
    folder = tmp_path_factory.mktemp("prepared")
    manifest = make_faces(folder / "set")
    return manifest, folder / "cache", prepare_faces(manifest, folder / "cache", n_frames=4)


def test_every_item_has_faces_or_a_reason(
    faces: tuple[Manifest, Path, list[PreparedFaces]],
) -> None:
    manifest, _, found = faces
    assert [item.record for item in found] == list(manifest.records)
    assert [len(item.views) for item in found] == [1, 4, 3, 1, 0, 0, 0, 0, 0]
    codes = [item.reason.split(":")[0] for item in found]
    assert codes == ["", "", "", "", "no_face", "media_damaged", "file_missing", "media_damaged",
                     "wrong_kind"]  # fmt: skip
    assert all(bool(item.views) == (not item.reason) for item in found)


def test_the_views_are_those_of_an_examination(
    faces: tuple[Manifest, Path, list[PreparedFaces]],
) -> None:
    manifest, _, found = faces
    case = Case(probe(manifest.root / "face.mp4"), Options(frames=4, max_faces=3))
    expected = [view for track in case.tracks for view in case.face_views(track.track_id)]
    for view, stored in zip(expected, found[1].views, strict=True):
        assert np.array_equal(view.rgb, stored.rgb)
        assert np.array_equal(view.landmarks_px, stored.landmarks_px)
        assert np.array_equal(view.frame_box_px, stored.frame_box_px)
        assert np.array_equal(view.box_px, stored.box_px)
        told = (view.track_id, view.frame_index, view.time_s, view.scale, view.score)
        now = (stored.track_id, stored.frame_index, stored.time_s, stored.scale, stored.score)
        assert told == now


def test_packed_and_plain_pictures_are_the_same(
    faces: tuple[Manifest, Path, list[PreparedFaces]],
) -> None:
    _, _, found = faces
    assert np.array_equal(found[0].views[0].rgb, found[3].views[0].rgb)


def test_pixels_are_mapped_and_pass_to_a_process_as_a_path(
    faces: tuple[Manifest, Path, list[PreparedFaces]],
) -> None:
    _, _, found = faces
    views = found[1].views
    assert isinstance(views[0].rgb, np.memmap)
    assert not views[0].rgb.flags.writeable
    assert len(pickle.dumps(found[1])) < 10_000
    assert [view.time_s for view in views[1:3]] == [views[1].time_s, views[2].time_s]
    assert views[-1].time_s == list(views)[-1].time_s
    with pytest.raises(IndexError):
        views[4]


def test_groups_join_people_and_donors(
    faces: tuple[Manifest, Path, list[PreparedFaces]],
) -> None:
    manifest, cache, found = faces
    ann, swapped, bob = (item.group for item in found[:3])
    assert ann == swapped == bob
    apart = prepare_faces(manifest, cache, n_frames=4, with_donor=False)
    assert apart[0].group == apart[1].group != apart[2].group


def test_a_second_run_opens_no_file_again(
    faces: tuple[Manifest, Path, list[PreparedFaces]], monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest, cache, found = faces

    def never(*_: object) -> None:
        raise AssertionError("it was there already")

    monkeypatch.setattr(preparing, "_store_faces", never)
    again = prepare_faces(manifest, cache, n_frames=4)
    assert [len(item.views) for item in again] == [len(item.views) for item in found]
    with pytest.raises(AssertionError):
        raise AssertionError(prepare_faces(manifest, cache, n_frames=2)[0].reason)


def test_a_changed_file_is_looked_at_again(tmp_path: Path) -> None:
    manifest = make_faces(tmp_path / "set")
    one = manifest.with_records(manifest.records[:1], "test")
    assert len(prepare_faces(one, tmp_path / "cache")[0].views) == 1
    shutil.copy(tmp_path / "set" / "nobody.png", tmp_path / "set" / "face.png")
    assert prepare_faces(one, tmp_path / "cache")[0].reason.startswith("no_face")


def test_a_known_hash_is_the_key(tmp_path: Path) -> None:
    manifest = make_faces(tmp_path / "set")
    hashed = manifest.with_records([record("face.png", sha256="ab" * 32)], "test")
    prepare_faces(hashed, tmp_path / "cache")
    moved = tmp_path / "moved"
    shutil.move(tmp_path / "set", moved)
    places = set((tmp_path / "cache").rglob(INDEX))
    assert len(prepare_faces(Manifest(moved, hashed.records), tmp_path / "cache")[0].views) == 1
    assert set((tmp_path / "cache").rglob(INDEX)) == places


def test_frames_of_folders_keep_their_times(
    faces: tuple[Manifest, Path, list[PreparedFaces]],
) -> None:
    _, _, found = faces
    views = found[2].views
    assert [view.frame_index for view in views] == [0, 1, 2]
    assert [round(view.time_s * 25) for view in views] == [0, 1, 2]
    # The last of them is the picture called 11, moved furthest to the right.
    centres = [view.frame_box_px[[0, 2]].mean() for view in views]
    assert centres == sorted(centres)


def test_processes_find_the_same(
    faces: tuple[Manifest, Path, list[PreparedFaces]], tmp_path: Path
) -> None:
    manifest, _, found = faces
    other = prepare_faces(manifest, tmp_path, n_frames=4, workers=2)
    assert [item.reason for item in other] == [item.reason for item in found]
    for a, b in zip(found, other, strict=True):
        for view, same in zip(a.views, b.views, strict=True):
            assert np.abs(view.landmarks_px - same.landmarks_px).max() < 0.1
            assert view.rgb.shape == same.rgb.shape


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    manifest = make_faces(tmp_path / "set")
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from assay.training.datasets import preparing, prepared\n"
        "from assay.training.datasets.manifest_file import Manifest\n"
        "from tests.training.datasets.media_sets import record\n"
        "store = preparing._store_faces\n"
        "def slowly(item, wanted, folder):\n"
        "    if item.path.suffix == '.mp4':\n"
        "        (folder / 'half').write_text('x')\n"
        "        time.sleep(60)\n"
        "    return store(item, wanted, folder)\n"
        "preparing._store_faces = slowly\n"
        "rows = (record('face.png'), record('face.mp4', 'fake'))\n"
        f"prepared.prepare_faces(Manifest(Path({str(tmp_path / 'set')!r}), rows), "
        f"Path({str(tmp_path / 'cache')!r}), n_frames=4)\n"
    )
    root = Path(__file__).resolve().parents[3]
    run = subprocess.Popen([sys.executable, "-c", program], cwd=root)
    limit = time.monotonic() + 60
    while not list((tmp_path / "cache").rglob("half")) and time.monotonic() < limit:
        assert run.poll() is None
        time.sleep(0.05)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    cache = tmp_path / "cache"
    done = [path for path in cache.rglob(INDEX) if not path.parent.name.startswith(".")]
    assert len(done) == 1
    kept = done[0].stat().st_mtime_ns
    rows = (record("face.png"), record("face.mp4", "fake"))
    found = prepare_faces(Manifest(manifest.root, rows), cache, n_frames=4)
    assert [len(item.views) for item in found] == [1, 4]
    assert done[0].stat().st_mtime_ns == kept


def test_a_process_that_dies_costs_its_item_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = make_faces(tmp_path / "set")

    def broken(_item: object, _wanted: object, _folder: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(preparing, "_store_faces", broken)
    one = manifest.with_records(manifest.records[:1], "test")
    assert prepare_faces(one, tmp_path / "cache")[0].reason == (
        "internal_error: MemoryError: no room"
    )
    monkeypatch.undo()
    assert len(prepare_faces(one, tmp_path / "cache")[0].views) == 1


def test_senseless_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="frames"):
        prepare_faces(Manifest(tmp_path, ()), tmp_path, n_frames=0)


def test_what_was_changed_is_what_the_picture_is_called() -> None:
    sound_only = record("a.mp4", "fake", visual_fake=False, audio_fake=True)
    told = PreparedFaces(sound_only, "g", Path("a.mp4"))
    assert not told.fake
    heard = PreparedVoice(sound_only, "g", Path("a.mp4"), np.zeros(0, np.float32))
    assert heard.fake
    assert PreparedFaces(record("a.mp4", "fake"), "g", Path("a.mp4")).fake


def test_voices_are_heard_as_the_detector_hears_them(tmp_path: Path) -> None:
    set_ = tmp_path / "set"
    set_.mkdir()
    shutil.copy(EXAMPLES / "kennedy.flac", set_)
    (set_ / "broken.wav").write_bytes(b"RIFF" + bytes(60))
    manifest = Manifest(
        set_, (record("kennedy.flac"), record("broken.wav"), record("none.wav"), record("a.png"))
    )
    found = prepare_voices(manifest, tmp_path / "cache")
    assert [item.reason.split(":")[0] for item in found][2:] == ["file_missing", "wrong_kind"]
    assert found[1].reason
    assert len(found[1].samples) == 0
    speech = Case(probe(set_ / "kennedy.flac"), Options()).speech
    assert speech is not None
    heard = [s for s in speech.segments if not s.reasons]
    assert len(found[0].segments) >= len(heard) > 0
    by_start = {part.start_s: n for n, part in enumerate(found[0].parts)}
    for segment in heard:
        assert np.array_equal(found[0].segments[by_start[segment.start_s]], segment.waveform)
    assert found[0].samples.dtype == np.float32
    assert isinstance(found[0].samples, np.memmap)
    assert len(pickle.dumps(found[0])) < 10_000
    again = pickle.loads(pickle.dumps(found[0]))
    assert np.array_equal(again.samples, found[0].samples)
