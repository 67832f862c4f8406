from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("pyarrow", reason="the train extra is not installed")
pytest.importorskip("onnx", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.errors import AssayError, ConfigError  # noqa: E402
from assay.evaluation.items import Item  # noqa: E402
from assay.evaluation.models import (  # noqa: E402
    About,
    entries,
    load_models,
    one_sided,
    reason_of_kind,
    require_fitting,
)
from assay.training.datasets.records import Record  # noqa: E402

from .made_models import write_tiny_bundle  # noqa: E402


def test_words_name_bundles_detectors_the_program_and_scores(tmp_path: Path) -> None:
    folder = write_tiny_bundle(tmp_path / "b1")
    scores = tmp_path / "theirs.csv"
    scores.write_text("path,score,system\na,1,x\na,2,y\n")
    found = load_models([str(folder), "face_blending", "assay", str(scores)])
    assert [m.about.name for m in found] == ["tiny", "face_blending", "assay", "x", "y"]
    tiny, face, program = (m.about for m in found[:3])
    assert (tiny.net, tiny.scale, len(tiny.sha256)) == ("tiny_mean", "probability", 64)
    assert tiny.trained_on is not None
    assert face.trained_on
    assert program.trained_on is None
    assert tiny.as_result()["bundle_sha256"] == tiny.sha256


def test_two_models_of_one_name_are_told_apart_and_one_twice_is_refused(tmp_path: Path) -> None:
    one, two = write_tiny_bundle(tmp_path / "run1"), write_tiny_bundle(tmp_path / "run2")
    named = [m.about.name for m in load_models([str(one), str(two)])]
    assert named == ["tiny (run1)", "tiny (run2)"]
    bundles = [write_tiny_bundle(tmp_path / name / "bundle") for name in ("mine", "yours")]
    named = [m.about.name for m in load_models([str(path) for path in bundles])]
    assert named == ["tiny (mine)", "tiny (yours)"]
    with pytest.raises(ConfigError, match="named twice"):
        load_models([str(one), str(two), str(two)])
    with pytest.raises(ConfigError, match="No model is named"):
        load_models([])


def test_words_that_name_nothing_are_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        load_models(["face_blendin"])
    assert "Did you mean 'face_blending'?" in error.value.as_text()
    with pytest.raises(ConfigError, match="no bundle"):
        load_models([str(tmp_path)])
    folder = write_tiny_bundle(tmp_path / "b")
    (folder / "network.onnx").write_bytes(b"other")
    with pytest.raises(AssayError, match="SHA-256"):
        load_models([str(folder)])


def test_kinds_that_a_model_does_not_read() -> None:
    about = About("voice", "h", "s", "logit", ("audio", "video"))
    picture = Item(Record("made", "a.png", "image", "fake"), "g", Path())
    assert reason_of_kind(about, picture).startswith("wrong_kind: voice reads audio, video")
    with pytest.raises(ConfigError, match="the data hold image only"):
        require_fitting(about, [picture])


def test_fakes_of_the_other_side_are_told() -> None:
    said = Record("av", "a.mp4", "video", "fake", visual_fake=False, audio_fake=True)
    seen = Record("av", "b.mp4", "video", "fake", visual_fake=True, audio_fake=False)
    items = [Item(record, "g", Path()) for record in (said, said, seen)]
    face, voice = (About("m", "h", "s", "logit", kinds) for kinds in (("image", "video"), ("audio", "video")))  # type: ignore[arg-type]  # fmt: skip  # noqa: E501
    assert [(n.code, n.n) for n in one_sided(face, items)] == [("fake_in_sound_only", 2)]
    assert [(n.code, n.n) for n in one_sided(voice, items)] == [("fake_in_picture_only", 1)]


def test_what_a_card_says_of_its_training_takes_any_form() -> None:
    assert entries(None) is None
    assert entries("ff++") == ({"set": "ff++"},)
    assert entries([{"set": "a"}, "b"]) == ({"set": "a"}, {"set": "b"})
