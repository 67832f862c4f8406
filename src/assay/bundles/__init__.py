"""Bundles: network.onnx + card.json, verified before use."""

from assay.bundles.card import Calibration, Card, bundle_folder, bundle_names, load_card
from assay.bundles.network import Network, open_network, use_threads, verify

__all__ = [
    "Calibration",
    "Card",
    "Network",
    "bundle_folder",
    "bundle_names",
    "load_card",
    "open_network",
    "use_threads",
    "verify",
]
