"""Read a generator's settings out of the text it left: prompt, model, sampler, seed, steps."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

MAX_NODES = 2000
MAX_TEXTS = 6
MAX_DEPTH = 40
NAMES = ("prompt", "negative_prompt", "model", "sampler", "seed", "steps", "cfg_scale", "size",
         "version")  # fmt: skip
# How programs call the same thing; earlier names win.
KEYS = {
    "prompt": ("positive_prompt", "prompt", "full_prompt", "c"),
    "negative_prompt": ("negative_prompt", "negativeprompt", "full_negative_prompt", "uc"),
    "model": ("model_weights", "base_model", "model_name", "ckpt_name", "unet_name", "model",
              "use_stable_diffusion_model", "stable diffusion model", "source"),
    "sampler": ("sampler_name", "sampler", "scheduler"),
    "seed": ("seed", "noise_seed"),
    "steps": ("steps", "num_inference_steps"),
    "cfg_scale": ("cfg_scale", "cfgscale", "guidance_scale", "cfg", "scale"),
    "size": ("resolution", "size"),
    "version": ("app_version", "swarm_version", "version"),
}  # fmt: skip
MAX_LOOK_CHARS = 2000
MAX_SETTINGS_CHARS = 20_000
SETTINGS_LINE = re.compile(r"^Steps: ?\d+,.*$", re.MULTILINE | re.IGNORECASE)
SETTING = re.compile(r"([A-Z][\w ]{0,30}): ?(\"[^\"]{0,500}\"|[^,]{0,200})(?:, |$)")
DREAM = re.compile(r'^"(?P<prompt>[^"]*)"(?P<flags>.*)$', re.DOTALL)
DREAM_FLAGS = {"-s": "steps", "-S": "seed", "-A": "sampler", "-C": "cfg_scale"}
NEGATIVE_IN_PROMPT = re.compile(r"\s*\[([^\]]*)\]\s*$")
WRITING_NODES = re.compile(r"textencode|prompt|string|wildcard", re.IGNORECASE)


def settings_of(texts: Iterable[str]) -> dict[str, str]:
    """The settings named in a generator's texts, by our names; the first text to name one wins.

    Reads A1111's lines, ComfyUI's graphs, InvokeAI's command lines and any JSON. Never raises.
    """
    found: dict[str, str] = {}
    # The graph that ran names its inputs; the drawing of it does not.
    for text in sorted(texts, key=lambda text: '"last_node_id"' in text[:MAX_LOOK_CHARS]):
        for name, value in _settings(text.strip()).items():
            value = value.strip()
            if value and name not in found:
                found[name] = value
    return {name: found[name] for name in NAMES if name in found}


def _settings(text: str) -> dict[str, str]:
    start = text.find("{")
    if 0 <= start < 40:
        try:
            return _of_json(json.loads(text[start : text.rfind("}") + 1]))
        except (ValueError, RecursionError):
            return {}
    dream = DREAM.match(text[:MAX_SETTINGS_CHARS])
    return _of_dream(dream) if dream else _of_lines(text[:MAX_SETTINGS_CHARS])


def _of_lines(text: str) -> dict[str, str]:
    """Prompt, "Negative prompt: …", and one line of "Steps: 20, Sampler: …"."""
    line = SETTINGS_LINE.search(text)
    if not line:
        return {}
    prompt, _, negative = text[: line.start()].partition("Negative prompt:")
    named = {key.strip().lower(): value.strip('"') for key, value in SETTING.findall(line[0])}
    named = {key.replace(" ", "_"): value for key, value in named.items()}
    return {"prompt": prompt, "negative_prompt": negative, **_renamed(named)}


def _of_dream(dream: re.Match[str]) -> dict[str, str]:
    """InvokeAI's first form: a command line with the unwanted in square brackets."""
    prompt = dream["prompt"]
    negative = NEGATIVE_IN_PROMPT.search(prompt)
    found = {"prompt": prompt[: negative.start()] if negative else prompt}
    if negative:
        found["negative_prompt"] = negative[1]
    words = dream["flags"].split()
    for flag, value in pairwise(words):
        if flag in DREAM_FLAGS:
            found.setdefault(DREAM_FLAGS[flag], value)
    return found


