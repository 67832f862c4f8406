"""Recognise what AI generators write into the tags of the files they make."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from assay.media.tags import Tag, Tags

AIGC_LABEL = "AI content label (AIGC)"
A1111 = re.compile(r"\bSteps: ?\d+, ?(?:Sampler|Schedule|CFG|Size|Seed)", re.IGNORECASE)
MIDJOURNEY = re.compile(r"\bJob ID: ?[0-9a-f]{8}-[0-9a-f-]{27}", re.IGNORECASE)
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
INVOKE_NAMES = ("invokeai_metadata", "invokeai_graph", "invokeai_workflow", "sd-metadata", "dream")
# The settings' format, or a model's name, says less than a program that names itself.
WEB_UI = "Automatic1111"
GENERIC = (WEB_UI, "Stable Diffusion", "FLUX")
VERSIONS = (
    ("Fooocus", re.compile(r"\bVersion: (?:Ruined)?Fooocus", re.IGNORECASE)),
    ("ComfyUI", re.compile(r"\bVersion: ComfyUI", re.IGNORECASE)),
    ("SD.Next", re.compile(r"\bApp: SD\.Next", re.IGNORECASE)),
    ("Forge", re.compile(r"\bVersion: (?:f\d|neo\b|forge)", re.IGNORECASE)),
)
EASY_NAMES = ("use_stable_diffusion_model", "stable diffusion model")
NOVELAI_TITLES = ("ai generated image", "novelai generated image")
# Names are trusted only where a program writes its own name, never in captions: a photograph of
# a talk about Midjourney is no Midjourney picture.
TOOL_FIELDS = {
    "software", "creatortool", "softwareagent", "credit", "source", "encoder", "tool", "generator",
    "encoding_tool", "writing_application", "originatingprogram", "artist", "byline", "creator",
    "author", "hostcomputer", "make", "model", "imageeditingsoftware", "producer", "publisher",
    "com.apple.quicktime.software", "com.apple.quicktime.author",
}  # fmt: skip
SAYING = re.compile(r"\b(?:made|created|generated|edited) (?:with|by|using) ", re.IGNORECASE)
GENERATORS = (
    ("Midjourney", r"\bmidjourney\b"),
    (
        "OpenAI",
        r"\bdall[·\-. ]?e\b|\bopenai\b|\bchatgpt\b|\bgpt-(?:4o|image)|\bsora\b.{0,12}openai",
    ),
    ("Adobe Firefly", r"\badobe firefly\b|\badobe_firefly\b|\bgenerative fill\b"),
    (
        "Google AI",
        r"\bgoogle ai\b|\bgoogle gemini\b|\bgemini (?:ai|image|flash|\d)|\bnano banana\b",
    ),
    ("Google AI", r"\bgoogle (?:imagen|veo)\b|\bimagen ?[234]\b|\bveo ?[23]\b|\bsynthid\b"),
    ("Grok (xAI)", r"\bgrok\b|\bx\.?ai aurora\b"),
    ("Microsoft image creator", r"\bbing image creator\b|\bmicrosoft designer\b"),
    ("Meta AI", r"\bmeta ai\b|\bimagined with ai\b"),
    ("Stable Diffusion", r"\bstable[ _-]?diffusion\b|\bsdxl\b|\bdreamstudio\b|\bstability ?ai\b"),
    ("FLUX", r"\bblack forest labs\b|\bflux\.1\b"),
    ("ComfyUI", r"\bcomfyui\b"),
    ("InvokeAI", r"\binvokeai\b"),
    ("NovelAI", r"\bnovelai\b"),
    ("Fooocus", r"\bfooocus\b"),
    ("SwarmUI", r"\bswarmui\b"),
    ("Mochi Diffusion", r"\bmochi diffusion\b"),
    ("DiffusionBee", r"\bdiffusion ?bee\b"),
    ("SD.Next", r"\bsd\.next\b"),
    ("SeaArt", r"\bseaart\b"),
    ("Civitai", r"\bcivitai\b"),
    ("Playground", r"\bplayground(?:ai| ai|\.com)\b"),
    ("Craiyon", r"\bcraiyon\b"),
    ("Artbreeder", r"\bartbreeder\b"),
    ("This Person Does Not Exist", r"\bthis ?person ?does ?not ?exist\b"),
    ("Draw Things", r"\bdraw things\b"),
    ("Easy Diffusion", r"\beasy ?diffusion\b"),
    ("Leonardo.Ai", r"\bleonardo\.ai\b"),
    ("Ideogram", r"\bideogram(?:\.ai| ai)\b"),
    ("Recraft", r"\brecraft(?:\.ai| ai)\b"),
    ("NightCafe", r"\bnightcafe\b"),
    ("Runway", r"\brunwayml\b|\brunway gen-?\d"),
    ("Kling", r"\bkling ?ai\b|\bklingai\b"),
    ("Hailuo", r"\bhailuo\b"),
    ("Pika", r"\bpika (?:labs|art)\b"),
    ("Luma", r"\bluma (?:ai|dream machine)\b"),
    ("HeyGen", r"\bheygen\b"),
    ("Synthesia", r"\bsynthesia\b"),
    ("D-ID", r"\bd-id(?:\.com| inc| studio)\b"),
    ("ElevenLabs", r"\beleven ?labs\b"),
    ("Suno", r"\bsuno(?: ai|\.ai|\.com)?\b"),
    ("Udio", r"\budio(?: ai|\.com)?\b"),
    ("Hedra", r"\bhedra(?:\.com| ai)\b"),
    ("DeepFaceLab", r"\bdeepfacelab\b"),
    ("FaceFusion", r"\bfacefusion\b"),
    ("Reface", r"\breface(?:\.app|\.ai| app)\b"),
    ("Roop", r"\b(?:sd-webui-)?roop\b"),
    ("Vidu", r"\bvidu(?:\.studio|\.com| ai)\b"),
    ("PixVerse", r"\bpixverse\b"),
    ("Jimeng", r"\bjimeng\b|\bdreamina\b|\u5373\u68a6"),
    ("Murf", r"\bmurf(?:\.ai| ai)\b"),
    ("Play.ht", r"\bplay\.ht\b|\bplayht\b"),
    ("WellSaid Labs", r"\bwellsaid\b"),
    ("Speechify", r"\bspeechify\b"),
    ("Coqui", r"\bcoqui(?:\.ai| ai|[ -]?tts)\b"),
    ("Respeecher", r"\brespeecher\b"),
    ("eSpeak", r"\bespeak(?:-ng)?\b"),
    ("Resemble AI", r"\bresemble(?:\.ai| ai)\b"),
    ("assay forge", r"\bassay \d[\w.+]* forge\b"),
)
_PATTERNS = tuple((name, re.compile(pattern, re.IGNORECASE)) for name, pattern in GENERATORS)


@dataclass(frozen=True, slots=True)
class Trace:
    """A generator's trace: which program, in which tag, and the text it left there."""

    generator: str
    place: str
    tag: str
    text: str


