from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from assay.errors import ConfigError
from assay.training.datasets.forged_plan import Config, Job, plan, read_config
from tests.real_faces import ROOT, shared_data, textured
from tests.training.makers import write_manifest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("cv2", reason="the train extra is not installed")
pytestmark = pytest.mark.train

CONFIG = """
seed = 5
folders = ["{folder}"]

[history]
shrunk = [0.4, 0.6]
least_px = 64

[shares]
made = 0.7
"web-*" = 0.3

[[set]]
name = "sr"
forger = "super_resolution"
count = 8
window_px = 96
ways = {{ video-x2 = 0.5, photo-x4 = 0.5 }}
licence = "network BSD"

[[set]]
name = "soft"
forger = "resampling"
count = 4
licence = ""
"""


def media(folder: Path, rows: Iterable[dict[str, str]]) -> Path:
    """Genuine pictures of 160 px; the size of one can be named in `px`, a PNG by its suffix."""
    rows = [dict(row) for row in rows]
    for number, row in enumerate(rows):
        side = int(row.pop("px", "160"))
        (folder / row["path"]).parent.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(textured(side, side, number))
        image.save(folder / row["path"], quality=70)  # which a PNG passes over
    write_manifest(folder, rows)
    return folder


def people(n: int = 6) -> list[dict[str, str]]:
    return [{"path": f"p/train-p_{i}.jpg", "identity": f"p{i}"} for i in range(n)]


def config(folder: Path, **changes: str) -> Config:
    text = CONFIG.format(folder=folder)
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return written(folder, text)


def written(folder: Path, text: str) -> Config:
    (folder / "c.toml").write_text(text, encoding="utf-8")
    return read_config(folder / "c.toml")


def facts(jobs: Iterable[Job]) -> list[tuple[object, ...]]:
    return [(j.set.name, j.number, j.treatment, j.base and j.base.path.name) for j in jobs]


def test_the_shipped_configuration_can_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_SHARED", str(shared_data().parent))
    found = read_config(ROOT / "configs" / "forged_media.toml")
    assert {s.method for s in found.sets} >= {"stylegan-random-face", "realesrgan-x2"}
    assert {s.forger for s in found.sets} >= {"stylegan", "super_resolution", "resampling"}
    assert found.splits == ("train",)


def test_the_plan_is_the_same_every_time_and_a_higher_count_only_adds(tmp_path: Path) -> None:
    small = config(media(tmp_path, people()))
    assert facts(plan(small)) == facts(plan(small))
    more = replace(small, sets=(replace(small.sets[0], count=12), small.sets[1]))
    assert facts(plan(more))[:8] == facts(plan(small))[:8]
    other = replace(small, seed=6)
    assert facts(plan(other)) != facts(plan(small))


def test_about_half_are_saved_as_their_source_was(tmp_path: Path) -> None:
    found = config(media(tmp_path, people()))
    found = replace(found, sets=(replace(found.sets[0], count=400),))
    counts = Counter(job.treatment for job in plan(found))
    assert 160 < counts["resaved"] < 240
    only = replace(found, history=replace(found.history, resaved_share=1.0))
    assert {job.treatment for job in plan(only)} == {"resaved"}


def test_pictures_are_taken_in_turn(tmp_path: Path) -> None:
    found = config(media(tmp_path, [*people(), {**people()[0], "path": "p/train-p_9.jpg"}]))
    jobs = list(plan(found))
    first = [job.base for job in jobs[:6] if job.base]
    assert {base.group for base in first} == {f"p{i}" for i in range(6)}
    assert len({base.path for base in [j.base for j in jobs[:7]] if base}) == 7