def _of_json(data: Any) -> dict[str, str]:
    if not isinstance(data, dict):
        return {}
    prompt = data.get("prompt")
    graph: dict[str, Any] = prompt if isinstance(prompt, dict) else data
    if any(isinstance(node, dict) and "class_type" in node for node in graph.values()):
        return _of_graph(graph)
    if isinstance(data.get("nodes"), list):
        return _of_workflow(data["nodes"])
    inner: Any = next((data[key] for key in ("sui_image_params", "image") if key in data), {})
    flat = {**data, **(inner if isinstance(inner, dict) else {})}
    return _renamed({str(key).lower(): _plain(value) for key, value in flat.items()})


def _renamed(named: dict[str, str]) -> dict[str, str]:
    found = {}
    for name, keys in KEYS.items():
        value = next((named[key] for key in keys if named.get(key)), "")
        if value:
            found[name] = value
    return found


def _plain(value: Any) -> str:
    """One text of a value: of a model its name, of a list of weighted prompts their words."""
    if isinstance(value, dict):
        names = ("model_name", "name", "prompt")
        return next((_plain(value[name]) for name in names if name in value), "")
    if isinstance(value, list):
        return ", ".join(filter(None, (_plain(one) for one in value[:MAX_TEXTS])))
    return "" if value is None or isinstance(value, bool) else str(value)


def _of_graph(graph: dict[str, Any]) -> dict[str, str]:
    """ComfyUI's API form: nodes by id, whose inputs are values or [id of another node, output]."""
    nodes = [node for node in list(graph.values())[:MAX_NODES] if isinstance(node, dict)]
    inputs = [node["inputs"] for node in nodes if isinstance(node.get("inputs"), dict)]
    found = {}
    for name in ("model", "sampler", "seed", "steps", "cfg_scale"):
        values = (_value(one, KEYS[name]) for one in inputs)
        found[name] = next(filter(None, values), "")
    for name, link in (("prompt", "positive"), ("negative_prompt", "negative")):
        linked = [one[link] for one in inputs if link in one]
        texts = dict.fromkeys(text for one in linked for text in _texts_at(graph, one, 0, set()))
        found[name] = " | ".join(list(texts)[:MAX_TEXTS])
    if not found["prompt"]:
        found["prompt"] = " | ".join(list(dict.fromkeys(_written(nodes)))[:MAX_TEXTS])
    return found


def _value(inputs: dict[str, Any], keys: tuple[str, ...]) -> str:
    values = (inputs.get(key) for key in keys)
    kept = (value for value in values if isinstance(value, str | int | float))
    return next((_plain(value) for value in kept if _plain(value)), "")


def _texts_at(graph: dict[str, Any], link: Any, depth: int, seen: set[str]) -> Iterator[str]:
    """The texts that flow into a link; each node is visited once, so that no circle holds it."""
    if isinstance(link, str):
        yield link.strip()
        return
    if not (isinstance(link, list) and link) or depth > MAX_DEPTH or str(link[0]) in seen:
        return
    seen.add(str(link[0]))
    node = graph.get(str(link[0]))
    inputs = node.get("inputs") if isinstance(node, dict) else None
    if not isinstance(inputs, dict):
        return
    for key, value in list(inputs.items())[:100]:
        if isinstance(value, list) or key.startswith(("text", "prompt", "string")):
            yield from filter(None, _texts_at(graph, value, depth + 1, seen))


def _written(nodes: list[dict[str, Any]]) -> Iterator[str]:
    for node in nodes:
        inputs = node.get("inputs")
        if isinstance(inputs, dict) and WRITING_NODES.search(str(node.get("class_type", ""))):
            yield from (
                value.strip() for value in inputs.values()
                if isinstance(value, str) and len(value.strip()) > 2
            )  # fmt: skip


def _of_workflow(nodes: list[Any]) -> dict[str, str]:
    """ComfyUI's drawing of the graph: widgets without names, so only the plain ones are read."""
    prompts: list[str] = []
    model = ""
    for node in nodes[:MAX_NODES]:
        if not isinstance(node, dict) or not isinstance(node.get("widgets_values"), list):
            continue
        words = [value for value in node["widgets_values"] if isinstance(value, str)]
        kind = str(node.get("type", ""))
        if WRITING_NODES.search(kind):
            prompts += [word.strip() for word in words[:1]]
        elif re.search(r"checkpoint|unet", kind, re.IGNORECASE) and words and not model:
            model = words[-1]
    return {"prompt": " | ".join(list(dict.fromkeys(prompts))[:MAX_TEXTS]), "model": model}
