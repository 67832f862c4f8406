"""A bundle in a folder of the user's: card and network read once, checked, opened together.

Whoever wrote the folder is not trusted: what the card states is checked before it is used, the
bytes that were hashed are the bytes that are opened, and no other file is read on their behalf.
"""

from __future__ import annotations

import hashlib
import json
import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

from assay.bundles.aggregation import Aggregation
from assay.bundles.card import Card, load_card
from assay.bundles.network import SMALL_NETWORK_BYTES, Network, threads_used
from assay.errors import BundleMismatchError, BundleMissingError

Kind = Literal["face", "picture", "voice", "clip"]
CARD, NETWORK = "card.json", "network.onnx"
MAX_NETWORK_BYTES = 2_000_000_000
MAX_CARD_BYTES = 32_000_000
MAX_FRAMES, MAX_FACES = 4096, 64
# How the field `location` of weights kept in another file stands in an ONNX file.
_ELSEWHERE = b"\x0a\x08location"
_OPENING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Reading:
    """How the network of a card is used: what it looks at, in how many frames of how many people,
    and how its answers become one."""

    kind: Kind
    aggregation: Aggregation
    n_frames: int
    max_faces: int


def load_bundle_folder(folder: Path) -> tuple[Card, Network]:
    """The card and the open network of a folder, once a process while the files stay the same.

    Raises BundleMissingError where one of the two is not there, and BundleMismatchError where the
    card cannot be used, the network's hash is another or its recipe is not the card's.
    """
    place = Path(folder)
    for name in (CARD, NETWORK):
        _require_file(place, name)
    with _OPENING:
        return _loaded(place.resolve(), _state(place), threads_used())


def load_card_of(folder: Path) -> Card:
    """The checked card of a folder, without its network.

    Raises BundleMissingError, or BundleMismatchError saying what in it cannot be used.
    """
    _require_file(Path(folder), CARD)
    path = Path(folder) / CARD
    if path.stat().st_size > MAX_CARD_BYTES:
        raise BundleMismatchError(f"{path} is larger than {MAX_CARD_BYTES // 1_000_000} MB.")
    try:
        card = load_card(Path(folder).name, Path(folder))
    except RecursionError as error:
        raise BundleMismatchError(f"{path} is nested too deeply.") from error
    except OSError as error:
        raise BundleMismatchError(f"{path} cannot be read: {error.strerror}.") from error
    _require_usable(card)
    return card


def reading_of(card: Card) -> Reading:
    """What the card says of how its network is used. Raises BundleMismatchError."""
    kind: Any = card.raw.get("kind")
    if kind not in get_args(Kind):
        raise BundleMismatchError(f"The card's kind {kind!r} is none of: {_listed(Kind)}.")
    stored = card.raw.get("aggregation", {})
    if not isinstance(stored, Mapping):
        raise BundleMismatchError("The card's aggregation is no object.")
    try:
        aggregation = Aggregation.from_card(stored)
    except TypeError as error:
        raise BundleMismatchError("The card's aggregation cannot be used.") from error
    return Reading(
        kind=kind,
        aggregation=aggregation,
        n_frames=_count(card, "n_frames", 32, MAX_FRAMES),
        max_faces=_count(card, "max_faces", 3, MAX_FACES),
    )


def hash_of(folder: Path) -> str:
    """The SHA-256 of the folder's network, for a comparison without opening it.

    Raises BundleMissingError or BundleMismatchError as `load_bundle_folder` does.
    """
    card = load_card_of(folder)
    _require_file(Path(folder), NETWORK)
    _require_hash(card, _bytes_of(Path(folder) / NETWORK))
    return card.network_sha256


@lru_cache(maxsize=8)
def _loaded(place: Path, _state: tuple[int, ...], n_threads: int) -> tuple[Card, Network]:
    card = load_card_of(place)
    reading_of(card)
    content = _bytes_of(place / NETWORK)
    _require_hash(card, content)
    if _ELSEWHERE in content:
        raise BundleMismatchError(f"{card.name}: the network keeps weights in another file.")
    threads = 1 if len(content) < SMALL_NETWORK_BYTES else n_threads
    try:
        network = Network(content, threads=threads)
    except Exception as error:  # ONNX Runtime raises a dozen types, none of them public
        said = " ".join(str(error).split())[:300]
        raise BundleMismatchError(f"{card.name}: the network cannot be opened: {said}") from error
    _require_recipe(card, network)
    if "logit" not in network.output_names:
        found = ", ".join(network.output_names)[:200]
        raise BundleMismatchError(f"{card.name}: the network has no output `logit` ({found}).")
    return card, network


