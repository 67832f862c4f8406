"""Metadata: each finding from a file that has it, and none from a file that has not."""

from __future__ import annotations

import io
import time
import zlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from assay.case import Case
from assay.detectors import Detector, metadata
from assay.inputs.generator_findings import MAX_PROMPT
from assay.inputs.tag_findings import FORGEABLE
from assay.types import Evidence, Finding
from tests.media.tag_makers import (
    FORENSIC,
    iptc_record,
    jpeg,
    media_at,
    photoshop_block,
    png,
    with_chunk,
    with_segment,
    xmp,
)

SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/"
A1111 = "a red duck\nNegative prompt: hat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1"


def examined(
    tmp_path: Path, data: bytes, name: str = "a.jpg", size_px: tuple[int, int] | None = None
) -> Evidence:
    path = tmp_path / name
    path.write_bytes(data)
    return evidence_of(path, size_px)


def evidence_of(path: Path, size_px: tuple[int, int] | None = None) -> Evidence:
    (evidence,) = metadata.DETECTOR().examine(Case(media_at(path, size_px)))
    assert evidence.status == "reported"
    return evidence


def by_code(evidence: Evidence) -> dict[str, Finding]:
    return {finding.code.removeprefix("metadata_"): finding for finding in evidence.findings}


def exif(**texts: object) -> Image.Exif:
    numbers = {
        "make": 0x010F, "model": 0x0110, "software": 0x0131, "changed": 0x0132, "artist": 0x013B,
        "description": 0x010E,
    }  # fmt: skip
    block = Image.Exif()
    for name, text in texts.items():
        if name in numbers:
            block[numbers[name]] = text
    inner = block.get_ifd(0x8769)
    for name, number in {"taken": 0x9003, "digitised": 0x9004, "lens": 0xA434}.items():
        if name in texts:
            inner[number] = texts[name]
    if "width" in texts:
        inner[0xA002], inner[0xA003] = texts["width"], texts["height"]
    return block


def test_it_is_a_detector() -> None:
    assert isinstance(metadata.DETECTOR(), Detector)


def test_no_tags_are_not_suspicious(tmp_path: Path) -> None:
    (finding,) = examined(tmp_path, jpeg()).findings
    assert (finding.code, finding.severity) == ("metadata_none", "info")
    assert "not suspicious" in finding.meaning


def test_camera_and_lens_are_named_and_said_to_be_forgeable(tmp_path: Path) -> None:
    block = exif(make="Nikon", model="D70", lens="50 mm", taken="2008:05:30 15:56:01")
    found = by_code(examined(tmp_path, jpeg(block)))
    assert set(found) == {"camera", "dates"}
    assert found["camera"].values == {"make": "Nikon", "model": "D70", "lens": "50 mm"}
    assert FORGEABLE in found["camera"].meaning


@pytest.mark.parametrize(
    ("block", "code"),
    [
        (exif(taken="2020:01:01 10:00:00", digitised="2020:03:01 10:00:00"), "dates_disagree"),
        (exif(taken="2020:01:01 10:00:00", changed="2019:01:01 10:00:00"), "changed_before_taken"),
        (exif(taken="1980:01:01 00:00:00"), "clock_not_set"),
        (exif(taken=f"{datetime.now() + timedelta(days=9):%Y:%m:%d %H:%M:%S}"), "date_in_future"),
    ],
)
def test_doubtful_dates(tmp_path: Path, block: Image.Exif, code: str) -> None:
    assert set(by_code(examined(tmp_path, jpeg(block)))) == {"dates", code}


def test_dates_within_a_day_agree(tmp_path: Path) -> None:
    block = exif(taken="2020:01:01 10:00:00", digitised="2020:01:02 09:00:00")
    assert set(by_code(examined(tmp_path, jpeg(block)))) == {"dates"}


