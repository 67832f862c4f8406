"""Rows of scores with known properties, made without any media."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.evaluation.scores import Row


def sigmoid(z: float) -> float:
    return float(1 / (1 + np.exp(-z)))


def rows_of(
    method: str, label: str, n: int, shift: float, seed: int = 0, **changes: Any
) -> list[Row]:
    """`n` files of one source, two of each person; the calibrated cut lies at logit 1."""
    rng = np.random.default_rng([seed, len(method), n])
    found = []
    for i in range(n):
        logit = float(rng.normal(shift, 1.0))
        values: dict[str, Any] = {
            "path": f"{method}/{i}",
            "label": label,
            "method": method,
            "group": f"{method}-{i // 2}",
            "modality": "image",
            "sha256": f"{i:04x}",
            "detector": "blend",
            "version": "1",
            "subject": "face 1",
            "logit": logit,
            "p_fake": sigmoid(0.7 * logit),
            "threshold": sigmoid(0.7),
            "fired": logit >= 1.0,
        }
        found.append(Row(**{**values, **changes}))
    return found


def collection() -> list[Row]:
    """Three fake and three real sources of rising difficulty, one of each too small to tell."""
    return [
        *rows_of("easy", "fake", 30, 4.0),
        *rows_of("hard", "fake", 30, 0.5),
        *rows_of("few", "fake", 3, 2.0),
        *rows_of("studio", "real", 60, -3.0),
        *rows_of("street", "real", 50, -0.5),
        *rows_of("odd", "real", 4, 0.0),
        *rows_of("easy", "fake", 4, 0, 1, **silent("f")),
        *rows_of("street", "real", 2, 0, 1, **silent("r")),
    ]


def silent(name: str) -> dict[str, Any]:
    """What makes a row an abstention."""
    unscored = {"logit": None, "p_fake": None, "threshold": None, "fired": None}
    return {"status": "abstained", "reason": "no_face: none", "path": f"silent-{name}", **unscored}
