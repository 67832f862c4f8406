"""The items of a manifest that are evaluated: chosen by split, each once, where they lie."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from assay.errors import AssayError, ConfigError
from assay.evaluation.sound_variants import SOUND_VARIANTS
from assay.evaluation.variants import VARIANTS, write_variant
from assay.evaluation.video_variants import VIDEO_VARIANTS
from assay.training.datasets.manifest_file import Manifest
from assay.training.datasets.records import Notice, Record, groups_of

SPLITS = ("train", "val", "test", "none", "all")
NAMES_OF = {
    "image": tuple(VARIANTS),
    "audio": tuple(SOUND_VARIANTS),
    "video": tuple(VIDEO_VARIANTS),
}


@dataclass(frozen=True, slots=True)
class Item:
    """One record to score. `group` is what is drawn together in the bootstrap; `root` the folder
    that `record.path` starts from; `variant` names the change that the file there went through.
    `reason` says why there is nothing to score ("" where there is)."""

    record: Record
    group: str
    root: Path
    variant: str = ""
    reason: str = ""

    @property
    def name(self) -> str:
        """The item's name in its set; items of a packed file carry their offset."""
        return name_of(self.record)

    @property
    def path(self) -> Path:
        """Where the item's file lies."""
        return self.root / self.record.path

    @property
    def key(self) -> tuple[str, str, str]:
        """Set, name, variant."""
        return (self.record.dataset, self.name, self.variant)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The items of a run and what a reader should know of how they were chosen."""

    items: tuple[Item, ...]
    notices: tuple[Notice, ...] = field(default=())


def name_of(record: Record) -> str:
    """The path, with `@offset` where it is a part of a packed file."""
    return record.path if record.part is None else f"{record.path}@{record.part.offset}"


def data_hash(items: Iterable[Item]) -> str:
    """Sixteen digits that change with any item, its label, its split or its content hash."""
    lines = sorted(
        f"{i.record.dataset}\t{i.name}\t{i.record.label}\t{i.record.split}\t{i.record.sha256}"
        for i in items
    )
    text = "\n".join(lines).encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:16]


def items_of(manifest: Manifest, split: str = "val") -> Chosen:
    """The items of a split ("none": those without one; "all"), each item once.

    An item that is listed twice with one label counts once, and is told; an item whose file is
    not there keeps its place with a reason. Raises ConfigError where the split is empty, where
    one item has two labels, and where not one file is there.
    """
    if split not in SPLITS:
        raise ConfigError(f"The split {split!r} is none of {', '.join(SPLITS)}.")
    groups = groups_of(manifest.records)
    wanted = {"none": ("",), "all": ("train", "val", "test", "")}.get(split, (split,))
    found: dict[tuple[str, str], Item] = {}
    twice = 0
    for record, group in zip(manifest.records, groups, strict=True):
        if record.split not in wanted:
            continue
        name = (record.dataset, name_of(record))
        if name in found:
            _require_agreement(found[name].record, record)
            twice += 1
            continue
        found[name] = Item(record, group, manifest.root)
    if not found:
        _refuse_empty(manifest, split)
    items = [_present(item) for item in found.values()]
    return Chosen(tuple(items), tuple(_notices(items, twice, manifest.root)))


def _require_agreement(first: Record, second: Record) -> None:
    if first.label != second.label:
        raise ConfigError(
            f"{first.dataset} {name_of(first)} is listed as real and as fake.",
            remedy="Mend the manifest: assay data verify MANIFEST",
        )


def _refuse_empty(manifest: Manifest, split: str) -> None:
    known = Counter(record.split or "none" for record in manifest.records)
    if not known:
        raise ConfigError("The manifest holds no item.")
    there = ", ".join(f"{name} ({n} items)" for name, n in sorted(known.items()))
    raise ConfigError(
        f"The manifest holds nothing of split {split!r}; it has: {there}.",
        remedy="Choose one with --split, or divide it with: assay data split MANIFEST",
    )


def _present(item: Item) -> Item:
    wanted = item.path.is_dir if item.record.modality == "frames" else item.path.is_file
    try:
        there = wanted()
    except (OSError, ValueError):
        there = False
    return item if there else replace(item, reason="missing_file: There is no such file.")


def _notices(items: Sequence[Item], twice: int, root: Path) -> Iterable[Notice]:
    if twice:
        yield Notice("listed_twice", "rows repeat an item that is listed already", twice)
    gone = [item for item in items if item.reason]
    if len(gone) == len(items):
        raise ConfigError(
            f"Not one of the {len(items)} files lies in {root}, the first is {items[0].name}.",
            remedy="Were they moved? Name the folder with --root FOLDER.",
        )
    if gone:
        yield Notice("missing_file", f"files are not there, the first is {gone[0].name}", len(gone))


def varied_items(items: Iterable[Item], folder: Path) -> list[Item]:
    """Each item once for each of its variants, written as a file into `folder`.

    A variant that is there is not written again. One that cannot be made keeps its place with the
    reason. Folders of frames and parts of packed files have no variants.
    """
    found = []
    for item in items:
        if item.reason or item.record.part is not None:
            continue
        for name in NAMES_OF.get(item.record.modality, ()):
            found.append(_varied(item, name, folder))
    return found


def _varied(item: Item, name: str, folder: Path) -> Item:
    facts = item.path.stat()
    seed = f"{item.path.resolve()} {facts.st_size} {facts.st_mtime_ns}"
    place = folder / hashlib.sha256(seed.encode("utf-8", "surrogatepass")).hexdigest()[:20]
    place.mkdir(parents=True, exist_ok=True)
    try:
        written = next(place.glob(f"{name}.*"), None) or _written(item.path, name, place)
    except (AssayError, OSError, ValueError) as error:
        return replace(item, variant=name, reason=f"no_variant: {type(error).__name__}: {error}")
    record = replace(item.record, path=written.relative_to(folder).as_posix(), sha256="")
    return VariedItem(record, item.group, folder, name, original=item.name)


def _written(source: Path, name: str, place: Path) -> Path:
    """The variant's file, which appears in `place` in one step."""
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=place) as unfinished:
        made = write_variant(source, name, Path(unfinished))
        return made.replace(place / made.name)


@dataclass(frozen=True, slots=True)
class VariedItem(Item):
    """A changed copy of an item; `original` is the name of the item itself."""

    original: str = ""

    @property
    def name(self) -> str:
        """The name of the item that this is a copy of."""
        return self.original
