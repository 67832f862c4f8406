from __future__ import annotations

from xml.parsers.expat import ExpatError

import pytest

from assay.media.tags import Tags
from assay.media.xmp import MAX_DEPTH, RefusedXmlError, read_xmp
from tests.media.tag_makers import xmp


def tags_of(packet: bytes) -> dict[str, list[str]]:
    tags = Tags()
    read_xmp(packet, tags)
    return {tag.name: tags.texts(tag.name) for tag in tags.found}


def test_attributes_elements_resources_and_lists() -> None:
    inner = (
        "<dc:creator><rdf:Seq><rdf:li>Ada</rdf:li><rdf:li>Bo</rdf:li></rdf:Seq></dc:creator>"
        '<photoshop:Credit>Us</photoshop:Credit><dc:source rdf:resource="urn:x"/>'
    )
    assert tags_of(xmp('xmp:CreatorTool="GIMP"', inner)) == {
        "xmp:CreatorTool": ["GIMP"],
        "dc:creator": ["Ada", "Bo"],
        "photoshop:Credit": ["Us"],
        "dc:source": ["urn:x"],
    }


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_type_is_refused_in_any_encoding(encoding: str) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'
    with pytest.raises(RefusedXmlError):
        tags_of(bomb.encode(encoding))


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(RefusedXmlError):
        tags_of(b"<a>" * (MAX_DEPTH + 1))


def test_what_came_before_a_fault_is_kept() -> None:
    tags = Tags()
    with pytest.raises(ExpatError):
        read_xmp(xmp('xmp:CreatorTool="GIMP"')[:-30], tags)
    assert tags.texts("xmp:CreatorTool") == ["GIMP"]


HISTORY = """<xmpMM:History xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"
  xmlns:stEvt="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"><rdf:Seq>
  <rdf:li stEvt:action="created" stEvt:when="2020-01-01T10:00:00Z"/>
  <rdf:li rdf:parseType="Resource"><stEvt:action>saved</stEvt:action>
    <stEvt:softwareAgent>GIMP</stEvt:softwareAgent></rdf:li>
  <rdf:li><rdf:Description stEvt:action="saved"/></rdf:li>
</rdf:Seq></xmpMM:History>"""
DERIVED = """<xmpMM:DerivedFrom xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"
  xmlns:stRef="http://ns.adobe.com/xap/1.0/sType/ResourceRef#" stRef:documentID="xmp.did:1"/>"""


def test_history_keeps_each_event_together() -> None:
    tags = Tags()
    read_xmp(xmp('xmp:CreatorTool="GIMP"', HISTORY), tags)
    assert tags.history == [
        {"action": "created", "when": "2020-01-01T10:00:00Z"},
        {"action": "saved", "softwareAgent": "GIMP"},
        {"action": "saved"},
    ]


def test_references_are_named_by_what_refers() -> None:
    assert tags_of(xmp('xmp:CreatorTool="GIMP"', DERIVED))[
        "xmpMM:DerivedFrom/stRef:documentID"
    ] == ["xmp.did:1"]


def test_elements_of_all_packets_together_are_bounded() -> None:
    tags = Tags(room_nodes=100)
    read_xmp(b"<a>" + b"<b/>" * 60 + b"</a>", tags)
    with pytest.raises(RefusedXmlError):
        read_xmp(b"<a>" + b"<b/>" * 60 + b"</a>", tags)
    assert tags.oversized == ["XMP: too many elements"]
