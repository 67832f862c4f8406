from __future__ import annotations

import json

import pytest

from assay.media.generator_settings import settings_of

LINES = (
    "a red duck, (blue:1.2)\nNegative prompt: hat, scarf\n"
    "Steps: 20, Sampler: DPM++ 2M, CFG scale: 7, Seed: 12, Size: 512x640, "
    'Model: "a, b", Version: v1'
)
GRAPH = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 7, "steps": 20, "cfg": 8.0, "sampler_name": "euler", "positive": ["9", 0],
            "negative": ["7", 0],
        },
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "base.safetensors"}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a red duck", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "a hat", "clip": ["4", 1]}},
    "8": {"class_type": "PrimitiveNode", "inputs": {"string": "on a lake"}},
    "9": {"class_type": "Combine", "inputs": {"a": ["6", 0], "b": ["8", 0]}},
}  # fmt: skip
DRAWING = {
    "last_node_id": 2,
    "nodes": [
        {"type": "CLIPTextEncode", "widgets_values": ["a red duck"]},
        {"type": "CheckpointLoaderSimple", "widgets_values": ["base.safetensors"]},
    ],
}


def test_lines_of_the_web_ui() -> None:
    assert settings_of([LINES]) == {
        "prompt": "a red duck, (blue:1.2)",
        "negative_prompt": "hat, scarf",
        "model": "a, b",
        "sampler": "DPM++ 2M",
        "seed": "12",
        "steps": "20",
        "cfg_scale": "7",
        "size": "512x640",
        "version": "v1",
    }


def test_a_graph_is_followed_from_its_sampler() -> None:
    found = settings_of([json.dumps(DRAWING), json.dumps(GRAPH)])
    assert found == {
        "prompt": "a red duck | on a lake",
        "negative_prompt": "a hat",
        "model": "base.safetensors",
        "sampler": "euler",
        "seed": "7",
        "steps": "20",
        "cfg_scale": "8.0",
    }


def test_a_drawing_alone_gives_prompt_and_model() -> None:
    assert settings_of([json.dumps(DRAWING)]) == {
        "prompt": "a red duck",
        "model": "base.safetensors",
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '"a duck [a hat]" -s 50 -S 42 -W 512 -C 5 -A k_lms',
            {"prompt": "a duck", "negative_prompt": "a hat", "seed": "42", "steps": "50"},
        ),
        (
            '{"positive_prompt": "a duck", "seed": 3, "model": {"model_name": "xl"}}',
            {"prompt": "a duck", "seed": "3", "model": "xl"},
        ),
        (
            '{"model_weights": "w", "app_version": "2.3", "image": {"prompt": [{"prompt": "d"}]}}',
            {"prompt": "d", "model": "w", "version": "2.3"},
        ),
        (
            '{"sui_image_params": {"prompt": "a duck", "model": "m", "seed": 1}}',
            {"prompt": "a duck", "model": "m", "seed": "1"},
        ),
        ('{"base_model": "m", "prompt": "a duck"}', {"prompt": "a duck", "model": "m"}),
    ],
)
def test_forms_of_other_programs(text: str, expected: dict[str, str]) -> None:
    found = settings_of([text])
    assert {name: found.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a caption",
        "{broken",
        "[1, 2]",
        "{" * 15_000 + "}",
        '{"prompt": null, "seed": true}',
        '{"1": {"class_type": 5, "inputs": 3}}',
        '{"nodes": [1, {"widgets_values": 3}]}',
        '"' * 50_000,
        "Steps: 1, " + "A" * 300_000,
    ],
)
def test_what_is_no_settings_gives_none(text: str) -> None:
    assert not set(settings_of([text])) - {"steps"}


def test_a_graph_that_runs_in_a_circle_ends() -> None:
    graph = {
        "1": {"class_type": "KSampler", "inputs": {"positive": ["2", 0]}},
        "2": {"class_type": "Combine", "inputs": {"a": ["3", 0], "text": "once"}},
        "3": {"class_type": "Combine", "inputs": {"a": ["2", 0], "b": ["3", 0]}},
    }
    assert settings_of([json.dumps(graph)])["prompt"] == "once"
