"""Findings from what generators leave in a file: prompts, workflows, names, declarations."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from assay.inputs.tag_findings import tag_finding
from assay.media.generator_settings import settings_of
from assay.media.generator_traces import AIGC_LABEL, WEB_UI, Trace, find_traces
from assay.media.tags import Tags
from assay.types import Finding, Media, Severity

GENERATOR_METADATA = "generator_metadata"
MAX_PROMPT = 500
CAUSES = (
    "the tags were copied from another file, or planted to discredit this one",
    "the program only enlarged, cleaned or stored a genuine picture or recording",
)
COMPANIONS = ("comment", "description")
DECLARED_CAUSES = (
    "the mark was put on by hand or by a platform, by mistake or to discredit the file",
)


def generators(tags: Tags, media: Media) -> list[Finding]:
    """One strong finding for each tool, with its text and, where they can be read, its settings."""
    traces = find_traces(tags)
    if media.media_type == "image/png":
        traces += _hidden(media.path)
    names = dict.fromkeys(trace.generator for trace in traces)
    return [_described([one for one in traces if one.generator == name], tags) for name in names]


def _described(traces: list[Trace], tags: Tags) -> Finding:
    tool = traces[0].generator
    beside = {tag.name.lower(): tag for tag in tags.found if tag.name.lower() in COMPANIONS}
    if tool == "NovelAI":  # its prompt and settings stand in tags that do not name it
        traces = [
            *traces,
            *(Trace(tool, tag.place, tag.name, tag.text) for tag in beside.values()),
        ]
    by_length = sorted(traces, key=lambda trace: len(trace.text), reverse=True)
    settings = settings_of(trace.text for trace in by_length)
    if tool == "NovelAI":
        described = {trace.tag.lower(): trace.text for trace in traces}
        settings = {
            "prompt": described.get("description", ""),
            "model": described.get("source", ""),
            **settings,
        }
    meaning = (
        "The file carries the tags that this program, or one that writes the same form, puts into "
        "what it generates or edits. They tell of the program, not how much of the content it made."
    )
    if tool == AIGC_LABEL:
        meaning = "The file carries the label that marks AI-generated content in China."
    values: dict[str, Any] = {
        "tool": tool,
        "text": by_length[0].text,
        **settings,
        "tags": list(dict.fromkeys(f"{trace.place}:{trace.tag}" for trace in traces)),
    }
    title = f"Traces of an AI generator: {tool}"
    made = tag_finding(GENERATOR_METADATA, "strong", title, meaning, values, CAUSES, MAX_PROMPT)
    return replace(made, code=GENERATOR_METADATA)


def _hidden(path: str) -> list[Trace]:
    """What is hidden in the pixels: A1111's lines, or NovelAI's tags as one JSON object."""
    from assay.media.stealth_text import read_stealth_text

    try:
        text = read_stealth_text(path)
    except Exception:  # pixels that cannot be decoded hide nothing readable; others report them
        return []
    if not text:
        return []
    tags = Tags()
    tags.add("pixels", "lowest bits", text)
    try:
        inner = json.loads(text) if text.startswith("{") else {}
    except (ValueError, RecursionError):
        inner = {}
    for name, value in list(inner.items())[:100] if isinstance(inner, dict) else ():
        tags.add("pixels", str(name), value if isinstance(value, str) else json.dumps(value))
    return find_traces(tags) or [Trace(WEB_UI, "pixels", "lowest bits", text)]


def source_type(tags: Tags, _media: Media) -> list[Finding]:
    """What IPTC's digital source type declares: generation, generated parts, or a capture."""
    found = {
        tag.text.rstrip("/").rsplit("/", 1)[-1].lower(): tag.text
        for tag in tags.found
        if tag.name.lower().endswith("digitalsourcetype")
    }
    findings = []
    for code, severity, title, meaning, wanted in _SOURCE_TYPES:
        texts = [text for term, text in found.items() if term in wanted]
        if texts:
            causes = DECLARED_CAUSES if severity != "info" else ()
            values = {"digital_source_type": texts[0]}
            findings.append(tag_finding(code, severity, title, meaning, values, causes))
    return findings


_SOURCE_TYPES: tuple[tuple[str, Severity, str, str, tuple[str, ...]], ...] = (
    (
        "declares_ai_generation", "strong", "The tags declare AI generation",
        "The file's IPTC source type says that a generative model made it.",
        ("trainedalgorithmicmedia",),
    ),
    (
        "declares_ai_elements", "strong", "The tags declare AI-generated parts",
        "The file's IPTC source type says that parts of it were made by a generative model.",
        ("compositewithtrainedalgorithmicmedia", "compositesynthetic"),
    ),
    (
        "declares_algorithm", "info", "The tags declare a picture by an algorithm",
        "The file's IPTC source type says that a program without training data made it.",
        ("algorithmicmedia", "virtualrecording"),
    ),
    (
        "declares_editing", "info", "The tags declare editing",
        "The file's IPTC source type says that a capture was enhanced or put together by hand.",
        ("composite", "compositecapture", "humanedits", "minorhumanedits",
         "algorithmicallyenhanced", "digitalart", "digitalcreation"),
    ),
    (
        "declares_capture", "info", "The tags declare a camera capture",
        "The file's IPTC source type says that a camera or a scanner took it.",
        ("digitalcapture", "computationalcapture", "negativefilm", "positivefilm", "print"),
    ),
)  # fmt: skip

RULES = (generators, source_type)
