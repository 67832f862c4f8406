from __future__ import annotations

import io
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from assay.errors import ConfigError, InputError
from assay.training import forgeries, forging
from assay.training.forgeries import Forger, Forgery, Subject
from tests.media.tag_makers import Signer
from tests.real_faces import golden_landmarks, grey, pasted, portrait, portrait_path, scaled
from tests.training.moving_faces import portrait_clip
from tests.training.sound_makers import voiced, write_wav

from .conftest import Answer

Assay = Callable[..., Answer]
ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "forging.md"
needs_opencv = pytest.mark.skipif(
    find_spec("cv2") is None, reason="the train extra is not installed"
)
MARK = {"generator_metadata", "metadata_declares_ai_elements"}


def square(subject: Subject | None, donor: Subject | None, rng: np.random.Generator) -> Forgery:
    """A grey square in the middle of the picture, or a picture of nothing else."""
    print("a forger that prints")
    rgb = np.zeros((64, 64, 3), np.uint8) if subject is None else subject.rgb
    mask = np.zeros(rgb.shape[:2], np.float32)
    y, x = rgb.shape[0] // 2, rgb.shape[1] // 2
    mask[y - 8 : y + 8, x - 8 : x + 8] = 1.0
    fake = rgb.copy()
    fake[mask > 0] = rng.integers(256)
    return Forgery(fake, rgb, mask, "square/grey")


