from __future__ import annotations

import json

import pytest

from assay.inputs.generator_findings import generators, source_type
from tests.inputs.tag_cases import MEDIA, tags_with, told_by

A1111 = (
    "a duck\nNegative prompt: hat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Model: xl"
)


def test_tool_text_settings_and_tags() -> None:
    told = told_by(generators, tags_with(("png", "parameters", A1111)))
    found = told["generator_metadata"]
    assert found.severity == "strong"
    assert found.innocent_causes
    assert dict(found.values) == {
        "tool": "Automatic1111",
        "text": "a duck Negative prompt: hat Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, "
        "Model: xl",
        "prompt": "a duck",
        "negative_prompt": "hat",
        "model": "xl",
        "sampler": "Euler a",
        "seed": "1",
        "steps": "20",
        "cfg_scale": "7",
        "tags": ["png:parameters"],
    }


def test_one_finding_a_tool() -> None:
    graph = json.dumps({"1": {"class_type": "KSampler", "inputs": {"seed": 4}}})
    tags = tags_with(("png", "prompt", graph), ("png", "invokeai_metadata", '{"seed": 2}'))
    found = generators(tags, MEDIA)
    assert [one.values["tool"] for one in found] == ["ComfyUI", "InvokeAI"]
    assert [one.values["seed"] for one in found] == ["4", "2"]
    assert {one.code for one in found} == {"generator_metadata"}


@pytest.mark.parametrize(
    ("tags", "tool"),
    [
        ([("png", "Software", "NovelAI"), ("png", "Source", "Stable Diffusion 1D")], "NovelAI"),
        ([("png", "parameters", A1111 + ", Version: f2.0.1v1.10.1")], "Forge"),
        ([("png", "parameters", A1111 + ", Version: Fooocus v2.5.5")], "Fooocus"),
        ([("png", "parameters", A1111), ("exif", "Software", "Draw Things")], "Draw Things"),
        ([("png", "parameters", A1111), ("png", "Source", "Stable Diffusion")], "Automatic1111"),
        ([("png", "Source", "Stable Diffusion XL")], "Stable Diffusion"),
    ],
)
def test_the_program_that_names_itself_is_named(
    tags: list[tuple[str, str, str]], tool: str
) -> None:
    (found,) = generators(tags_with(*tags), MEDIA)
    assert found.values["tool"] == tool


def test_novelais_prompt_stands_beside() -> None:
    tags = tags_with(
        ("png", "Software", "NovelAI"),
        ("png", "Description", "a duck"),
        ("png", "Comment", '{"steps": 28, "uc": "hat", "seed": 5}'),
    )
    (found,) = generators(tags, MEDIA)
    assert {
        "prompt": "a duck",
        "negative_prompt": "hat",
        "seed": "5",
    }.items() <= found.values.items()


def test_a_label_is_told_as_one() -> None:
    (found,) = generators(tags_with(("exif", "UserComment", '{"AIGC": {"Label": "1"}}')), MEDIA)
    assert "China" in found.meaning


@pytest.mark.parametrize(
    ("term", "code", "severity"),
    [
        ("trainedAlgorithmicMedia", "declares_ai_generation", "strong"),
        ("compositeSynthetic", "declares_ai_elements", "strong"),
        ("algorithmicMedia", "declares_algorithm", "info"),
        ("minorHumanEdits", "declares_editing", "info"),
        ("digitalCapture", "declares_capture", "info"),
    ],
)
def test_declared_sources(term: str, code: str, severity: str) -> None:
    address = f"http://cv.iptc.org/newscodes/digitalsourcetype/{term}"
    tags = tags_with(("xmp", "Iptc4xmpExt:DigitalSourceType", address))
    assert {name: one.severity for name, one in told_by(source_type, tags).items()} == {
        code: severity
    }
