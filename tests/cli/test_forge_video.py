from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from assay.media.probe import probe
from tests.media.tag_makers import Signer
from tests.real_faces import portrait
from tests.training.makers import needs_opencv
from tests.training.moving_faces import portrait_clip

from .conftest import Answer

Assay = Callable[..., Answer]
pytestmark = [pytest.mark.train, needs_opencv]


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """me.mp4 with sound and you.mp4 without."""
    monkeypatch.chdir(tmp_path)
    portrait_clip("me.mp4")
    portrait_clip("you.mp4", donor=True)


@pytest.mark.usefixtures("clips")
def test_a_forged_video_is_written_marked_with_its_sound_and_repeatable(assay: Assay) -> None:
    answer = assay("forge", "face_flicker", "me.mp4", "out.mp4", "--seed", "3")
    assert answer.code == 0, answer.err
    assert answer.out.startswith("out.mp4: face_flicker/")
    assert "changed 0.00-0.56 s; marked as forged by assay" in answer.out
    assert assay("forge", "face_flicker", "me.mp4", "b.mp4", "--seed", "3").code == 0
    assert Path("b.mp4").read_bytes() == Path("out.mp4").read_bytes()
    media = probe("out.mp4")
    assert (media.size_px, media.codec, media.audio_codec) == ((256, 304), "h264", "aac")
    assert media.duration_s == pytest.approx(0.56, abs=0.1)
    found = assay("detect", "--json", "--detectors", "metadata", "out.mp4").out
    for code in ("generator_metadata", "metadata_declares_ai_elements", "assay forge"):
        assert code in found


@pytest.mark.usefixtures("clips")
def test_a_donor_lends_its_face(assay: Assay) -> None:
    command = ("forge", "steady_swap", "me.mp4", "out.mov", "--donor", "you.mp4", "--seed", "1")
    answer = assay(*command)
    assert answer.code == 0, answer.err
    assert probe("out.mov").audio_codec == "aac"


@pytest.mark.usefixtures("clips")
def test_a_signed_video(assay: Assay, tmp_path: Path) -> None:
    pytest.importorskip("cryptography")
    signer = Signer()
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    key.write_bytes(signer._key)
    cert.write_bytes(signer._chain)
    credentials = ("--key", str(key), "--cert", str(cert))
    answer = assay("forge", "face_rate", "me.mp4", "out.mp4", "--seed", "1", *credentials)
    assert answer.code == 0, answer.err
    assert "marked and signed" in answer.out
    assert "c2pa" in assay("detect", "--json", "--detectors", "provenance", "out.mp4").out


@pytest.mark.usefixtures("clips")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("face_flicker", "me.mp4"), "needs a video"),
        (("face_flicker", "me.mp4", "out.avi"), ".mp4"),
        (("face_flicker", "me.mp4", "you.mp4"), "is there already"),
        (("face_flicker", "me.mp4", "out.mp4", "--donor", "you.mp4"), "takes no --donor"),
        (("face_flicker", "me.mp4", "out.mp4", "--mask", "m.png"), "takes no --mask"),
    ],
)
def test_calls_that_make_no_sense_are_refused(
    assay: Assay, arguments: tuple[str, ...], said: str
) -> None:
    answer = assay("forge", *arguments)
    assert answer.code == 2
    assert said in answer.err
    assert not Path("out.mp4").exists()


@pytest.mark.usefixtures("clips")
def test_a_picture_is_no_video_and_a_third_face_is_not_there(assay: Assay) -> None:
    from PIL import Image

    Image.fromarray(portrait()).save("me.png")
    answer = assay("forge", "face_flicker", "me.png", "out.mp4")
    assert (answer.code, "is no video" in answer.err) == (3, True)
    answer = assay("forge", "face_flicker", "me.mp4", "out.mp4", "--face", "3")
    assert (answer.code, "No face 3" in answer.err) == (3, True)