def darkened(subject: Subject, donor: Any, rng: np.random.Generator) -> Forgery:
    """As `square`, in a picture that is darker everywhere."""
    return square(Subject(subject.rgb // np.uint8(2), subject.landmarks_px), donor, rng)


def breaks(error: Exception) -> Any:
    def make(*_all: Any) -> Forgery:
        raise error

    return make


def made(name: str, needs: Any, make: Any = square) -> Forger:
    return Forger(name, f"{name} for a test", "face_altered", needs, "own, Apache-2.0", make)


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lab of doubles, and no search for faces: it stands as in the portrait."""
    found = [
        made("on_face", "face"),
        made("on_two", "two_faces"),
        made("on_picture", "picture"),
        made("on_nothing", "nothing"),
        made("on_surroundings", "face", darkened),
        made("without_weights", "picture", breaks(ConfigError("No weights.", remedy="Get them."))),
        made("refusing", "picture", breaks(InputError("Not this picture."))),
        made("failing", "picture", breaks(ValueError("broken"))),
        made("extra", "picture", breaks(ModuleNotFoundError("no ncnn", name="ncnn"))),
        made("no_forgery", "picture", lambda *_: None),
    ]
    monkeypatch.setattr(forgeries, "discover", lambda: {one.name: one for one in found})
    monkeypatch.setattr(forgeries, "discover_sound", dict)
    monkeypatch.setattr(forgeries, "discover_video", dict)
    landmarks = golden_landmarks()
    monkeypatch.setattr(forging, "find_face", lambda *_one, **_more: landmarks)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with me.png, 512 x 600 px."""
    monkeypatch.chdir(tmp_path)
    for name in ("ASSAY_FORGE_KEY", "ASSAY_FORGE_CERT"):
        monkeypatch.delenv(name, raising=False)
    Image.fromarray(grey(600, 512)).save("me.png")
    return tmp_path


def findings(answer: Answer) -> list[set[str]]:
    lines = [json.loads(line) for line in answer.out.splitlines()]
    return [{finding["finding"] for finding in line["forensics"]} for line in lines]


def test_help_is_light() -> None:
    program = (
        "import sys\nfrom assay.cli import run\nassert run(['forge', '--help']) == 0\n"
        "assert not {'numpy', 'cv2', 'PIL', 'c2pa', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_help_says_what_it_is_for(assay: Assay) -> None:
    text = " ".join(assay("forge", "--help").out.split())
    for said in ("no option leaves that out", "consent", "research quality", ".mp4"):
        assert said in text


@pytest.mark.usefixtures("lab")
def test_the_list_names_every_forger(assay: Assay) -> None:
    answer = assay("forge", "--list")
    assert answer.code == 0
    rows = [line.split() for line in answer.out.splitlines()]
    wanted = ["on_two", "picture", "on_two", "for", "a", "test", "face", "altered", "two", "faces"]
    assert wanted in [row[:10] for row in rows]
    assert sum("Apache-2.0" in line for line in answer.out.splitlines()) == 10


@needs_opencv
@pytest.mark.usefixtures("lab")
def test_a_forgery_is_written_marked_and_repeatable(assay: Assay, here: Path) -> None:
    answer = assay("forge", "on_face", "me.png", "out.png", "--seed", "3", "--mask", "mask.png")
    assert (answer.code, answer.out.count("\n")) == (0, 1)
    assert answer.out.startswith("out.png: square/grey, seed 3")
    fake, mask = (np.asarray(Image.open(name)) for name in ("out.png", "mask.png"))
    assert fake.shape == (600, 512, 3)
    assert mask.shape == (600, 512)
    assert ((fake != 128).any(axis=2) == (mask == 255)).all()
    assert assay("forge", "on_face", "me.png", "again.png", "--seed", "3").code == 0
    assert Path("again.png").read_bytes() == Path("out.png").read_bytes()
    (found,) = findings(assay("detect", "--json", "--detectors", "metadata", "out.png"))
    assert found >= MARK


@needs_opencv
@pytest.mark.usefixtures("lab")
def test_it_says_where_the_surroundings_changed(assay: Assay, here: Path) -> None:
    assert "surroundings" not in assay("forge", "on_face", "me.png", "a.png").out
    assert "surroundings changed too" in assay("forge", "on_surroundings", "me.png", "b.png").out
    assert np.asarray(Image.open("b.png"))[0, 0].tolist() == [64, 64, 64]


@needs_opencv
@pytest.mark.usefixtures("lab")
def test_without_a_seed_one_is_drawn_and_told(assay: Assay, here: Path) -> None:
    told = re.search(r"seed (\d+)", assay("forge", "on_face", "me.png", "out.png").out)
    assert told is not None
    assay("forge", "on_face", "me.png", "again.png", "--seed", told[1])
    assert Path("again.png").read_bytes() == Path("out.png").read_bytes()


@needs_opencv
@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize("paths", [("out.jpg",), ("-", "out.jpg")])
def test_out_of_nothing(assay: Assay, here: Path, paths: tuple[str, ...]) -> None:
    assert assay("forge", "on_nothing", *paths).code == 0
    assert Image.open("out.jpg").size == (64, 64)


@needs_opencv
@pytest.mark.usefixtures("lab")
def test_a_picture_comes_from_standard_input(
    assay: Assay, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.TextIOWrapper(io.BytesIO(Path("me.png").read_bytes()))
    monkeypatch.setattr(sys, "stdin", stream)
    assert assay("forge", "on_face", "-", "out.webp").code == 0
    assert Image.open("out.webp").size == (512, 600)


@needs_opencv
@pytest.mark.usefixtures("lab")
def test_a_picture_is_turned_upright_and_its_tags_stay_behind(assay: Assay, here: Path) -> None:
    tags = Image.Exif()
    tags[0x0112] = 6
    tags[0x8825] = {1: "N", 2: (48.0, 8.0, 0.0), 3: "E", 4: (11.0, 35.0, 0.0)}
    Image.fromarray(grey(512, 600)).save("lying.jpg", exif=tags)
    assert assay("forge", "on_face", "lying.jpg", "out.jpg").code == 0
    written = Image.open("out.jpg")
    assert written.size == (512, 600)
    assert not {0x0112, 0x8825} & set(written.getexif())


WRONG = {
    "no name": ((), "--list"),
    "unknown": (("on_fase", "me.png", "o.png"), "Did you mean 'on_face'?"),
    "no out": (("on_face", "me.png"), "IN OUT"),
    "too many": (("on_face", "me.png", "o.png", "p.png"), "IN OUT"),
    "no donor": (("on_two", "me.png", "o.png"), "--donor FILE"),
    "a donor": (("on_face", "me.png", "o.png", "--donor", "me.png"), "takes no --donor"),
    "an input": (("on_nothing", "me.png", "o.png"), "on_nothing OUT"),
    "a face": (("on_nothing", "o.png", "--face", "1"), "takes no --face"),
    "suffix": (("on_face", "me.png", "o.gif"), ".jpg, .png or .webp"),
    "mask suffix": (("on_face", "me.png", "o.png", "--mask", "m.jpg"), "as .png"),
    "itself": (("on_face", "me.png", "me.png", "--force"), "another file"),
    "donor": (("on_two", "me.png", "you.png", "--donor", "you.png", "--force"), "another file"),
    "mask is out": (("on_face", "me.png", "o.png", "--mask", "o.png"), "another file"),
    "mask is in": (("on_face", "me.png", "o.png", "--mask", "me.png", "--force"), "another file"),
    "there": (("on_face", "me.png", "you.png"), "--force replaces it"),
    "folder": (("on_face", "me.png", "no/o.png"), "no folder"),
    "half a signature": (("on_face", "me.png", "o.png", "--key", "k.pem"), "both --key and --cert"),
    "no weights": (("without_weights", "me.png", "o.png"), "Get them."),
}


@needs_opencv
@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize(("arguments", "said"), WRONG.values(), ids=WRONG)
def test_wrong_usage_is_said_and_writes_nothing(
    assay: Assay, here: Path, arguments: tuple[str, ...], said: str
) -> None:
    Image.fromarray(grey(600, 512)).save("you.png")
    before = {path.name: path.read_bytes() for path in here.iterdir()}
    answer = assay("forge", *arguments)
    assert answer.code == 2
    assert said in answer.err
    assert answer.out == ""
    assert {path.name: path.read_bytes() for path in here.iterdir()} == before


@needs_opencv
@pytest.mark.usefixtures("lab")
def test_force_replaces(assay: Assay, here: Path) -> None:
    Path("out.png").write_bytes(b"old")
    assert assay("forge", "on_face", "me.png", "out.png", "--force").code == 0
    assert Image.open("out.png").size == (512, 600)


@needs_opencv
@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("refusing", 3, "Not this picture."),
        ("failing", 4, "The forger failing failed: ValueError: broken."),
        ("no_forgery", 4, "gave no forgery"),
        ("extra", 4, "Forging needs ncnn"),
    ],
)
def test_a_forger_that_fails_writes_nothing(
    assay: Assay, here: Path, name: str, code: int, said: str
) -> None:
    answer = assay("forge", name, "me.png", "o.png")
    assert (answer.code, answer.out) == (code, "")
    assert said in answer.err
    assert "Traceback" not in answer.err
    assert not Path("o.png").exists()


@needs_opencv
@pytest.mark.usefixtures("lab")
def test_inputs_that_are_no_pictures_are_refused(assay: Assay, here: Path) -> None:
    Path("text.png").write_text("no picture")
    Path("empty.png").write_bytes(b"")
    first, second = Image.fromarray(grey(32, 32)), Image.fromarray(grey(32, 32, value=9))
    first.save("moving.gif", save_all=True, append_images=[second])
    for name in ("text.png", "empty.png", "none.png", "moving.gif"):
        answer = assay("forge", "on_face", name, "o.png")
        assert answer.code == 3, name
    assert "pictures only" in answer.err
    answer = assay("forge", "on_face", "me.png", "o.png", "--max-megapixels", "0.1")
    assert answer.code == 3
    assert "the limit is 0.1" in answer.err
    assert sorted(path.suffix for path in here.iterdir()) == [".gif", ".png", ".png", ".png"]


@needs_opencv
def test_without_a_face_it_says_so(assay: Assay, here: Path) -> None:
    answer = assay("forge", "self_blend", "me.png", "o.png")
    assert answer.code == 3
    assert "No face was found" in answer.err


@pytest.mark.usefixtures("lab")
def test_without_the_extra_it_says_what_to_install(
    assay: Assay, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    answer = assay("forge", "on_face", "me.png", "o.png")
    assert answer.code == 4
    assert "pip install 'assay[train]'" in answer.err
    assert assay("forge", "--list").code == 0


@needs_opencv
@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize("by_variable", [False, True])
def test_a_signed_mark_is_found_by_provenance(
    assay: Assay, here: Path, monkeypatch: pytest.MonkeyPatch, by_variable: bool
) -> None:
    pytest.importorskip("cryptography", reason="the test's certificates are made with it")
    signer = Signer()
    Path("key.pem").write_bytes(signer._key)
    Path("cert.pem").write_bytes(signer._chain)
    arguments = ["--key", "key.pem", "--cert", "cert.pem"]
    if by_variable:
        monkeypatch.setenv("ASSAY_FORGE_KEY", "key.pem")
        monkeypatch.setenv("ASSAY_FORGE_CERT", "cert.pem")
        arguments = []
    answer = assay("forge", "on_face", "me.png", "out.jpg", *arguments)
    assert answer.code == 0, answer.err
    assert "marked and signed" in answer.out
    answer = assay("detect", "--json", "--detectors", "metadata,provenance", "out.jpg")
    (found,) = findings(answer)
    assert found >= MARK | {"provenance_valid_untrusted", "provenance_declares_ai_elements"}
    values = json.loads(answer.out)["provenance"]["values"]
    assert values["claim_generator"].startswith("assay ")


def documented_commands() -> list[list[str]]:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return [shlex.split(line) for block in blocks for line in block.splitlines()]


def test_the_page_tells_every_option_and_no_other(assay: Assay) -> None:
    shown = set(re.findall(r"--[a-z][a-z-]*", assay("forge", "--help").out)) - {"--help", "--debug"}
    told = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", PAGE.read_text(encoding="utf-8")))
    assert told - {"--json"} == shown


def test_the_page_names_forgers_that_there_are() -> None:
    named = set(re.findall(r"assay forge (\w+)", PAGE.read_text(encoding="utf-8")))
    assert len(named) >= 3
    there = (forgeries.discover, forgeries.discover_sound, forgeries.discover_video)
    assert named <= {name for found in there for name in found()}


@needs_opencv
def test_the_documented_commands_work(assay: Assay, here: Path) -> None:
    for name, picture in (("me", "grace_hopper"), ("you", "astronaut")):
        Image.open(portrait_path(picture)).save(f"{name}.jpg")
    two = pasted(grey(650, 900), portrait(), (380, 30))
    two = pasted(two, scaled(portrait("astronaut"), 0.6), (30, 60))
    Image.fromarray(two).save("two_people.jpg", quality=95)
    write_wav("me.wav", voiced(1.5))
    write_wav("you.wav", voiced(1.5, 4, pitch_hz=200))
    portrait_clip("me.mp4")
    portrait_clip("you.mp4", donor=True)
    commands = documented_commands()
    assert len(commands) == 8
    for command in commands:
        assert command[0] == "assay"
        answer = assay(*command[1:])
        assert answer.code in ((0, 1) if command[1] == "detect" else (0,)), answer.err
    assert all(found >= MARK for found in findings(answer))
    changed = np.asarray(Image.open("changed.png")) > 127
    assert 0.005 < changed.mean() < 0.5


@needs_opencv
def test_the_documented_python_works(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.open(portrait_path("grace_hopper")).save("me.jpg")
    (block,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(block, str(PAGE), "exec"), {})
    assert capsys.readouterr().out.startswith("self_blend/")