@pytest.mark.parametrize(
    ("program", "code", "severity"),
    [
        ("Adobe Photoshop 25.1 (Macintosh)", "editing", "notable"),
        ("GIMP 2.10", "editing", "notable"),
        ("FaceApp 4", "retouching", "notable"),
        ("Lavf60.3.100", "encoder", "info"),
        ("Ver.1.00", "software", "info"),
    ],
)
def test_programs_by_what_they_are_for(
    tmp_path: Path, program: str, code: str, severity: str
) -> None:
    found = by_code(examined(tmp_path, jpeg(exif(software=program))))
    assert {name: finding.severity for name, finding in found.items()} == {code: severity}


def test_a_place_is_a_privacy_warning_and_stands_only_in_the_values(tmp_path: Path) -> None:
    block = Image.Exif()
    block.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 30.0), 3: "W", 4: (2.0, 17.0, 40.0)})
    (finding,) = examined(tmp_path, jpeg(block)).findings
    assert (finding.code, finding.severity) == ("metadata_location", "notable")
    assert finding.values["coordinates"] == "48.858333 -2.294444"
    assert "48" not in finding.title + finding.meaning


def test_a_preview_of_another_picture_is_noticed(tmp_path: Path) -> None:
    def with_preview(seed: int) -> bytes:
        preview = jpeg(seed=seed, quality=60)
        offset = 8 + 2 + 4
        # IFD0 is empty and points to IFD1, whose two entries name the preview's place.
        block = (
            b"MM\x00*\x00\x00\x00\x08" + b"\x00\x00" + offset.to_bytes(4, "big")
            + b"\x00\x02\x02\x01\x00\x04\x00\x00\x00\x01" + (offset + 30).to_bytes(4, "big")
            + b"\x02\x02\x00\x04\x00\x00\x00\x01" + len(preview).to_bytes(4, "big")
            + bytes(4) + preview
        )  # fmt: skip
        return jpeg(b"Exif\x00\x00" + block)

    assert set(by_code(examined(tmp_path, with_preview(seed=3)))) == {"none"}
    assert set(by_code(examined(tmp_path, with_preview(seed=4)))) == {"thumbnail_disagrees"}


def test_a_size_in_the_tags_that_is_not_the_pictures(tmp_path: Path) -> None:
    data = jpeg(exif(width=4000, height=3000))
    assert set(by_code(examined(tmp_path, data, size_px=(96, 96)))) == {"size_disagrees"}
    assert set(by_code(examined(tmp_path, data, size_px=(3000, 4000)))) == {"none"}
    assert set(by_code(examined(tmp_path, data))) == {"none"}


def test_prompt_in_png_text(tmp_path: Path) -> None:
    chunk = b"parameters\x00" + A1111.encode()
    found = by_code(examined(tmp_path, with_chunk(png(), b"tEXt", chunk), "a.png"))
    assert found["generator_metadata"].severity == "strong"
    assert found["generator_metadata"].values["text"].startswith("a red duck Negative prompt")
    assert found["generator_metadata"].values["tags"] == ["png:parameters"]


def test_prompt_hidden_in_the_pixels(tmp_path: Path) -> None:
    pixels = np.array(Image.open(io.BytesIO(png("RGBA"))))
    pixels[:, :, 3] = 254
    text = A1111.encode()
    bits = np.unpackbits(
        np.frombuffer(b"stealth_pnginfo" + (len(text) * 8).to_bytes(4, "big") + text, np.uint8)
    )
    alpha = pixels[:, :, 3].T.copy().reshape(-1)
    alpha[: len(bits)] |= bits
    pixels[:, :, 3] = alpha.reshape(pixels.shape[1], pixels.shape[0]).T
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    (finding,) = examined(tmp_path, out.getvalue(), "a.png").findings
    assert finding.values["tags"] == ["pixels:lowest bits"]
    assert "red duck" in finding.values["text"]


