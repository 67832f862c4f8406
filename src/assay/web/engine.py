"""What examines: the version of assay and the networks installed, as one fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache

import assay


@lru_cache(maxsize=1)
def installed_bundles() -> Mapping[str, str]:
    """The sha256 of each network that examinations use, by name."""
    from assay.detectors import discover
    from assay.verdict.calibrate import installed_cards

    cards = installed_cards(discover())
    return {name: card.network_sha256 for name, card in sorted(cards.items())}


@lru_cache(maxsize=1)
def engine_id() -> str:
    """16 hex digits that change with assay, a detector or a network: a result of others is old."""
    from assay.detectors import discover

    versions = {name: detector.version for name, detector in discover().items()}
    told = json.dumps([assay.__version__, versions, dict(installed_bundles())], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]
