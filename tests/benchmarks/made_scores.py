"""A run's scores.csv as training writes it, made up: what each network sees is known."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np

NETWORKS = ("all", "lite2", "reference", "without sdxl", "without vae_*", "without cfp")
HEADER = ("split", "label", "method", "source", "group", "path", *NETWORKS)
REALS = ("cfp", "unsplash", "camera-photos")
# How far its fakes lie above genuine pictures; one less for a network that never saw them.
GENERATORS = {"sdxl": 2.5, "stylegan2": 3.0, "vae_reconstruction": 2.0}


def write_run(folder: Path, n: int = 40, seed: int = 0) -> Path:
    """runs/<name> with scores.csv and resolved.json, n rows a split and source."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    rows = []
    for split in ("train", "calibration", "val"):
        for source in REALS:
            base = 1.0 if source == "camera-photos" else 0.0
            for i in range(n):
                path = f"/data/image/real/{source}/{split}-{i}.jpg"
                group = f"{source}-{split}-{i // 2}"
                logits = base + rng.normal(size=len(NETWORKS))
                logits[NETWORKS.index("without cfp")] += 1.5 * (source == "cfp")
                rows.append([split, "real", source, source, group, path, *logits])
                fake = GENERATORS["vae_reconstruction"] + rng.normal(size=len(NETWORKS))
                fake[NETWORKS.index("without vae_*")] -= 1.5
                method = "vae_reconstruction"
                rows.append([split, "fake", method, method, group, path, *fake])
        for method in ("sdxl", "stylegan2"):
            for i in range(n):
                logits = GENERATORS[method] + rng.normal(size=len(NETWORKS))
                logits[NETWORKS.index("without sdxl")] -= 1.5 * (method == "sdxl")
                path = f"/data/image/fake/{method}/{split}-{i}.jpg"
                rows.append([split, "fake", method, method, f"{method}-{split}-{i}", path, *logits])
    rows += [
        ["val", "fake", "talking", "talking", f"t-{i}", f"/data/t/{i}.mp4", *rng.normal(size=6)]
        for i in range(n)
    ]
    rows.append(["val", "real", "cfp", "cfp", "flat", "/data/image/real/flat.jpg", *["nan"] * 6])
    with (folder / "scores.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for row in rows:
            cells = [f"{v:.4f}" if isinstance(v, float) else str(v) for v in row]
            writer.writerow(cells)
    facts = {"config": {"version": "9"}, "data_hash": "made", "calibration_groups": ["x"]}
    (folder / "resolved.json").write_text(json.dumps(facts))
    return folder
