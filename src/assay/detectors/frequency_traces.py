"""Pictures made whole by a generator, told by plain statistics of their finest detail."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np

from assay.bundles import Card, load_card, open_network
from assay.case import Case
from assay.detectors.synthetic_picture import Windows, cut_windows
from assay.inputs.spectrum import FEATURES, GROUPS, SpectrumInput, measure_spectrum
from assay.media.resample import luma
from assay.subjects.quality import blockiness_of, sharpness_of
from assay.types import Array, Evidence, Finding, FloatArray, MediaKind, Patch, PictureView, Span

MAX_JUDGED = 2
# Parts of the logit below this are told as saying little.
LOUD = 0.35


class FrequencyTraces:
    """A bounded sum over named statistics of windows; a score only where the card allows one.

    Looks at: the fall of the spectrum, the cosine transform, repeats every 2 or 4 pixels apart
    from JPEG's grid, the grain's correlation with itself and between the colours. Abstains when:
    the picture's shorter side is under a window, it is flat everywhere, or it is compressed or
    blurred beyond what was measured to leave something. Fails on: re-saved and shrunk copies,
    generators unlike those measured, and cameras and editors that smooth as generators do.
    Licences: the weights are Apache-2.0 and were fitted here; its card names the sets.
    """

    name = "frequency_traces"
    version = "1"
    family = "frequency"
    needs = "picture"
    kinds: tuple[MediaKind, ...] = ("image", "video")
    looks_at = (
        "spectrum, repeats and colour of the finest grain, which generators draw unlike cameras"
    )
    fails_on = (
        "copies that were re-saved, shrunk or retouched, and generators unlike those measured"
    )
    licence = "Apache-2.0"
    bundle: str | None = "frequency_traces"
    input = SpectrumInput()

    def examine(self, case: Case) -> list[Evidence]:
        """One Evidence for the picture: the mean over its windows, one span a frame."""
        started = time.monotonic()
        card = load_card(self.name)
        network = open_network(self.name, self.input.fingerprint)
        windows = self._cut(case)
        reason = _why_not(case.picture_views, windows, self.input, card)
        if reason is not None:
            return [self._evidence(card, status="abstained", reason=reason)]
        features = self._measured(windows.pictures, case)
        if not np.isfinite(features).any(axis=1).all():
            text = "too_flat: Some windows hold no grain at all."
            return [self._evidence(card, status="abstained", reason=text)]
        outputs = network.run(features)
        groups = [str(name) for name in card.raw["groups"]]
        parts = dict(zip(groups, outputs["evidence"].mean(axis=0).tolist(), strict=True))
        common: dict[str, Any] = {
            "details": _details(features, parts, card),
            "seconds_taken": time.monotonic() - started,
        }
        if not card.raw.get("scores"):
            finding = _finding(parts, card)
            return [self._evidence(card, status="reported", findings=(finding,), **common)]
        patches = tuple(
            replace(place, logit=float(logit))
            for place, logit in zip(windows.places, outputs["logit"], strict=True)
        )
        return [
            self._evidence(
                card,
                status="scored",
                logit=float(np.mean(outputs["logit"], dtype=np.float64)),
                kind="generated",
                patches=patches,
                spans=_spans(patches),
                **common,
            )
        ]

    def _cut(self, case: Case) -> Windows:
        large = [v for v in case.picture_views if min(v.rgb.shape[:2]) >= self.input.size_px]
        is_video = case.media.kind == "video"
        return cut_windows(large, self.input.windows, is_video, case.deadline.check)

    def _measured(self, pictures: Array, case: Case) -> FloatArray:
        rows = []
        for window in pictures:
            case.deadline.check()
            rows.append(measure_spectrum(window[None], self.input))
        return np.concatenate(rows)

    def _evidence(self, card: Card, **more: Any) -> Evidence:
        return Evidence(
            detector=self.name,
            version=self.version,
            family=self.family,
            subject="picture",
            bundle_sha256=card.network_sha256,
            licence=card.licence,
            **more,
        )


def _why_not(
    views: tuple[PictureView, ...], windows: Windows, recipe: SpectrumInput, card: Card
) -> str | None:
    """Why there is nothing to measure; None where there is."""
    if not views:
        return "no_picture: No frame could be kept whole."
    if not len(windows.pictures):
        height, width = views[0].rgb.shape[:2]
        if min(height, width) < recipe.size_px:
            least = f"{recipe.size_px} px a side are needed"
            return f"too_small: The picture is {width} × {height} px; {least}."
        return "too_flat: The picture has no texture in which traces could be found."
    n = len(windows.pictures)
    chosen = {(2 * i + 1) * n // (2 * min(n, MAX_JUDGED)) for i in range(min(n, MAX_JUDGED))}
    greys = [luma(windows.pictures[i]) for i in sorted(chosen)]
    blocks = float(np.median([blockiness_of(grey) for grey in greys]))
    sharp = float(np.median([sharpness_of(grey) for grey in greys]))
    if blocks > float(card.in_domain["max_picture_blockiness"]):
        return "too_compressed: Blocks of compression hide the grain."
    if sharp < float(card.in_domain["min_picture_sharpness"]):
        return "too_blurred: It is so blurred or enlarged that no grain is left."
    return None


def _spans(patches: tuple[Patch, ...]) -> tuple[Span, ...]:
    logits: dict[float, list[float]] = {}
    for patch in patches:
        logits.setdefault(patch.time_s, []).append(patch.logit)
    return tuple(Span(t, t, sum(of) / len(of)) for t, of in sorted(logits.items()))


def _details(features: FloatArray, parts: dict[str, float], card: Card) -> dict[str, Any]:
    """Each group with its part of the logit, in words, and how far its numbers lie off."""
    known = card.raw["features"]
    seen = np.isfinite(features)
    counts = np.maximum(seen.sum(axis=0), 1)
    means = np.where(seen, features, 0).sum(axis=0) / counts
    told = {}
    for group, part in parts.items():
        names = [f.name for n, f in enumerate(FEATURES) if f.group == group and seen[:, n].any()]
        off = _farthest(names, means, known)
        told[group] = {
            "measures": GROUPS[group],
            "part_of_logit": round(part, 4),
            "text": _in_words(group, part, bool(names), bool(card.raw.get("scores"))),
            "farthest_from_genuine": off,
        }
    grid = {
        f.name: round(float(means[n]), 4) for n, f in enumerate(FEATURES) if f.group == "jpeg_grid"
    }
    return {"n_windows": len(features), "groups": told, "jpeg_grid": grid}


def _farthest(names: list[str], means: FloatArray, known: Any) -> dict[str, Any] | None:
    """Of a group, the number that lies most spreads from the genuine median."""
    place = {feature.name: n for n, feature in enumerate(FEATURES)}
    offs = {
        name: (float(means[place[name]]) - known[name]["genuine_median"])
        / known[name]["genuine_spread"]
        for name in names
    }
    if not offs:
        return None
    name = max(offs, key=lambda one: abs(offs[one]))
    return {
        "name": name,
        "value": round(float(means[place[name]]), 4),
        "genuine_median": known[name]["genuine_median"],
        "spreads_off": round(offs[name], 2),
    }


def _in_words(group: str, part: float, measured: bool, scores: bool) -> str:
    what = GROUPS[group][0].upper() + GROUPS[group][1:]
    if not measured:
        return f"{what}: not measured, the picture is grey."
    if abs(part) < LOUD:
        said = "says little either way"
    elif part > 0:
        said = "is more like that of the generated pictures measured"
    else:
        said = "is more like that of the photographs measured"
    limit = "" if scores else " It counts for no score."
    return f"{what}: it {said}.{limit}"


def _finding(parts: dict[str, float], card: Card) -> Finding:
    """The measurement, and in words the groups that speak, for a file that gets no score."""
    said = []
    for group in sorted(parts, key=lambda one: -abs(parts[one])):
        like = "generated pictures" if parts[group] > 0 else "photographs"
        if abs(parts[group]) >= LOUD:
            said.append(f"{GROUPS[group]} (more like {like})")
    speaks = f"What stands out: {'; '.join(said)}. " if said else "No group stands out. "
    why = str(card.raw.get("why_no_score", ""))
    return Finding(
        code="frequency_traces_measured",
        title="Spectrum and grain of the picture were measured",
        meaning=(
            f"{speaks}The values are for an examiner to read; they do not change the verdict. {why}"
        ).strip(),
        values={group: round(part, 4) for group, part in parts.items()},
    )


DETECTOR = FrequencyTraces
