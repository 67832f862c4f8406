from __future__ import annotations

import pytest

from assay.media.generator_traces import find_traces
from assay.media.tags import Tags

UUID = "0f8fad5b-d9cb-469f-a165-70867728950e"


def generators(*found: tuple[str, str, str]) -> set[str]:
    tags = Tags()
    for place, name, text in found:
        tags.add(place, name, text)
    return {trace.generator for trace in find_traces(tags)}


@pytest.mark.parametrize(
    ("tag", "generator"),
    [
        (
            ("png", "parameters", "cat\nSteps: 20, Sampler: Euler"),
            "Automatic1111",
        ),
        (("exif", "UserComment", "Steps: 5, Size: 9x9"), "Automatic1111"),
        (("png", "prompt", '{"3": {"class_type": "KSampler"}}'), "ComfyUI"),
        (("exif", "Make", 'workflow:{"last_node_id": 3, "nodes": []}'), "ComfyUI"),
        (("container", "comment", '{"prompt": {"1": {"class_type": "x"}}}'), "ComfyUI"),
        (("png", "invokeai_metadata", "{}"), "InvokeAI"),
        (("png", "Dream", '"cat" -s 50'), "InvokeAI"),
        (("png", "Software", "NovelAI"), "NovelAI"),
        (("png", "fooocus_scheme", "fooocus"), "Fooocus"),
        (("png", "parameters", '{"sui_image_params": {}}'), "SwarmUI"),
        (("png", "Description", f"a cat --v 6 Job ID: {UUID}"), "Midjourney"),
        (("xmp", "xmp:CreatorTool", "Adobe Firefly"), "Adobe Firefly"),
        (("iptc", "Credit", "Made with Google AI"), "Google AI"),
        (("xmp", "photoshop:Credit", "Edited with Google AI"), "Google AI"),
        (("exif", "Software", "DALL·E 3"), "OpenAI"),
        (("exif", "Software", "DALL-E"), "OpenAI"),
        (("container", "comment", "made with suno; created=2024"), "Suno"),
        (("container", "aigc_info", '{"aigc_label_type": 1}'), "AI content label (AIGC)"),
        (("exif", "UserComment", '{"AIGC": {"Label": "1"}}'), "AI content label (AIGC)"),
        (("xmp", "?:AIGC", '{"Label": "1"}'), "AI content label (AIGC)"),
    ],
)
def test_each_generator_by_its_tag(tag: tuple[str, str, str], generator: str) -> None:
    assert generators(tag) == {generator}


def test_grok_needs_both_of_its_signs() -> None:
    signature, artist = ("exif", "ImageDescription", "Signature: abc="), ("exif", "Artist", UUID)
    assert generators(signature, artist) == {"Grok (xAI)"}
    assert generators(signature) == generators(artist) == set()


@pytest.mark.parametrize(
    "tag",
    [
        ("iptc", "Caption", "The founder of Midjourney speaks about Stable Diffusion"),
        ("png", "Description", "A telescope named Gemini, made with care"),
        ("exif", "Artist", "Sora Tanaka"),
        ("exif", "Software", "Imagenomic Portraiture"),
        ("exif", "Software", "Gemini Observatory pipeline"),
        ("exif", "Model", "LUMIX DMC-FZ30"),
        ("png", "Comment", "Steps: 3 flights of stairs"),
        ("png", "prompt", "please answer"),
        ("png", "workflow", "scan, crop, print"),
        ("container", "title", "Suno"),
        ("exif", "UserComment", '{"AIGC": broken'),
        ("exif", "UserComment", "{" * 15_000 + '"AIGC"'),
    ],
)
def test_ordinary_tags_are_no_traces(tag: tuple[str, str, str]) -> None:
    assert generators(tag) == set()
