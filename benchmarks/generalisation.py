"""`python benchmarks/generalisation.py`: what the networks make of what they never saw.

Leave-one-generator-out, leave-one-source-out, the shipped networks at one threshold, what each
forgery was worth to the others, and the whole program on changed files. Reads the raw scores in
benchmarks/results/scores_<name>.csv.gz, so that no GPU and no media are needed; with `--from-runs
runs` it takes those of finished training runs first. Writes benchmarks/results/generalisation.json,
the tables in docs/generalisation.md and its figures.

`--files FOLDER` measures the changed files anew (it needs the labelled media and both bundles;
half-done work is kept in FOLDER); `--published DATA WORK` the pictures by published generators in
DATA (assay.training.datasets.web_generated); without them the numbers of the last time stay.
`--failures FOLDER` draws contact sheets of the worst rows; they show other people's pictures and
are not to be published.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import subprocess
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from held_out import files, left_out, shipped
from held_out.figures import write_figures
from held_out.made_failures import made_failures
from held_out.page import blocks, filled
from held_out.published import published
from held_out.scores import LEFT_OUT, Scores, compact_scores, keep_compact

import assay

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "generalisation.md"
FIGURES = ROOT / "docs" / "models" / "figures"
DRAWS = 1000
# Another run's scores must not slip in, such as a rehearsal's.
NAMES = ("face_blending", "synthetic_picture")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from-runs", type=Path, metavar="FOLDER")
    parser.add_argument("--files", type=Path, metavar="FOLDER")
    parser.add_argument("--published", type=Path, nargs=2, metavar=("DATA", "WORK"))
    parser.add_argument("--failures", type=Path, metavar="FOLDER")
    parser.add_argument("--draws", type=int, default=DRAWS)
    arguments = parser.parse_args()
    if arguments.from_runs:
        take(arguments.from_runs)
    all_scores = compact_scores(RESULTS)
    if not all_scores:
        raise SystemExit(f"{RESULTS} holds no scores_<name>.csv.gz; give --from-runs runs.")
    result = measured(all_scores, arguments.draws)
    result |= of_files(arguments.files, arguments.published, arguments.draws)
    write(result, all_scores)
    if arguments.failures:
        from held_out.failures import contact_sheets

        for path in contact_sheets(result, all_scores, arguments.failures):
            print(path)


def take(runs: Path) -> None:
    """Keep compact copies of the scores of the finished runs there: the networks' own, and those
    of the runs that leave things out beside them."""
    for name in (run for network in NAMES for run in (network, network + LEFT_OUT)):
        if (runs / name / "scores.csv").is_file():
            path = keep_compact(runs / name, RESULTS)
            print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB")
        else:
            print(f"{runs / name} has no scores.csv.")


def measured(all_scores: list[Scores], n_draws: int) -> dict[str, Any]:
    """Everything that follows from the raw scores, with its provenance."""
    return {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": "python benchmarks/generalisation.py",
        "commit": _commit(),
        "assay_version": assay.__version__,
        "machine": platform.machine(),
        "draws": n_draws,
        "networks": {scores.name: of_run(scores, n_draws) for scores in all_scores},
    }


def of_run(scores: Scores, n_draws: int) -> dict[str, Any]:
    """All tables of one training run."""
    print(f"{scores.name}: {len(scores.fake)} rows, {len(scores.logits)} networks")
    decision = shipped.decision_of(scores)
    splits = [s for s in ("val", "calibration") if (scores.split == s).any()]
    return {
        "facts": dict(scores.facts),
        "scores": {
            "sha256": _sha256(RESULTS / f"scores_{scores.name}.csv.gz"),
            "rows": len(scores.fake) + scores.n_without_score,
            "without_score": scores.n_without_score,
        },
        "variants": scores.variants,
        "decision": asdict(decision),
        "generators": left_out.generators(scores, n_draws),
        "real_sources": left_out.real_sources(scores, n_draws),
        "shipped": {s: shipped.main_table(scores, s, decision, n_draws) for s in splits},
        "worth": left_out.worth(scores, n_draws),
    }


def of_files(work: Path | None, given: list[Path] | None, n_draws: int) -> dict[str, Any]:
    """The whole program on files: measured where folders are given, else as it was before."""
    path = RESULTS / "generalisation.json"
    before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    found = {name: before.get(name) for name in ("robustness", "made_failures", "published")}
    if (work or given) and (missing := files.missing_bundles()):
        raise SystemExit(f"Not installed yet: {', '.join(missing)}.")
    if work:
        shown = FIGURES / "generalisation-failures.png"
        found["robustness"] = files.robustness(work, n_draws)
        found["made_failures"] = made_failures(shown)
    if given:
        found["published"] = published(*given, n_draws)
    return found


def write(result: dict[str, Any], all_scores: list[Scores]) -> None:
    """The JSON, the tables between the page's markers, and the figures."""
    text = json.dumps(result, indent=1, allow_nan=False)
    (RESULTS / "generalisation.json").write_text(text + "\n", encoding="utf-8")
    PAGE.write_text(
        filled(PAGE.read_text(encoding="utf-8"), blocks(result, NAMES)), encoding="utf-8"
    )
    for path in write_figures(result, all_scores, FIGURES):
        print(path.relative_to(ROOT))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    main()