def test_small_pictures_are_never_shrunk_and_unknown_blocks_never_matched(tmp_path: Path) -> None:
    rows = [
        {"path": "train-small_0.jpg", "identity": "a", "px": "100"},
        {"path": "train-png_0.png", "identity": "b"},
        {"path": "train-tiny_0.jpg", "identity": "c", "px": "40"},
    ]
    jobs = [job for job in plan(config(media(tmp_path, rows))) if job.base]
    pairs = {(job.treatment, job.base.group) for job in jobs if job.base}
    assert pairs == {("resaved", "a"), ("shrunk", "b")}


def test_a_shrunk_copy_keeps_the_least_side(tmp_path: Path) -> None:
    history = config(media(tmp_path, people())).history
    assert history.scales_for(160) == (0.4, 0.6)
    assert history.scales_for(128) == (0.5, 0.6)
    assert history.allows(107)
    assert not history.allows(106)


def test_only_the_splits_asked_for_and_groups_that_do_not_mix_them(tmp_path: Path) -> None:
    rows = [
        {"path": "train-unsplash_0.jpg", "identity": "unsplash-0"},
        {"path": "val-unsplash_0.jpg", "identity": "unsplash-0", "split": "val"},
        {"path": "val-other_0.jpg", "identity": "other-0", "split": "val"},
    ]
    folder = media(tmp_path, rows)
    trained = config(folder)
    assert {job.base.split for job in plan(trained) if job.base} == {"train"}
    both = replace(trained, splits=("train", "val"))
    groups = {job.base.path.name: job.base.group for job in plan(both) if job.base}
    assert groups == {
        "train-unsplash_0.jpg": "unsplash-0",
        "val-unsplash_0.jpg": "val-unsplash-0",
        "val-other_0.jpg": "other-0",
    }


def test_sources_are_drawn_by_their_shares_and_others_left_out(tmp_path: Path) -> None:
    rows = [
        *people(),
        {"path": "w.jpg", "identity": "w", "method": "web-theme"},
        {"path": "x.jpg", "identity": "x", "method": "not-named"},
        {"path": "f.jpg", "identity": "f", "label": "fake"},
    ]
    found = config(media(tmp_path, rows))
    found = replace(found, sets=(replace(found.sets[0], count=300),))
    counts = Counter(job.base.method for job in plan(found) if job.base)
    assert set(counts) == {"made", "web-theme"}
    assert 0.2 < counts["web-theme"] / 300 < 0.4
    assert not [job for job in plan(found) if job.base and job.base.group == "f"]


def test_a_plan_without_usable_pictures_is_refused(tmp_path: Path) -> None:
    found = config(media(tmp_path, [{"path": "train-png_0.png", "identity": "b"}]))
    with pytest.raises(ConfigError, match="resaved"):
        list(plan(found))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('forger = "super_resolution"', 'forger = "two_faces"', "stylegan"),
        ('forger = "super_resolution"', 'forger = "nothing"', "no whole pictures"),
        ("video-x2 = 0.5", "video-x9 = 0.5", "video-x2"),
        ('name = "soft"', 'name = "sr"', "twice"),
        ('name = "sr"', 'name = "../sr"', "small letters"),
        ("count = 8", "count = -1", "count"),
        ("window_px = 96", "window_px = 8", "64 px"),
        ("shrunk = [0.4, 0.6]", "shrunk = [0.6, 0.4]", "shrunk"),
        ("least_px = 64", "least_px = 4", "least_px"),
        ("made = 0.7", "made = -0.7", "shares"),
        ("seed = 5", "seed = -5", "seed"),
        ("seed = 5", "sead = 5", "sead"),
        ("least_px = 64", "lowest_px = 64", "lowest_px"),
        ('licence = ""', 'license = ""', "licen[sc]e"),
    ],
)
def test_a_wrong_configuration_is_refused(tmp_path: Path, old: str, new: str, told: str) -> None:
    media(tmp_path, people(1))
    with pytest.raises(ConfigError) as caught:
        config(tmp_path, **{old: new})
    assert re.search(told, caught.value.as_text())


def test_a_missing_configuration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no forged set"):
        read_config(tmp_path / "none.toml")