@pytest.mark.parametrize(
    ("term", "code", "severity"),
    [
        ("trainedAlgorithmicMedia", "declares_ai_generation", "strong"),
        ("compositeWithTrainedAlgorithmicMedia", "declares_ai_elements", "strong"),
        ("digitalCapture", "declares_capture", "info"),
    ],
)
def test_source_type_in_xmp(tmp_path: Path, term: str, code: str, severity: str) -> None:
    packet = xmp(f'Iptc4xmpExt:DigitalSourceType="{SOURCE}{term}"')
    data = with_segment(jpeg(), 0xE1, b"http://ns.adobe.com/xap/1.0/\x00" + packet)
    (finding,) = examined(tmp_path, data).findings
    assert (finding.code, finding.severity) == (f"metadata_{code}", severity)


def test_credit_and_platform_in_iptc(tmp_path: Path) -> None:
    block = photoshop_block(iptc_record(110, "Made with Google AI") + iptc_record(40, "FBMD01"))
    data = with_segment(jpeg(), 0xED, b"Photoshop 3.0\x00" + block)
    found = by_code(examined(tmp_path, data))
    assert found["generator_metadata"].values["tool"] == "Google AI"
    assert {"platform", "remarks"} < set(found)


def test_a_video_names_its_encoder_and_date(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        container.metadata["comment"] = "made with suno"
        container.metadata["creation_time"] = "2021-02-03T04:05:06Z"
        stream = container.add_stream("libx264", rate=10)
        stream.width = stream.height = 64
        picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        for packet in [*stream.encode(picture), *stream.encode()]:
            container.mux(packet)
    found = by_code(evidence_of(path))
    assert set(found) == {"generator_metadata", "encoder", "dates", "remarks"}
    assert any(text.startswith("x264 - core") for text in found["encoder"].values["programs"])
    assert found["dates"].values["container"].startswith("2021-02-03")


SOUND_FORMS = {
    "a.wav": ("pcm_s16le", "s16"), "a.flac": ("flac", "s16"), "a.mp3": ("libmp3lame", "s16p"),
    "a.ogg": ("libopus", "flt"), "a.m4a": ("aac", "fltp"),
}  # fmt: skip


@pytest.mark.parametrize("name", SOUND_FORMS)
def test_tags_of_every_sound_container(tmp_path: Path, name: str) -> None:
    codec, form = SOUND_FORMS[name]
    path = tmp_path / name
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "A talk"
        container.metadata["comment"] = "generated with ElevenLabs"
        stream: Any = container.add_stream(codec, rate=48_000, layout="mono")
        dtype = np.int16 if form.startswith("s16") else np.float32
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 48_000), dtype), form, "mono")
        frame.sample_rate = 48_000
        for packet in [*stream.encode(frame), *stream.encode()]:
            container.mux(packet)
    found = by_code(evidence_of(path))
    assert found["generator_metadata"].values["tool"] == "ElevenLabs"
    assert "A talk" in found["remarks"].values.values()
    assert "encoder" in found or name == "a.wav"


@pytest.mark.parametrize(
    ("tags", "code", "value"),
    [
        ({"com.apple.quicktime.make": "Apple"}, "camera", "Apple"),
        ({"com.apple.quicktime.author": "ReplayKitRecording"}, "screen_recorder", "ReplayKit"),
        ({"com.apple.quicktime.location.ISO6709": "+48.85+002.29/"}, "location", "+48.85"),
        ({"com.apple.quicktime.software": "CapCut 5.1"}, "editing", "CapCut"),
        ({"com.apple.quicktime.creationdate": "2020-01-01T10:00:00+0100"}, "dates", "2020-01-01"),
    ],
)
def test_tags_of_phones_in_films(
    tmp_path: Path, tags: dict[str, str], code: str, value: str
) -> None:
    path = tmp_path / "a.mov"
    with av.open(str(path), "w", options={"movflags": "use_metadata_tags"}) as container:
        container.metadata.update(tags)
        stream: Any = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        for packet in [*stream.encode(picture), *stream.encode()]:
            container.mux(packet)
    assert value in str(dict(by_code(evidence_of(path))[code].values))


