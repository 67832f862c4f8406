"""What a training run says: a line a round, curves, the test in words, the stored result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assay.evaluation.bootstrap import MIN_GROUPS
from assay.evaluation.predictions import FILE, FRAME, Prediction
from assay.report.sanitise import visible
from assay.training.classify_data import Prepared
from assay.training.classify_scores import OVERALL, Answers, Scored
from assay.training.curves import write_json

CUT = 0.0
"""The logit from which a file is called fake: an even chance."""
HISTORY, CURVES = "epochs.json", "curves.png"
NAMES = {"accuracy": "accuracy", "auc": "AUC", "balanced_accuracy": "balanced accuracy"}


def say(line: str) -> None:
    """One line on stdout, at once; control characters are spelled out."""
    print(visible(line), flush=True)


class Rounds:
    """Tells every finished round and draws the curves. `what` names the stage where a run has
    several, `n` is how many rounds there will be."""

    def __init__(self, folder: Path, n: int, what: str = "epoch") -> None:
        self.folder, self.n, self.what = folder, n, what

    def __call__(self, history: Sequence[Mapping[str, Any]]) -> None:
        """The last of the history is new."""
        self.folder.mkdir(parents=True, exist_ok=True)
        say(round_line(history[-1], self.n, self.what))
        write_json(self.folder / HISTORY, list(history))
        draw(history, self.folder / CURVES)


def round_line(row: Mapping[str, Any], n: int, what: str = "epoch") -> str:
    """Epoch, training loss and accuracy, validation loss and accuracy and AUC, seconds."""
    area = f", AUC {row['val_auc']:.4f}" if "val_auc" in row else ""
    best = " (best)" if row["best"] else ""
    return (
        f"{what} {row['epoch']} of {n}: loss {row['loss']:.4f}, accuracy {row['accuracy']:.4f}; "
        f"validation: loss {row['val_loss']:.4f}, accuracy {row['val_accuracy']:.4f}{area}; "
        f"{row['seconds']:.1f} s{best}"
    )


def draw(history: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Losses on the left, accuracies (and AUC) on the right, over the rounds."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(10, 4))
    shown = (("loss", "val_loss"), ("accuracy", "val_accuracy", "val_auc"))
    epochs = [row["epoch"] for row in history]
    for axis, names in zip(axes, shown, strict=True):
        for name in names:
            if name in history[0]:
                label = name.replace("val_", "validation ")
                axis.plot(epochs, [row[name] for row in history], label=label, marker=".")
        axis.set_xlabel("epoch")
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    axes[1].set_ylim(0, 1.02)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def test_lines(rows: Sequence[Mapping[str, Any]], found: Sequence[Answers]) -> list[str]:
    """The test in words: both levels, what it was measured on, and what guessing would give."""
    lines = []
    for answers in found:
        own = [r for r in rows if r["level"] == answers.level and r["slice"] == OVERALL]
        if not own:
            lines.append(f"test, by {answers.level}: only one label was scored, so no number.")
            continue
        first = own[0]
        own.sort(key=lambda row: list(NAMES).index(row["metric"]))
        numbers = ", ".join(f"{NAMES[r['metric']]} {_number(r)}" for r in own)
        share = max(first["n_fake"], first["n_real"]) / (first["n_fake"] + first["n_real"])
        lines.append(
            f"test, by {answers.level}: {numbers}; on {first['n_real']} real and "
            f"{first['n_fake']} fake {answers.level}s of {first['n_groups']} groups of people "
            f"(always the same answer: accuracy {share:.4f})"
        )
    return lines


def by_method(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line for each method's files, where there are several."""
    return [
        f"  {row['slice']}: AUC {_number(row)} ({row['n_fake']} fake, {row['n_real']} real files)"
        for row in rows
        if (row["level"], row["metric"]) == (FILE, "auc") and row["slice"] != OVERALL
    ]


def _number(row: Mapping[str, Any]) -> str:
    if row["value"] is None:
        return "none"
    if row["low"] is None:
        few = row["n_groups"] < MIN_GROUPS
        why = "too few groups for an interval" if few else "no interval: every draw gives the same"
        return f"{row['value']:.4f} ({why})"
    return f"{row['value']:.4f} (95 %: {row['low']:.4f} to {row['high']:.4f})"


def unseen_lines(items: Sequence[Prepared], what: str) -> list[str]:
    """The items of which there is nothing to look at, by label and reason."""
    missing: Counter[tuple[str, str]] = Counter()
    for item in items:
        if item.reason:
            label = "fake" if item.fake else "real"
            missing[(label, item.reason.partition(":")[0])] += 1
    return [
        f"{n} {label} {what} items are left out: {reason}"
        for (label, reason), n in sorted(missing.items())
    ]


def predictions(
    scored: Scored, files: Answers, model: str, sha256: str, aggregation: Any
) -> list[Prediction]:
    """The prediction matrix of the test part: every frame, every file, and what got no score."""
    from assay.evaluation.items import name_of

    rows: list[Prediction] = []
    tracks = scored.by_track()
    for number, item in enumerate(scored.items):
        record = item.record
        common: dict[str, Any] = {
            "model": model,
            "model_sha256": sha256,
            "dataset": record.dataset,
            "path": name_of(record),
            "label": "fake" if item.fake else "real",
            "method": record.method,
            "group": item.group,
            "split": record.split,
            "subset": record.subset,
            "modality": record.modality,
            "threshold": CUT,
        }
        if not tracks[number]:
            reason = item.reason or "no_face: Nobody was seen in it."
            rows.append(Prediction(**common, status="abstained", reason=reason))
            continue
        rows.append(Prediction(**common, logit=aggregation.file(tracks[number])))
        for row, logit in zip(scored.rows, scored.logits, strict=True):
            if row.item == number:
                at: dict[str, Any] = {
                    "track_id": row.track,
                    "time_s": row.time_s,
                    "logit": float(logit),
                }
                rows.append(Prediction(**common, **at, level=FRAME))
    return rows
