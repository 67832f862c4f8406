"""`python benchmarks/accuracy.py`: what `assay detect` catches and misses on held-out media.

Runs the whole program, file by file, on the `val` split: genuine pictures, self-blends of people
unseen in training (forgery and genuine picture saved alike), the two halves of the paired clips
(encoded alike), and whole-picture generators, for which `face_blending` is not made. Writes
benchmarks/results/accuracy.json; with `--parts` only these are measured anew, and `measured` says
of each when, with which weights and at which commit. `--photos cache/photos` adds the photographs
out of packages that are for validation (assay.training.datasets.web_photos).
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import av
import cv2
import numpy as np
from tqdm import tqdm

import assay
from assay.bundles import load_card
from assay.case import Case
from assay.evaluation.metrics import (
    auc,
    average_precision,
    detection_rate_at,
    equal_error_rate,
    rate_interval,
    with_interval,
)
from assay.media.image import read_image
from assay.media.probe import probe
from assay.media.video import read_frames
from assay.training.cache import halves
from assay.training.datasets.manifest import Item, data_hash, read_manifest
from assay.training.forgeries.self_blend import self_blend
from assay.training.shared import shared_folder

RESULTS = Path(__file__).parent / "results"
FIRED = ("strong_evidence", "some_evidence")
METRICS = {
    "auc": auc,
    "average_precision": average_precision,
    "equal_error_rate": equal_error_rate,
    "detection_rate_at_far_1": detection_rate_at(0.01),
    "detection_rate_at_far_5": detection_rate_at(0.05),
}


def examine(path: Path, item: Item, fake: bool) -> dict[str, object]:
    verdict = assay.detect(path)
    return {
        "method": item.method,
        "group": item.group,
        "fake": fake,
        "label": verdict.label,
        "status": verdict.status,
        "p_fake": verdict.p_fake,
        "reasons": [reason.code for reason in verdict.reasons],
        "file": item.path.name,
    }


def genuine_pictures(items: list[Item]) -> list[dict[str, object]]:
    chosen = [i for i in items if i.modality == "image" and i.label == "real"]
    return [examine(item.path, item, False) for item in tqdm(chosen, desc="genuine")]


def generated_pictures(items: list[Item]) -> list[dict[str, object]]:
    chosen = [i for i in items if i.modality == "image" and i.label == "fake"]
    return [examine(item.path, item, True) for item in tqdm(chosen, desc="generated")]


def self_blends(items: list[Item], folder: Path) -> list[dict[str, object]]:
    rows = []
    chosen = [i for i in items if i.modality == "image" and i.label == "real"]
    for number, item in enumerate(tqdm(chosen, desc="self-blends")):
        case = Case(probe(item.path))
        if not case.tracks:
            continue
        rng = np.random.default_rng([11, number])
        rgb = read_image(case.media, 200.0).rgb
        forgery = self_blend(rgb, case.tracks[0].landmarks_px[0], rng)
        quality = int(rng.integers(70, 97))
        for fake, picture in ((False, forgery.genuine), (True, forgery.fake)):
            path = folder / f"{number}-{'fake' if fake else 'genuine'}.jpg"
            cv2.imwrite(str(path), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
            strength = float(forgery.mask.max())
            rows.append({**examine(path, item, fake), "strength": strength})
    return rows


def paired_clips(items: list[Item], folder: Path) -> list[dict[str, object]]:
    rows = []
    for item in tqdm([i for i in items if i.label == "paired"], desc="paired clips"):
        for fake, path in ((False, folder / "left.mp4"), (True, folder / "right.mp4")):
            write_half(item.path, path, right=fake)
            rows.append(examine(path, item, fake))
    return rows


def write_half(source: Path, target: Path, *, right: bool) -> None:
    """One half of a side-by-side clip, both halves through the same H.264 settings."""
    with av.open(str(target), "w") as container:
        stream = None
        for frame in all_frames(source):
            half = halves(frame)[1 if right else 0].rgb
            half = half[: half.shape[0] & ~1, : half.shape[1] & ~1]
            if stream is None:
                stream = container.add_stream("libx264", rate=25, options={"crf": "18"})
                stream.height, stream.width = half.shape[:2]
                stream.pix_fmt = "yuv420p"
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(half), format="rgb24")
            container.mux(stream.encode(picture))
        if stream is not None:
            container.mux(stream.encode(None))


def all_frames(source: Path) -> Iterator[object]:
    media = probe(source)
    rate = media.fps or 25.0
    n = int((media.duration_s or 0) * rate)
    yield from read_frames(media, tuple((i + 0.5) / rate for i in range(n)), lambda: None)


def separation(rows: list[dict[str, object]]) -> dict[str, object]:
    scored = [row for row in rows if row["p_fake"] is not None]
    scores = [row["p_fake"] for row in scored]
    fake = [row["fake"] for row in scored]
    groups = [str(row["group"]) for row in scored]
    numbers = {
        name: asdict(with_interval(metric, scores, fake, groups))
        for name, metric in METRICS.items()
    }
    return {
        **numbers,
        "not_scored": len(rows) - len(scored),
        "labels_of_fakes": Counter(str(r["label"]) for r in rows if r["fake"]),
        "labels_of_genuine": Counter(str(r["label"]) for r in rows if not r["fake"]),
    }


def alarms(rows: list[dict[str, object]]) -> dict[str, object]:
    by_method: dict[str, list[dict[str, object]]] = defaultdict(list)
    for row in rows:
        by_method[str(row["method"])].append(row)
        by_method["all"].append(row)
    summary = {}
    for method, part in sorted(by_method.items()):
        examined = [row for row in part if row["status"] == "completed"]
        fired = sum(row["label"] in FIRED for row in examined)
        summary[method] = {
            "files": len(part),
            "examined": len(examined),
            "called_manipulated": fired,
            "rate": fired / len(examined) if examined else None,
            "interval": rate_interval(fired, len(examined)) if examined else None,
            "labels": Counter(str(row["label"]) for row in part),
        }
    return summary


def of_genuine(val: list[Item], folder: Path) -> dict[str, object]:
    rows = genuine_pictures(val)
    false_alarms = [row for row in rows if row["label"] in FIRED]
    return {"genuine_pictures": alarms(rows), "false_alarms": false_alarms}


def of_generated(val: list[Item], folder: Path) -> dict[str, object]:
    return {"generated_pictures": alarms(generated_pictures(val))}


def of_faces(val: list[Item], folder: Path) -> dict[str, object]:
    rows = self_blends(val, folder)
    return {
        "self_blends_of_unseen_people": separation(rows),
        "of_these_blended_at_full_strength": separation([r for r in rows if r["strength"] > 0.9]),
    }


def of_clips(val: list[Item], folder: Path) -> dict[str, object]:
    rows = paired_clips(val, folder)
    return {
        "paired_clips": {**separation(rows), "rows": rows},
        "genuine_halves_of_clips": alarms([row for row in rows if not row["fake"]]),
    }


PARTS = {"genuine": of_genuine, "faces": of_faces, "clips": of_clips, "generated": of_generated}


def provenance(val: list[Item]) -> dict[str, object]:
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    bundles = ("face_blending", "synthetic_picture")
    return {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip(),
        "machine": platform.machine(),
        "bundles": {name: load_card(name).network_sha256 for name in bundles},
        "data_hash": data_hash(val),
        "operating_point": assay.Options().operating_point,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--photos", type=Path, help="another folder of genuine pictures")
    arguments = parser.parse_args()
    items = read_manifest(arguments.data or shared_folder() / "data")
    val = [item for item in items if item.split == "val"]
    path = RESULTS / "accuracy.json"
    before = json.loads(path.read_text()) if path.is_file() else {}
    result = {**before, "command": "python benchmarks/accuracy.py"}
    told = dict(before.get("measured", {}))
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.parts:
            result |= PARTS[name](val, Path(folder))
            told[name] = provenance(val)
    if arguments.photos:
        photos = [item for item in read_manifest(arguments.photos) if item.split == "val"]
        result["photographs_of_other_sources"] = alarms(genuine_pictures(photos))
        told["photos"] = provenance(photos)
    result["measured"] = told
    RESULTS.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps({k: v for k, v in result.items() if k != "false_alarms"}, indent=1)[:4000])


if __name__ == "__main__":
    main()
