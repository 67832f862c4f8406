"""`python benchmarks/face_finding.py`: which network finds which faces, on the labelled pictures.

For each set: in how many pictures the full-range network, the short-range one, and both with the
bordered pass and the tiles find at least one face that the mesh confirms; and what is found on
camera photographs, most of which show nobody. Writes benchmarks/results/face_finding.json.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from tqdm import tqdm

from assay.media.image import read_image
from assay.media.probe import probe
from assay.subjects.faces import Face, Range, _search, find_faces
from assay.subjects.landmarks import find_landmarks
from assay.subjects.tracks import MIN_MESH_SCORE
from assay.training.datasets.manifest import data_hash, read_manifest
from assay.training.shared import shared_folder
from assay.types import Array

RESULTS = Path(__file__).parent / "results"
PER_SET = 100
SMALL_FACES_PX = (20, 24, 32, 48)


def alone(rgb: Array, kind: Range) -> list[Face]:
    """What one network finds on the whole picture."""
    return _search(rgb, (0, 0, rgb.shape[1], rgb.shape[0]), kind, 0.5)


WAYS = {
    "full_range_alone": lambda rgb: alone(rgb, "full"),
    "short_range_alone": lambda rgb: alone(rgb, "short"),
    "find_faces": find_faces,
}


def confirmed(rgb: Array, faces: list[Face]) -> int:
    return sum(find_landmarks(rgb, face).score >= MIN_MESH_SCORE for face in faces[:16])


def small_faces(portrait: Array) -> dict[str, object]:
    """One portrait, shrunk to so many pixels, pasted on a grey 1080p frame."""
    from assay.media.resample import resized

    side = find_faces(portrait)[0].side_px
    summary = {}
    for size_px in SMALL_FACES_PX:
        scale = size_px / side
        shape = (round(portrait.shape[1] * scale), round(portrait.shape[0] * scale))
        copy = resized(portrait, shape)
        frame = np.full((1080, 1920, 3), 120, np.uint8)
        places = [(x, y) for y in range(20, 900, 150) for x in range(20, 1700, 150)]
        for x, y in places:
            frame[y : y + copy.shape[0], x : x + copy.shape[1]] = copy
        started = time.perf_counter()
        found = len(find_faces(frame))
        taken = time.perf_counter() - started
        summary[f"{size_px}_px"] = {"pasted": len(places), "found": found, "seconds": taken}
    return summary


def main() -> None:
    items = [i for i in read_manifest(shared_folder() / "data") if i.modality == "image"]
    by_method = defaultdict(list)
    for item in items:
        by_method[f"{item.label}/{item.method}"].append(item)
    sets = {}
    for method, part in sorted(by_method.items()):
        found = dict.fromkeys(WAYS, 0)
        for item in tqdm(part[:PER_SET], desc=method):
            rgb = read_image(probe(item.path), 200.0).rgb
            for name, find in WAYS.items():
                found[name] += confirmed(rgb, find(rgb)) > 0
        sets[method] = {"pictures": len(part[:PER_SET]), "with_a_face": found}
    portrait = Path(__file__).parent.parent / "examples" / "grace_hopper.jpg"
    result = {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": "python benchmarks/face_finding.py",
        "data_hash": data_hash(items),
        "sets": sets,
        "small_faces_in_1080p": small_faces(read_image(probe(portrait), 200.0).rgb),
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "face_finding.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