def _require_file(place: Path, name: str) -> None:
    if not (place / name).is_file():
        raise BundleMissingError(
            f"The folder {place} holds no {name}.",
            remedy="Give a folder that `assay train` or `assay models import` wrote.",
        )


def _state(place: Path) -> tuple[int, ...]:
    """What changes where a file is written anew."""
    states = [(place / name).stat() for name in (CARD, NETWORK)]
    return tuple(value for s in states for value in (s.st_mtime_ns, s.st_size, s.st_ino))


def _bytes_of(path: Path) -> bytes:
    if path.stat().st_size > MAX_NETWORK_BYTES:
        raise BundleMismatchError(f"{path} is larger than {MAX_NETWORK_BYTES // 10**9} GB.")
    try:
        return path.read_bytes()
    except (OSError, MemoryError) as error:
        raise BundleMismatchError(f"{path} cannot be read: {error}.") from error


def _require_hash(card: Card, content: bytes) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != card.network_sha256:
        raise BundleMismatchError(
            f"{card.name}: network.onnx has SHA-256 {found[:16]}…, its card says "
            f"{card.network_sha256[:16]}…."
        )


def _require_recipe(card: Card, network: Network) -> None:
    kept = network.metadata.get("recipe_fingerprint")
    if kept != card.recipe_fingerprint:
        raise BundleMismatchError(
            f"{card.name}: the network was trained on recipe {kept or 'unknown'}, its card says "
            f"{card.recipe_fingerprint}."
        )


def _require_usable(card: Card) -> None:
    """Raise BundleMismatchError on the first value of the card that nothing can be built on."""
    texts = (card.name, card.version, card.licence, card.network_sha256, card.recipe_fingerprint)
    if not all(isinstance(text, str) and text for text in texts):
        raise BundleMismatchError("The card's name, version, licence and hashes must be texts.")
    if not isinstance(card.recipe, Mapping) or not isinstance(card.in_domain, Mapping):
        raise BundleMismatchError(f"{card.name}: recipe and in_domain must be objects.")
    text = json.dumps(card.recipe, sort_keys=True)
    found = hashlib.sha256(text.encode()).hexdigest()
    if len(card.recipe_fingerprint) < 8 or not found.startswith(card.recipe_fingerprint):
        raise BundleMismatchError(
            f"{card.name}: the recipe of the card has the fingerprint {found[:12]}, the card says "
            f"{card.recipe_fingerprint}."
        )
    if card.calibration is not None:
        fit = card.calibration
        numbers = (fit.scale, fit.bias, fit.interval_width_logit, *fit.bona_fide_logits)
        if not all(_is_number(value) for value in numbers) or fit.scale <= 0:
            raise BundleMismatchError(f"{card.name}: the calibration holds what is no number.")
        if fit.interval_width_logit < 0 or not fit.bona_fide_logits:
            raise BundleMismatchError(f"{card.name}: the calibration states no measurement.")
    for point in card.operating_points:
        rates = (point.false_alarm_rate, point.detection_rate or 0.0)
        if not all(_is_number(value) and 0 <= value <= 1 for value in rates):
            raise BundleMismatchError(f"{card.name}: the rates of {point.name!r} are none.")
        if not _is_number(point.threshold) or not 0 < point.false_alarm_rate < 1:
            raise BundleMismatchError(f"{card.name}: {point.name!r} has no usable cut.")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _count(card: Card, field: str, default: int, most: int) -> int:
    value = card.raw.get(field, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise BundleMismatchError(f"{card.name}: {field} is {value!r}, not 1 to {most}.")
    return value


def _listed(choices: Any) -> str:
    return ", ".join(get_args(choices))
