from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("lightning", reason="the train extra is not installed")
pytest.importorskip("timm", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from PIL import Image  # noqa: E402

from assay.errors import ConfigError  # noqa: E402
from assay.training import run  # noqa: E402
from assay.training.cache import CachedView  # noqa: E402
from assay.training.config import DataChoice, MembersChoice, TrainingConfig, read_config  # noqa: E402
from assay.training.datasets.manifest import read_manifest  # noqa: E402
from assay.training.pairs import PairSource  # noqa: E402
from assay.training.picture_pairs import PicturePairSource  # noqa: E402
from assay.training.run import (  # noqa: E402
    Prepared,
    build_members,
    build_net,
    distinct,
    fit_members,
    pair_source,
    prepare,
    provenance,
    split_examples,
)
from tests.real_faces import textured  # noqa: E402
from tests.training.makers import make_picture, make_view, write_config, write_manifest  # noqa: E402
from tests.training.tiny_run import TinyNet  # noqa: E402


def picture_config(folder: Path, **data: Any) -> TrainingConfig:
    config = read_config(write_config(folder, kind='kind = "picture"', scale=""))
    return replace(config, data=replace(config.data, **data))


def many_views() -> list[CachedView]:
    view = make_view()
    genuine = [replace(view, group=f"person-{n}") for n in range(40) for _ in range(2)]
    twins = [replace(view, group=f"dfl-{name}", twin=view.rgb) for name in ("x", "y")]
    return genuine + twins


def test_no_group_is_trained_and_calibrated(tmp_path: Path) -> None:
    config = read_config(write_config(tmp_path, '"dfl-x", "person-0"'))
    views = many_views()
    training, calibration = split_examples(views, config)
    assert len(training) + len(calibration) == len(views)
    groups = [{view.group for view in part} for part in (training, calibration)]
    assert groups[0].isdisjoint(groups[1])
    assert {"dfl-x", "person-0"} <= groups[1]
    assert "dfl-y" in groups[0]  # twins are few: only those named are kept out
    assert 4 <= len(groups[1]) <= 22
    assert split_examples(views, config) == (training, calibration)


def test_a_source_kept_out_takes_its_groups_with_it(tmp_path: Path) -> None:
    choice = DataChoice((), tmp_path, 0.0, calibration_sources=("camera",))
    config = replace(picture_config(tmp_path), data=choice)
    pictures = [make_picture(n, group=f"g{n}") for n in range(3)]
    pictures += [make_picture(n, group=f"g{n}", method="phone") for n in (2, 3, 4)]
    training, calibration = split_examples(pictures, config)
    assert {p.method for p in calibration} == {"camera"}
    assert [p.group for p in training] == ["g3", "g4"]  # g2 was photographed with both


@pytest.mark.parametrize("what", ["calibration_groups", "calibration_sources"])
def test_what_is_to_be_kept_out_and_does_not_exist_is_refused(tmp_path: Path, what: str) -> None:
    config = read_config(write_config(tmp_path))
    config = replace(config, data=replace(config.data, **{what: ("dfl-misspelt",)}))
    with pytest.raises(ConfigError, match=f"{what}.*dfl-misspelt"):
        split_examples(many_views(), config)


def test_a_file_that_is_there_twice_counts_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"path": f"{name}.png"} for name in "abcd"]
    for row, digest in zip(rows, ("01", "02", "01", "01"), strict=True):
        row["sha256"] = digest
    write_manifest(tmp_path, rows)
    kept = distinct(read_manifest(tmp_path))
    assert [item.path.name for item in kept] == ["a.png", "b.png"]
    assert capsys.readouterr().err == "2 of 4 files are there twice; the first counts.\n"
    assert distinct(kept) == kept
    assert capsys.readouterr().err == ""


def test_files_without_a_hash_are_refused(tmp_path: Path) -> None:
    write_manifest(tmp_path, [{"path": "a.png"}, {"path": "b.png", "sha256": ""}])
    with pytest.raises(ConfigError, match=r"1 files have no sha256.*b\.png"):
        distinct(read_manifest(tmp_path))


