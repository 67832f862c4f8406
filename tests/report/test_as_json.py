import json
import math
from pathlib import Path

import jsonschema
import pytest

import assay.report
from assay import types as t
from assay.report.as_json import as_dict, schema, to_line

KEYS = [
    "schema_version",
    "input",
    "status",
    "reasons",
    "verdict",
    "kind",
    "p_fake",
    "interval",
    "operating_point",
    "agreement",
    "stability",
    "in_domain",
    "quality",
    "detectors",
    "segments",
    "timeline",
    "faces",
    "patches",
    "provenance",
    "forensics",
    "artifacts",
    "limits",
    "runtime",
]
VALIDATOR = jsonschema.Draft202012Validator(schema())


def test_the_schema_is_a_schema_and_ships_beside_the_code() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    assert (Path(assay.report.__file__).parent / "schema.json").is_file()
    assert schema()["properties"]["schema_version"] == {"const": "2.0"}


def test_every_verdict_satisfies_the_schema(verdict: t.Verdict) -> None:
    made = as_dict(verdict, [{"kind": "report", "path": "out/x.html", "caption": "The report."}])
    VALIDATOR.validate(made)
    assert list(made) == KEYS
    assert json.loads(to_line(verdict)) == as_dict(verdict)


def test_values_arrive_unchanged(make: dict) -> None:
    made = as_dict(make["video"]())
    assert made["p_fake"] == 0.842
    assert made["operating_point"]["false_alarm_rate"] == 0.0098
    assert made["input"]["frames"] == 742
    assert made["input"]["size_px"] == [640, 420]
    assert len(made["segments"]) == 32 + 24
    assert made["segments"][0]["track"] == 1
    assert made["faces"][0]["box_px"] == [76.0, 105.0, 244.0, 273.0]
    assert [d["status"] for d in made["detectors"]] == ["scored", "scored", "abstained", "reported"]
    assert made["forensics"][0]["values"]["lens"]["focal_length_mm"] == 50.0
    region = {"box_px": [8.0, 16.0, 72.0, 80.0], "source_px": [1.0, 2.0, 3.0, 4.0]}
    assert made["forensics"][1] | {"values": {}, "meaning": ""} == {
        "detector": "metadata",
        "finding": "software",
        "title": "Saved by an editing program",
        "severity": "notable",
        "meaning": "",
        "innocent_causes": ["The picture was cropped."],
        "region": {**region, "start_s": None, "end_s": None},
        "false_alarm_rate": None,
        "measured_on": None,
        "values": {},
    }
    assert made["limits"][0] == "The sound: no voice detector is installed."


def test_no_score_is_null_and_never_a_half(make: dict) -> None:
    for kind in ("faceless", "audio", "failed"):
        made = as_dict(make[kind]())
        assert made["p_fake"] is made["interval"] is made["operating_point"] is None
        assert made["reasons"]
        VALIDATOR.validate(made)
    assert as_dict(make["failed"]())["input"]["sha256"] is None
    assert as_dict(make["failed"]())["provenance"]["state"] == "not_checked"


@pytest.mark.parametrize(
    "change",
    [
        {"p_fake": 0.5},
        {"verdict": "inconclusive"},
        {"reasons": []},
        {"extra": 1},
        {"p_fake": "0.5"},
    ],
)
def test_the_schema_refuses_a_wrong_answer(make: dict, change: dict) -> None:
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(as_dict(make["faceless"]()) | change)


@pytest.mark.parametrize("key", KEYS)
def test_the_schema_misses_each_key(make: dict, key: str) -> None:
    made = as_dict(make["image"]())
    del made[key]
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(made)


@pytest.mark.parametrize(
    "name",
    ["new\nline.jpg", "esc\x1b[2J.jpg", "c1\x9b.jpg", "\u2028.jpg", "bytes\udcff\udc80.jpg",
     "\ud800.jpg", "漢字 👩.jpg", "x" * 255, '<script>"&.jpg'],
)  # fmt: skip
def test_odd_names_make_one_ascii_line(make: dict, name: str) -> None:
    line = to_line(make["image"](name), [{"kind": "report", "path": f"/out/{name}", "caption": ""}])
    assert line.isascii()
    assert line.isprintable()
    made = json.loads(line)
    VALIDATOR.validate(made)
    made["input"]["name"].encode("utf-8")
    if not any(0xD800 <= ord(c) <= 0xDFFF for c in name):
        assert made["input"]["name"] == name
    assert "\\xff" in as_dict(make["image"]("bytes\udcff"))["input"]["name"]


def test_nan_becomes_null_everywhere(make: dict) -> None:
    verdict = make["image"](
        quality={"sharpness": math.nan, "nested": {"values": [math.inf, 1]}},
        faces=(t.FaceMark(1, 0.0, (0.0, 1.0, 2.0, 3.0), math.nan),),
        interval=(math.nan, 0.9),
        stability=t.Stability({"as_is": 0.9, "crop": math.nan}, 0, math.nan),
    )
    made = json.loads(to_line(verdict))
    VALIDATOR.validate(made)
    assert made["quality"] == {"sharpness": None, "nested": {"values": [None, 1]}}
    assert made["faces"][0]["p_fake"] is made["interval"] is made["stability"]["spread"] is None


def test_the_windows_of_whole_pictures_are_listed(make: dict) -> None:
    patches = as_dict(make["landscape"]())["patches"]
    assert [patch["p_fake"] for patch in patches] == [0.95, 0.9, 0.31]
    assert patches[0]["detector"] == "synthetic_picture"
    assert patches[0]["box_px"] == [40, 60, 200, 220]
    assert as_dict(make["clear"]())["patches"] == []


def test_segments_of_a_voice_name_the_speaker(make: dict) -> None:
    spans = (t.Span(1.0, 3.5, 0.4, 0.6), t.Span(4.0, 6.0, 2.0, 0.88))
    voice = t.Evidence(
        "voice_synthesis", "1", "voice", "voice 2", "scored", 1.2, 0.77, speaker_id=2, spans=spans
    )
    made = as_dict(make["video"](evidence=(voice,)))
    VALIDATOR.validate(made)
    assert made["segments"][1] == {
        "start_s": 4.0,
        "end_s": 6.0,
        "track": None,
        "speaker": 2,
        "detector": "voice_synthesis",
        "p_fake": 0.88,
    }
    assert as_dict(make["video"]())["segments"][0]["speaker"] is None
