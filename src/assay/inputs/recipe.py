"""What names a recipe: how a detector cuts its input, in training and at inference."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any


def fingerprint_of(recipe: Any, n_digits: int = 12) -> str:
    """Hexadecimal digits that change when any field of the dataclass changes."""
    text = json.dumps(asdict(recipe), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:n_digits]
