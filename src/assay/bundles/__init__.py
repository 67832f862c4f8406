"""Bundles: network.onnx + card.json, verified before use."""

from assay.bundles.card import Calibration, Card, bundle_folder, bundle_names, load_card
from assay.bundles.folder import Reading, load_bundle_folder, load_card_of, reading_of
from assay.bundles.network import Network, open_network, use_threads, verify

__all__ = [
    "Calibration",
    "Card",
    "Network",
    "Reading",
    "bundle_folder",
    "bundle_names",
    "load_bundle_folder",
    "load_card",
    "load_card_of",
    "open_network",
    "reading_of",
    "use_threads",
    "verify",
]
