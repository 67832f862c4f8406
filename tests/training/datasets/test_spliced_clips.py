from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("cv2", reason="the train extra is not installed")
pytest.importorskip("pyarrow", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from itertools import pairwise  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402

from assay.errors import InputError  # noqa: E402
from assay.media.probe import probe  # noqa: E402
from assay.training.clip_data import require_apart  # noqa: E402
from assay.training.datasets import splicing  # noqa: E402
from assay.training.datasets.manifest_file import read_manifest_file  # noqa: E402
from assay.training.datasets.spliced_clips import draw_spans, main, make  # noqa: E402
from assay.training.datasets.spliced_clips_plan import read_config  # noqa: E402
from assay.training.forgeries.video_forgery import FaceSequence  # noqa: E402
from tests.training.clip_makers import write_clip  # noqa: E402
from tests.training.makers import write_manifest  # noqa: E402
from tests.training.moving_faces import moving_landmarks  # noqa: E402

TEXT = """
folders = ["{folder}"]
seed = 3
methods = ["talk"]
test = ["bob", "dan"]
seconds = 1.0
margin_s = 0.3
size_px = 64
least_face_px = 20.0
least_rms = 0.001
span_s = [0.2, 0.4]
shift_s = [0.1, 0.2]
[draws]
real = 1
sound_span = 1
both_spans = 1
shifted_sound = 1
swapped_sound = 1
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder, people = tmp_path / "media", ("ann", "bob", "cat", "dan")
    write_manifest(
        folder, [{"path": f"{p}.mp4", "modality": "video", "method": "talk", "identity": p}
                 for p in people],
    )  # fmt: skip
    for number, name in enumerate(people):
        write_clip(folder / f"{name}.mp4", 1.7, seed=number, fake=False)
    monkeypatch.setattr(
        splicing,
        "follow_face",
        lambda rgb, times_s: FaceSequence(rgb, moving_landmarks(len(rgb), 0.12), times_s),
    )
    path = tmp_path / "spliced.toml"
    path.write_text(TEXT.format(folder=folder))
    return path


def test_a_folder_is_made_told_and_not_made_twice(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = config.parent / "out"
    assert main([str(config), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "train: 2 people (ann, cat)" in said
    manifest = read_manifest_file(out / "manifest.parquet")
    require_apart(manifest)
    assert len(manifest.records) == 4 * 5
    by_method = {r.method: r for r in manifest.records if r.identity == "ann"}
    assert set(by_method) == {"", "sound_span", "both_spans", "shifted_sound", "swapped_sound"}
    assert by_method[""].label == "real"
    assert by_method["sound_span"].visual_fake is False
    assert by_method["both_spans"].visual_fake is True
    assert by_method["shifted_sound"].spans is None
    for span in by_method["both_spans"].spans or ():
        assert 0.19 <= span.end_s - span.start_s <= 0.41
    settings = {r.note.rpartition("x264")[2] for r in by_method.values()}
    assert len(settings) == 1  # the draw's encoder, whatever the label
    media = probe(manifest.path_of(by_method["sound_span"]))
    assert media.size_px == (64, 64)
    assert media.sample_rate_hz == 16000

    times = {p: p.stat().st_mtime_ns for p in out.rglob("*.mp4")}
    lost = sorted(times)[3]
    lost.unlink()
    with (out / "made.jsonl").open("a") as journal:
        journal.write('{"key": "cut o')
    again = make(read_config(config), out)
    assert again.records == manifest.records
    later = {p: p.stat().st_mtime_ns for p in out.rglob("*.mp4")}
    assert set(later) == set(times)
    assert {p for p in times if later[p] != times[p]} == {lost}


def test_spans_keep_apart_and_fit(config: Path) -> None:
    read = read_config(config)
    for seed in range(20):
        spans = draw_spans(2.2, read, np.random.default_rng(seed))
        assert spans == sorted(spans)
        assert all(0 <= a < b <= 2.2 for a, b in spans)
        assert all(b + 0.25 <= c for (_, b), (c, _) in pairwise(spans))
    with pytest.raises(InputError):
        draw_spans(0.1, read, np.random.default_rng(0))


def test_a_wrong_configuration_ends_with_its_code(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text("seed = 1")
    assert main([str(config), "--out", str(config.parent / "out")]) != 0
    assert "describes no spliced clips" in capsys.readouterr().err