def test_values_are_short_and_free_of_control_characters(tmp_path: Path) -> None:
    block = exif(software="A\x1b[31mB\u202eC" + "x" * 5000, make="\x07M\r\nN")
    for finding in examined(tmp_path, jpeg(block)).findings:
        for value in finding.values.values():
            for text in value if isinstance(value, list) else [value]:
                assert text.isprintable()
                assert len(text) <= MAX_PROMPT


def test_a_decompression_bomb_costs_little(tmp_path: Path) -> None:
    bomb = b"parameters\x00\x00" + zlib.compress(b"a" * 50_000_000, 9)
    data = png()
    for _ in range(60):
        data = with_chunk(data, b"zTXt", bomb)
    started = time.monotonic()
    evidence = examined(tmp_path, data, "a.png")
    assert evidence.findings
    assert time.monotonic() - started < 5


def test_an_entity_bomb_is_refused(tmp_path: Path) -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x:x xmlns:x="adobe">&b;</x:x>'
    data = with_segment(jpeg(), 0xE1, b"http://ns.adobe.com/xap/1.0/\x00" + bomb)
    found = by_code(examined(tmp_path, data))
    assert found["damaged"].values["blocks"] == ["XMP"]


@pytest.mark.parametrize("seed", range(8))
def test_damaged_bytes_never_raise(tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    packet = b"http://ns.adobe.com/xap/1.0/\x00" + xmp('xmp:CreatorTool="GIMP"')
    block = exif(make="Nikon", taken="2008:05:30 15:56:01", width=9, height=9)
    whole = {
        "a.jpg": with_segment(jpeg(block), 0xE1, packet),
        "a.png": with_chunk(png(), b"tEXt", b"Software\x00NovelAI"),
    }
    for name, data in whole.items():
        for _ in range(25):
            broken = np.frombuffer(data, np.uint8).copy()
            places = random.integers(0, min(len(broken), 600), 20)
            broken[places] = random.integers(0, 256, 20)
            end = int(random.integers(1, len(broken)))
            assert examined(tmp_path, broken[:end].tobytes(), name).findings


def test_a_rule_that_stumbles_does_not_cost_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumbles(*_arguments: object) -> list[Finding]:
        raise RecursionError

    rules = metadata._rules()
    monkeypatch.setattr(metadata, "_rules", lambda: (stumbles, *rules))
    assert "camera" in by_code(examined(tmp_path, jpeg(exif(make="Nikon"))))


def files(folder: str) -> list[Path]:
    return sorted((FORENSIC / folder).glob("*")) or [FORENSIC / folder]


@pytest.mark.shared
@pytest.mark.parametrize("path", files("ai-generator-metadata"), ids=lambda path: path.name)
def test_every_shared_generated_file_shows_its_generator(path: Path) -> None:
    if not path.is_file():
        pytest.skip("the shared media folder is not there")
    found = by_code(evidence_of(path))["generator_metadata"]
    assert found.severity == "strong"
    assert found.innocent_causes
    kind = path.stem.removeprefix("train-").split("_")[0].rstrip("1")
    tools = {"automatic1111": "Automatic1111", "automatic": "Automatic1111", "fooocus": "Fooocus",
             "invokeai": "InvokeAI", "novelai": "NovelAI"}  # fmt: skip
    # The others are ComfyUI's own examples, named by what they show.
    assert found.values["tool"] == tools.get(kind, "ComfyUI")
    assert found.values["prompt"]
    assert found.values["seed"].isdigit()


@pytest.mark.shared
@pytest.mark.parametrize(
    "path", files("camera-exif") + files("tag-variety") + files("c2pa"), ids=lambda path: path.name
)
def test_no_shared_camera_file_shows_a_generator(path: Path) -> None:
    if not path.is_file():
        pytest.skip("the shared media folder is not there")
    found = by_code(evidence_of(path))
    generated = {"generator_metadata", "declares_ai_generation", "declares_ai_elements"}
    assert not generated & set(found)
    assert "thumbnail_disagrees" not in found
