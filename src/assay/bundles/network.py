"""Open a bundle's network: hash checked, recipe checked, one session for all callers."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.bundles.card import bundle_folder, load_card
from assay.errors import BundleMismatchError, BundleMissingError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_OPENING = threading.Lock()
SMALL_NETWORK_BYTES = 6_000_000
_SETTINGS = {"threads": 0}


class Network:
    """An ONNX Runtime session; `run` maps one named input to its named outputs.

    `source` is a file or its content. `inputs` holds (name, type, shape) of each input, as ONNX
    Runtime writes them.
    """

    def __init__(self, source: Path | bytes, threads: int = 0) -> None:
        import onnxruntime

        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = threads
        settings.log_severity_level = 3
        # A spinning thread pool steals the cores that decoding and other files need.
        settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            source if isinstance(source, bytes) else str(source),
            settings,
            providers=["CPUExecutionProvider"],
        )
        self.inputs = tuple((v.name, v.type, tuple(v.shape)) for v in self._session.get_inputs())
        self.input_names = tuple(name for name, _, _ in self.inputs)
        self.output_names = tuple(value.name for value in self._session.get_outputs())
        self.metadata: Mapping[str, str] = self._session.get_modelmeta().custom_metadata_map

    def run(self, array: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
        """All outputs, by name, for one batch."""
        return self.run_all({self.input_names[0]: array})

    def run_all(self, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
        """All outputs, by name, of a network with several inputs, by name."""
        values = self._session.run(None, dict(arrays))
        return dict(zip(self.output_names, values, strict=True))


def open_network(name: str, recipe_fingerprint: str | None = None) -> Network:
    """Verify and open the bundle's network, once a process.

    Raises BundleMissingError, or BundleMismatchError when the bytes differ from the card or the
    recipe that the caller cuts by is not the one the network was trained on.
    """
    with _OPENING:
        network = _opened(name, _SETTINGS["threads"])
    if recipe_fingerprint is None:
        return network
    card = load_card(name)
    if recipe_fingerprint != card.recipe_fingerprint:
        raise BundleMismatchError(
            f"{name}: the detector cuts by recipe {recipe_fingerprint}, "
            f"the network was trained on {card.recipe_fingerprint} ({dict(card.recipe)})."
        )
    return network


def use_threads(n_threads: int) -> None:
    """How many processor threads networks opened from here on may use; 0 takes all cores.

    Holds for the whole process: sessions are shared by all callers.
    """
    _SETTINGS["threads"] = n_threads


def threads_used() -> int:
    """How many processor threads networks are opened with; 0: all cores."""
    return _SETTINGS["threads"]


@lru_cache(maxsize=16)
def _opened(name: str, n_threads: int) -> Network:
    verify(name)
    path = bundle_folder(name) / "network.onnx"
    # Networks of a few milliseconds lose more to handing work over than they gain.
    small = path.stat().st_size < SMALL_NETWORK_BYTES
    return Network(path, threads=1 if small else n_threads)


def verify(name: str, folder: Path | None = None) -> str:
    """The SHA-256 of the bundle's network. Raises when it is missing or not what its card says."""
    path = (folder or bundle_folder(name)) / "network.onnx"
    card = load_card(name, folder)
    if not path.is_file():
        raise BundleMissingError(f"The bundle {name!r} has a card and no network.onnx.")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != card.network_sha256:
        raise BundleMismatchError(
            f"{name}: network.onnx has SHA-256 {found[:16]}…, its card says "
            f"{card.network_sha256[:16]}…."
        )
    return found