@pytest.fixture
def media(tmp_path: Path) -> Path:
    """Forty genuine pictures, some generated ones of two methods, and what does not count."""
    folder = tmp_path / "data"
    rows = [{"path": f"r{n}.png", "identity": f"p{n}"} for n in range(40)]
    rows += [{"path": f"f{n}.png", "label": "fake", "method": "gan"} for n in range(8)]
    rows += [{"path": f"t{n}.png", "label": "fake", "method": "talker"} for n in range(2)]
    rows += [{"path": "v.png", "split": "val"}, {"path": "s.wav", "modality": "audio"}]
    write_manifest(folder, rows)
    for seed, row in enumerate(rows[:-1]):
        small = textured(64, 72, seed % 7)
        small[0, 0] = seed
        Image.fromarray(small).save(folder / row["path"])
    return folder


def test_withheld_methods_and_the_val_split_are_never_trained_on(
    tmp_path: Path, media: Path
) -> None:
    prepared = prepare(picture_config(tmp_path, withheld=("talker",)))
    kept_out = [*prepared.calibration, *prepared.validation]
    assert {p.method for p in prepared.training} == {"made", "gan"}
    assert {Path(p.source_path).name for p in prepared.validation} == {"v.png", "t0.png", "t1.png"}
    assert {p.split for p in [*prepared.training, *prepared.calibration]} == {"train"}
    assert {p.group for p in prepared.training}.isdisjoint({p.group for p in kept_out})
    assert len(prepared.training) + len(kept_out) == 51
    assert {item.method for item in prepared.items} == {"made", "gan"}
    assert len(prepared.items) == 48


def test_faces_are_learned_from_genuine_and_paired_media_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        {"path": "a.png"},
        {"path": "b.png", "split": "val"},
        {"path": "c.png", "label": "fake"},
        {"path": "d.wav", "modality": "audio"},
        {"path": "train-E_F_0.mp4", "modality": "video", "label": "paired"},
    ]
    write_manifest(tmp_path / "data", rows)
    asked = []
    monkeypatch.setattr(run, "cached_views", lambda items, _: asked.extend(items) or [])
    prepared = prepare(read_config(write_config(tmp_path)))
    assert [i.path.name for i in asked] == ["a.png", "b.png", "train-E_F_0.mp4"]
    assert [i.path.name for i in prepared.items] == ["a.png", "train-E_F_0.mp4"]


def test_each_kind_has_its_source_of_pairs(tmp_path: Path) -> None:
    face, picture = read_config(write_config(tmp_path)), picture_config(tmp_path)
    assert isinstance(pair_source(face, [make_view()]), PairSource)
    assert isinstance(pair_source(picture, [make_picture(0)]), PicturePairSource)


def test_members_are_what_the_configuration_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = []
    monkeypatch.setattr(
        run, "build_net", lambda _, given=None: built.append(given) or torch.nn.Identity()
    )
    chosen = MembersChoice({"wide": {"width": 2}}, ("self_blend", "m*"), {"width": 1}, 4)
    config = replace(read_config(write_config(tmp_path)), members=chosen)
    prepared = Prepared([], [make_view(), make_view(method="more")], [], [])
    members = build_members(config, prepared)
    assert [m.name for m in members] == [
        "all", "wide", "reference", "without self_blend", "without m*",
    ]  # fmt: skip
    assert [sorted(m.leaves_out) for m in members] == [
        [], [], [], ["self_blend"], ["made", "more", "mouth_rendering"],
    ]  # fmt: skip
    assert [m.every for m in members] == [1, 1, 4, 4, 4]
    assert built == [None, {"width": 2}, {"width": 1}, {"width": 1}, {"width": 1}]


def test_a_pattern_that_matches_nothing_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "build_net", lambda *_: torch.nn.Identity())
    chosen = MembersChoice(leave_out=("stylegan*",))
    config = replace(read_config(write_config(tmp_path)), members=chosen)
    with pytest.raises(ConfigError, match=r"stylegan\*.*self_blend"):
        build_members(config, Prepared([], [make_view()], [], []))


def test_a_network_that_takes_no_such_setting_is_refused(tmp_path: Path) -> None:
    config = replace(read_config(write_config(tmp_path)), net={"depth": 3})
    with pytest.raises(ConfigError, match="depth"):
        build_net(config)


def test_training_goes_on_from_given_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "build_net", lambda *_: TinyNet())
    kept = TinyNet()
    torch.save(kept.state_dict(), tmp_path / "kept.pt")
    prepared = Prepared([], [make_view()], [], [])
    config = replace(read_config(write_config(tmp_path)), start=tmp_path / "kept.pt")
    (member,) = build_members(config, prepared)
    assert torch.equal(member.net.first.weight, kept.first.weight)
    beside = torch.load(config.run_folder / "start.pt", weights_only=True)
    assert torch.equal(beside["first.weight"], kept.first.weight)
    torch.save({"other": torch.zeros(1)}, tmp_path / "kept.pt")
    for start in (tmp_path / "kept.pt", tmp_path / "none.pt"):
        with pytest.raises(ConfigError, match=start.name):
            build_members(replace(config, start=start), prepared)