def find_traces(tags: Tags) -> list[Trace]:
    """All traces, one for each generator and tag; empty for a file without any."""
    traces = [trace for tag in tags.found for trace in _traces_of(tag)]
    traces += _grok(tags)
    traces = _precise(traces)
    unique = {(trace.generator, trace.place, trace.tag): trace for trace in traces}
    return list(unique.values())


def _precise(traces: list[Trace]) -> list[Trace]:
    """Traces of a format or a model go to the one program that names itself, if one does."""
    named = dict.fromkeys(one.generator for one in traces if one.generator not in GENERIC)
    named = dict.fromkeys(name for name in named if name != AIGC_LABEL)
    if len(named) != 1:
        if any(one.generator == WEB_UI for one in traces):
            named = {WEB_UI: None}
        else:
            return traces
    (name,) = named
    return [replace(one, generator=name) if one.generator in GENERIC else one for one in traces]


def _traces_of(tag: Tag) -> Iterator[Trace]:
    generator = _by_form(tag) or _by_label(tag) or _by_name(tag)
    if generator:
        yield Trace(generator, tag.place, tag.name, tag.text)


def _by_form(tag: Tag) -> str:
    name, text = tag.name.lower(), tag.text
    if name == "fooocus_scheme" or (name == "parameters" and '"base_model"' in text):
        return "Fooocus"
    if name in EASY_NAMES or '"use_stable_diffusion_model"' in text:
        return "Easy Diffusion"
    if '"sui_image_params"' in text:
        return "SwarmUI"
    if '"class_type"' in text or ('"last_node_id"' in text and '"nodes"' in text):
        return "ComfyUI"
    if tag.place == "png" and name in INVOKE_NAMES:
        return "InvokeAI"
    if name == "title" and text.lower() in NOVELAI_TITLES:
        return "NovelAI"
    if MIDJOURNEY.search(text):
        return "Midjourney"
    if A1111.search(text):
        return next((known for known, form in VERSIONS if form.search(text)), WEB_UI)
    return ""


def _by_label(tag: Tag) -> str:
    """China's required label (GB 45438-2025) and TikTok's own: a JSON object that says AIGC."""
    name = tag.name.rsplit(":", 1)[-1].lower()
    if name == "aigc_info" or (name == "aigc" and "{" in tag.text):
        return AIGC_LABEL
    start = tag.text.find("{")
    if '"AIGC"' in tag.text and 0 <= start < 40 and len(tag.text) < 20_000:
        try:
            if "AIGC" in json.loads(tag.text[start : tag.text.rfind("}") + 1]):
                return AIGC_LABEL
        except (ValueError, RecursionError):
            return ""
    return ""


def _by_name(tag: Tag) -> str:
    is_tool_field = tag.name.rsplit(":", 1)[-1].lower() in TOOL_FIELDS
    text = tag.text[:500]
    if not is_tool_field:
        saying = SAYING.search(text)
        if saying is None:
            return ""
        text = text[saying.end() : saying.end() + 60]
    return next((name for name, pattern in _PATTERNS if pattern.search(text)), "")


def _grok(tags: Tags) -> list[Trace]:
    """Grok signs its JPEGs: "Signature: …" as description and a UUID as artist."""
    signed = [text for text in tags.texts("ImageDescription") if text.startswith("Signature: ")]
    if signed and any(UUID.fullmatch(text) for text in tags.texts("Artist")):
        return [Trace("Grok (xAI)", "exif", "ImageDescription", signed[0])]
    return []
