"""`python benchmarks/voices.py`: artificial voices, found and missed, with AASIST beside ours.

The whole program and the public checkpoint of AASIST hear the same held-out files in one run:
what each tells apart by generator, what raises alarms in genuine speech, music, noise and silence,
what is left after codecs and rooms, and how quick it is. What the networks make of vocoders and
corpora that they never heard comes from the raw scores of a training run (`--from-run
runs/voice_synthesis`, kept compact under benchmarks/results/voices). Writes
benchmarks/results/voices.json and the tables in docs/voices.md.

It needs the labelled media (ASSAY_SHARED). `--folders` names more sets with a manifest.csv, by
default those that the repository makes. What is missing is left out with its reason. Work done is
kept in `--work`; `--quick` hears a few files and writes nothing but `--work`/voices.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from heard import page
from heard.scoring import MAIN, score_ours, score_peer, sound_detectors
from heard.sounds import Sounds, changed, gather
from heard.speed import speed
from heard.tables import alarms, robustness, separation
from held_out import left_out
from held_out.page import filled
from held_out.scores import compact_scores, keep_compact

import assay
from assay.bundles import bundle_names, load_card
from assay.errors import ConfigError
from assay.evaluation.scores import FILE_LEVEL, Row
from assay.training.peers import LoadedPeer, available_peers, load_peer
from assay.training.shared import shared_folder

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
RAW = RESULTS / "voices"
PAGE = ROOT / "docs" / "voices.md"
FOLDERS = (ROOT / "cache" / "voices_forged", ROOT / "cache" / "voices_web")
SHARED = "shared"
TELEPHONE = "mulaw_8k"
QUICK_COPIES = 10


def main(arguments: Sequence[str] | None = None) -> None:
    chosen = _parser().parse_args(arguments)
    if chosen.quick:
        chosen.per_source, chosen.changed_per_source, chosen.draws = 2, 1, 50
    if chosen.from_run:
        RAW.mkdir(parents=True, exist_ok=True)
        print(keep_compact(chosen.from_run, RAW))
    result = measured(chosen)
    text = json.dumps(result, indent=1, allow_nan=False) + "\n"
    if chosen.quick:
        (chosen.work / "voices.json").write_text(text, encoding="utf-8")
        print("\n\n".join(page.blocks(result).values()))
        return
    (RESULTS / "voices.json").write_text(text, encoding="utf-8")
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), page.blocks(result)), encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folders", type=Path, nargs="*", default=FOLDERS)
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "voices_benchmark")
    parser.add_argument("--from-run", type=Path, metavar="FOLDER")
    parser.add_argument("--per-source", type=int, default=40)
    parser.add_argument("--changed-per-source", type=int, default=8)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--no-speed", action="store_true")
    parser.add_argument("--quick", action="store_true")
    return parser


def measured(chosen: argparse.Namespace) -> dict[str, Any]:
    """Everything, with its provenance and what was skipped."""
    chosen.work.mkdir(parents=True, exist_ok=True)
    sounds = gather(_folders(chosen.folders), chosen.work, chosen.per_source)
    if not sounds.speech:
        raise SystemExit("There is no held-out speech: set ASSAY_SHARED, or give --folders.")
    ours = sound_detectors()
    peers = [load_peer(name) for name in available_peers()]
    running = sorted(name for name, why in ours.items() if why is None)
    rows, copies = scored(sounds, running, peers, chosen)
    answering = {row.detector for row in rows if row.status == "scored"}
    ours |= {name: "it gave no file a score" for name in running if name not in answering}
    systems = [name for name in (MAIN, *(peer.peer.name for peer in peers)) if name in answering]
    beside = [n for n in (FILE_LEVEL, *running) if n in answering and n not in systems]
    shown = [*systems, *beside]
    spoken = {piece.name for piece in sounds.speech}
    speech = [row for row in rows if row.path in spoken]
    return {
        **provenance(chosen, sounds, peers, running),
        "skipped": {**{k: why for k, why in ours.items() if why is not None}, **sounds.missing},
        "systems": systems,
        "separation": separation(speech, systems, beside, chosen.draws),
        "left_out": of_run(chosen.draws),
        "robustness": robustness([*speech, *copies], shown, chosen.draws),
        "alarms": {
            "speech": alarms(speech, shown),
            "telephone": alarms([r for r in copies if r.variant == TELEPHONE], shown),
            "other": alarms([row for row in rows if row.path not in spoken], shown),
        },
        "speed": {"skipped": "it was not asked for"}
        if chosen.no_speed
        else speed(
            sounds.speech,
            chosen.work,
            peers,
            with_main=MAIN in running,
            detectors=running,
            repeats=1 if chosen.quick else 5,
        ),
    }


def _folders(more: Sequence[Path]) -> dict[str, Path]:
    found = {folder.name: folder for folder in more}
    try:
        return {SHARED: shared_folder() / "data", **found}
    except ConfigError:
        return found


def scored(
    sounds: Sounds, running: Sequence[str], peers: Sequence[LoadedPeer], chosen: argparse.Namespace
) -> tuple[list[Row], list[Row]]:
    """Rows of the files as they are, and of their changed copies."""
    copies = changed(sounds.speech, chosen.changed_per_source)
    copies = copies[:QUICK_COPIES] if chosen.quick else copies
    pieces = [*sounds.pieces, *copies]
    rows = score_ours(pieces, chosen.work, running)
    for peer in peers:
        rows += score_peer(pieces, chosen.work, peer)
    return [r for r in rows if not r.variant], [r for r in rows if r.variant]


def of_run(n_draws: int) -> dict[str, Any]:
    """Leave one vocoder out, leave one corpus out, from the kept scores of the training run."""
    kept = [scores for scores in compact_scores(RAW) if scores.name == MAIN]
    if not kept:
        return {"skipped": f"no scores of a training run of {MAIN} are kept yet (--from-run)"}
    scores = kept[0]
    return {
        "facts": dict(scores.facts),
        "rows": len(scores.fake) + scores.n_without_score,
        "without_score": scores.n_without_score,
        "generators": left_out.generators(scores, n_draws),
        "real_sources": left_out.real_sources(scores, n_draws),
    }


def provenance(
    chosen: argparse.Namespace,
    sounds: Sounds,
    peers: Sequence[LoadedPeer],
    running: Sequence[str],
) -> dict[str, Any]:
    """When, with what and on what."""
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    installed = [name for name in running if name in bundle_names()]
    return {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": "python benchmarks/voices.py" + (" --quick" if chosen.quick else ""),
        "commit": done.stdout.strip() or "unknown",
        "assay_version": assay.__version__,
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "draws": chosen.draws,
        "at_most_per_source": {"files": chosen.per_source, "changed": chosen.changed_per_source},
        "data_hash": sounds.data_hash,
        "files": {"speech": len(sounds.speech), "other": len(sounds.other)},
        "networks": {
            **{name: load_card(name).network_sha256 for name in installed},
            **{peer.peer.name: peer.sha256 for peer in peers},
        },
        "peers": {
            peer.peer.name: {
                "paper": peer.peer.paper,
                "licence": peer.peer.licence,
                "trained_on": peer.peer.trained_on,
            }
            for peer in peers
        },
    }


if __name__ == "__main__":
    main()