def test_provenance_is_enough_to_do_it_again(tmp_path: Path) -> None:
    write_manifest(tmp_path / "data", [{"path": "a.png"}])
    config = read_config(write_config(tmp_path, '"dfl-x"'))
    items = read_manifest(tmp_path / "data")
    training, calibration = split_examples(many_views(), config)
    prepared = Prepared(items, training, calibration, [])
    facts = json.loads(json.dumps(provenance(config, prepared)))
    assert facts["config"] == config.raw
    assert facts["recipe"]["size_px"] == 32
    assert len(facts["data_hash"]) == 16
    assert facts["commit"]
    assert facts["n_training"] == len(training)
    assert set(facts["calibration_groups"]) == {view.group for view in calibration}


def test_from_configuration_to_scores_and_weights(
    tmp_path: Path, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "build_net", lambda *_: TinyNet())
    path = write_config(tmp_path, kind='kind = "picture"', scale="")
    path.write_text(
        path.read_text() + '\n[members]\nleave_out = ["gan"]\nvariants = { "b" = {} }\n'
    )
    run.train(path, finish=False)
    folder = tmp_path / "runs" / "tiny"
    names = {"weights.pt", "weights-b.pt", "scores.csv", "resolved.json", "curves.png", "last.ckpt"}
    assert names <= {p.name for p in folder.iterdir()}
    assert not (folder / "weights-without gan.pt").exists()
    with (folder / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {"all", "b", "reference", "without gan"} <= set(rows[0])
    assert len(rows) == 51
    assert all(np.isfinite(float(row["all"])) for row in rows)
    # Resumed, it is finished: nothing is trained, the weights are taken as they are.
    monkeypatch.setattr(run, "fit_members", lambda *_: pytest.fail("it was trained again"))
    handed = []
    monkeypatch.setattr("assay.training.export.finish", lambda net, *_: handed.append(net))
    run.train(path, resume=True)
    kept = torch.load(folder / "weights.pt", weights_only=True)
    assert torch.equal(handed[0].state_dict()["first.weight"], kept["first.weight"])


def test_training_and_checks_count_the_tags_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setattr(run, "fit", lambda module, *_: seen.append(module))
    monkeypatch.setattr("assay.training.leave_out.write_scores", lambda *_: None)
    monkeypatch.chdir(tmp_path)
    config = read_config(write_config(tmp_path))
    config.run_folder.mkdir(parents=True)
    prepared = Prepared([], [make_view(method="a")], [make_view(method="b")], [])
    fit_members(config, prepared, [run.Member("all", TinyNet())], resume=False)
    assert seen[0].source.tags == seen[0].checks.tags
    assert {"a", "b", "self_blend"} <= set(seen[0].source.tags)


def test_a_folder_to_start_from_is_a_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "build_net", lambda *_: TinyNet())
    asked = []
    monkeypatch.setattr(run, "load_bundle", lambda _, *given: asked.append(given))
    config = replace(read_config(write_config(tmp_path)), start=tmp_path)
    build_members(config, Prepared([], [make_view()], [], []))
    ((folder, pictures),) = asked
    assert folder == tmp_path
    assert pictures.shape == (128, 32, 32, 3)


def test_networks_that_leave_out_may_be_trained_beside_one_that_is_not(
    tmp_path: Path, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "build_net", lambda *_: TinyNet())
    monkeypatch.setattr("assay.training.export.finish", lambda *_: pytest.fail("a bundle"))
    kept = TinyNet()
    torch.save(kept.state_dict(), tmp_path / "kept.pt")
    path = write_config(tmp_path, kind='kind = "picture"', scale="")
    text = path.read_text() + '\n[members]\nonly = true\nleave_out = ["gan"]\n'
    path.write_text(f'start = "{tmp_path / "kept.pt"}"\n' + text)
    run.train(path)
    folder = tmp_path / "runs" / "tiny"
    after = torch.load(folder / "weights.pt", weights_only=True)
    for name, value in kept.state_dict().items():
        assert torch.equal(after[name], value), name
    with (folder / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {"all", "reference", "without gan"} <= set(rows[0])
    assert any(row["reference"] != row["all"] for row in rows)
