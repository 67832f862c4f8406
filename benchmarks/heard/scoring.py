"""The same files through `assay detect` and through each peer, in one run; work done is kept."""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from tqdm import tqdm

from assay.bundles import bundle_names
from assay.detectors import discover
from assay.errors import AssayError
from assay.evaluation.pieces import Piece, prepared
from assay.evaluation.scores import Row
from assay.evaluation.scoring import row_of, score_pieces, settings
from assay.media.audio import read_waveform
from assay.media.probe import probe
from assay.options import Options
from assay.training.peers import LoadedPeer

MAIN = "voice_synthesis"
HEARD_S = 30.0
PEER_CUT = 0.0  # where a peer's own softmax says "spoof"


def sound_detectors() -> dict[str, str | None]:
    """Our detectors of sound and, for each that cannot run yet, why."""
    found: dict[str, str | None] = {MAIN: "the detector is not part of this installation"}
    for name, one in discover().items():
        if one.needs == "sound":
            missing = one.bundle is not None and one.bundle not in bundle_names()
            found[name] = f"its bundle {one.bundle} is not installed" if missing else None
    return found


def score_ours(pieces: Sequence[Piece], work: Path, detectors: Iterable[str]) -> list[Row]:
    """Rows of the whole program, one for each detector and one for the file."""
    names = tuple(sorted(detectors))
    if not names or not pieces:
        return []
    options = Options(detectors=names, stability=False, heatmaps=False)
    # Another version or network starts a file of its own.
    digest = hashlib.sha256(json.dumps(settings(options), sort_keys=True).encode()).hexdigest()
    bar = tqdm(total=len(pieces), desc="assay", disable=None)

    def progress(_: str, done: int, _total: int) -> None:
        bar.update(done - bar.n)

    return score_pieces(
        pieces, work / f"ours-{digest[:12]}.csv", options=options, workers=1, progress=progress
    )


def score_peer(pieces: Sequence[Piece], work: Path, peer: LoadedPeer) -> list[Row]:
    """Rows of one peer; a sound that it cannot read is failed, with the reason."""
    path = work / f"{peer.peer.name}-{peer.sha256[:12]}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    known = {(row.key, row.sha256): row for row in _kept(path)}
    found = []
    with path.open("a", encoding="utf-8") as file:
        for piece in tqdm(pieces, desc=peer.peer.name, disable=None):
            row = known.get(((piece.name, piece.variant), piece.sha256))
            if row is None:
                row = _heard(piece, peer)
                file.write(json.dumps(asdict(row)) + "\n")
                file.flush()
            found.append(row)
    return found


def _kept(path: Path) -> list[Row]:
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    whole = text[: text.rfind("\n") + 1]
    path.write_text(whole, encoding="utf-8")  # without a line that was cut off
    return [Row(**json.loads(line)) for line in whole.splitlines()]


def _heard(piece: Piece, peer: LoadedPeer) -> Row:
    base = replace(row_of(piece), detector=peer.peer.name, version=peer.sha256[:12])
    started = time.perf_counter()
    try:
        with tempfile.TemporaryDirectory() as folder:
            media = probe(prepared(piece, Path(folder)))
            sound = read_waveform(media, None, HEARD_S, lambda: None)
        logit = peer.score(sound)
    except (AssayError, ValueError) as error:
        return replace(base, status="failed", reason=f"{type(error).__name__}: {error}")
    taken = time.perf_counter() - started
    return replace(base, logit=logit, fired=logit > PEER_CUT, seconds=taken)
