from __future__ import annotations

import pytest

from assay.inputs import program_findings as rules
from assay.media.tags import Tags
from tests.inputs.tag_cases import tags_with, told_by


@pytest.mark.parametrize(
    ("program", "code", "severity"),
    [
        ("FaceApp 4", "retouching", "notable"),
        ("Adobe Photoshop 25", "editing", "notable"),
        ("OBS Studio (30.2)", "screen_recorder", "notable"),
        ("Lavf60.3.100", "encoder", "info"),
        ("Ver.1.00", "software", "info"),
    ],
)
def test_programs(program: str, code: str, severity: str) -> None:
    told = told_by(rules.software, tags_with(("exif", "Software", program)))
    assert {name: one.severity for name, one in told.items()} == {code: severity}


def test_saves_are_counted_with_who_and_when() -> None:
    tags = Tags()
    tags.history = [
        {"action": "created", "softwareAgent": "A", "when": "2020-01-01"},
        {"action": "saved", "softwareAgent": "A", "when": "2020-01-02"},
        {"action": "saved", "softwareAgent": "B", "when": "2020-01-03", "parameters": "p"},
    ]
    found = told_by(rules.history, tags)["history"]
    assert found.title == "Saved 2 times by editing programs"
    assert dict(found.values) == {
        "n_saves": 2,
        "programs": ["A", "B"],
        "actions": ["created", "saved"],
        "first": "2020-01-01",
        "last": "2020-01-03",
        "parameters": ["p"],
    }
    assert not told_by(rules.history, Tags())


def test_one_earlier_version_is_a_fact_and_pasted_documents_are_worth_a_look() -> None:
    own = ("xmp", "xmpMM:DerivedFrom/stRef:documentID", "xmp.did:1")
    assert told_by(rules.derived, tags_with(own))["derived"].severity == "info"
    pasted = ("xmp", "photoshop:DocumentAncestors", "xmp.did:2")
    assert told_by(rules.derived, tags_with(own, pasted))["derived"].severity == "notable"
    assert not told_by(rules.derived, tags_with(("xmp", "xmpMM:DocumentID", "1")))


def test_local_work_of_raw_converters() -> None:
    assert told_by(rules.local_work, tags_with(("xmp", "crs:RetouchInfo", "centerX=0.5")))
    assert not told_by(rules.local_work, tags_with(("xmp", "crs:Exposure2012", "+0.5")))


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        (("iptc", "SpecialInstructions", "FBMD01"), "Facebook or Instagram"),
        (("stream", "handler_name", "ISO Media file produced by Google Inc."), "YouTube or Google"),
        (("stream", "handler_name", "Twitter-vork muxer"), "X (Twitter)"),
        (("container", "comment", "vid:v24044gd0000abc"), "TikTok"),
    ],
)
def test_platforms(tag: tuple[str, str, str], name: str) -> None:
    assert told_by(rules.platform, tags_with(tag))["platform"].values == {"platforms": [name]}
