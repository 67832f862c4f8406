"""The whole program on changed files: does a detector's answer stand when a picture is saved again?

Genuine and generated pictures of the `val` split, and faces forged from the genuine ones by the
forgery lab, each beside its genuine picture saved alike. Needs the labelled media.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from assay.bundles import bundle_names, load_card
from assay.errors import AssayError
from assay.evaluation.pieces import Piece, limited, pieces_of, varied
from assay.evaluation.robustness import robustness_table
from assay.evaluation.scores import FILE_LEVEL, Row
from assay.evaluation.scoring import items_of, score_pieces
from assay.media.image import read_image
from assay.media.probe import probe
from assay.training.forgeries import discover
from assay.training.forging import forge_picture
from assay.training.shared import shared_folder
from held_out.separation import Table

PER_SOURCE = 8
PER_FORGER = 5
FORGERS = ("self_blend", "two_faces", "mouth_rendering")
FORGED_FROM = ("cfp", "unsplash", "celebrity-press")
QUALITY = 90
# What each detector is made to find; the verdict on the file answers for all.
PURPOSE = {"face_blending": "face", "synthetic_picture": "picture", FILE_LEVEL: "both"}


def missing_bundles() -> list[str]:
    """The detectors measured here whose bundle is not installed."""
    return sorted(set(PURPOSE) - {FILE_LEVEL} - set(bundle_names()))


def robustness(work: Path, n_draws: int) -> Table:
    """Score files and their changed copies (kept in `work`, so that a second call goes on)."""
    data = shared_folder() / "data"
    items = [item for item in items_of(data, "val") if item.modality == "image"]
    pieces = limited(pieces_of(items, data), PER_SOURCE)
    pieces += forged_faces(pieces_of(items, data), work / "forged")
    bar = tqdm(desc="files")

    def progress(_: str, done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    rows = score_pieces(pieces, work / "files.csv", workers=1, progress=progress)
    bar.reset()
    rows += score_pieces(varied(pieces), work / "changed.csv", workers=1, progress=progress)
    return {
        "files": len(pieces),
        "genuine": sum(piece.label == "real" for piece in pieces),
        "changed_copies": len(varied(pieces)),
        "forgers": list(FORGERS),
        "bundles": {name: load_card(name).network_sha256 for name in bundle_names()},
        "detectors": {
            name: robustness_table(on_purpose(rows, name), n_draws=n_draws).get(name, [])
            for name in PURPOSE
        },
    }


def on_purpose(rows: Sequence[Row], detector: str) -> list[Row]:
    """The detector's rows on genuine files and on the fakes that it is made to find."""
    kind = PURPOSE[detector]
    return [
        row
        for row in rows
        if row.detector == detector
        and (row.label == "real" or kind == "both" or (row.method in FORGERS) == (kind == "face"))
    ]


def forged_faces(pieces: Sequence[Piece], folder: Path) -> list[Piece]:
    """Forged pictures of people of the `val` split, and their genuine pictures saved alike."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    genuine = [p for p in pieces if p.label == "real" and p.method in FORGED_FROM]
    rng = np.random.default_rng(5)
    order = [genuine[i] for i in rng.permutation(len(genuine))]
    forgers, found = discover(), []
    for number, name in enumerate(FORGERS):
        left = iter(order[number :: len(FORGERS)])
        made = 0
        while made < PER_FORGER and (piece := next(left, None)) is not None:
            donor = order[int(rng.integers(len(order)))]
            pictures = (_rgb(piece), _rgb(donor)) if donor.group != piece.group else None
            if pictures is None:
                continue
            try:
                forgery = forge_picture(forgers[name], *pictures, seed=number * 1000 + made)
            except AssayError:
                continue  # no face in one of the two
            made += 1
            for label, rgb in (("fake", forgery.fake), ("real", forgery.genuine)):
                path = folder / f"{name}-{made}-{label}.jpg"
                Image.fromarray(rgb).save(path, "JPEG", quality=QUALITY)
                found.append(_piece_of(piece, path, label, name))
    return found


def _rgb(piece: Piece) -> np.ndarray:
    return np.asarray(read_image(probe(piece.path), 50.0).rgb)


def _piece_of(piece: Piece, path: Path, label: str, forger: str) -> Piece:
    return replace(
        piece,
        name=f"forged/{path.name}",
        path=path,
        label=label,
        method=forger if label == "fake" else piece.method,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest()[:16],
    )
