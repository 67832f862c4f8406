"""Is a manifest what it says, and is it fair? Missing, broken, doubled and leaking items."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from assay.training.datasets.looking import Seen
from assay.training.datasets.manifest_file import Manifest
from assay.training.datasets.perceptual_hash import near_pairs
from assay.training.datasets.records import Record, groups_of
from assay.training.datasets.scanning import Counted, counted

Kind = Literal[
    "missing",
    "corrupt",
    "wrong_kind",
    "changed",
    "duplicate",
    "contradiction",
    "near_duplicate",
    "leaking_identity",
    "leaking_donor",
    "leaking_footage",
]
KINDS: dict[Kind, str] = {
    "missing": "the file is not there",
    "corrupt": "the file cannot be decoded whole",
    "wrong_kind": "the file is of another kind than the manifest says",
    "changed": "the file's bytes are not those of the manifest's sha256",
    "duplicate": "the same bytes as another item with the same label",
    "contradiction": "the same bytes as an item with the other label",
    "near_duplicate": "nearly the same as an unrelated item of another label or split",
    "leaking_identity": "a person is in several splits",
    "leaking_donor": "a person is in one split, and in another as the donor of a swap",
    "leaking_footage": "a footage or sentence is in several splits",
}
PICTURE_BITS, SOUND_BITS = 18, 28
"""Of 256, up to which two items are near. On 500 pictures 99 % of copies (JPEG 30, half the size,
20 % brighter) differ by at most 18 and no two pictures by less than 44; on 223 recordings 95 % of
copies (MP3 at 32 kbit/s) differ by at most 25, half of the recordings from all others by 100."""

MOST_PAIRS = 1_000_000


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with some items of a manifest: their numbers and one sentence."""

    kind: Kind
    items: tuple[int, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What verifying found. `related` counts pairs that are nearly the same and are known to be
    related (a swap and its footage); `notes` are for the reader and no problems."""

    manifest: Manifest
    problems: tuple[Problem, ...]
    counts: tuple[Counted, ...]
    related: int = 0
    notes: tuple[str, ...] = ()
    seen: tuple[Seen, ...] = field(default=(), repr=False)

    @property
    def by_kind(self) -> dict[str, int]:
        """How many problems of each kind there are, the kinds without any left out."""
        found = Counter(problem.kind for problem in self.problems)
        return {kind: found[kind] for kind in KINDS if found[kind]}


def verify(manifest: Manifest, seen: Sequence[Seen]) -> Verified:
    """Compare what the manifest says with what was seen of its items."""
    records = manifest.records
    near, related, full = _near_duplicates(records, seen)
    problems = [
        *_unusable(records, seen),
        *_same_bytes(records, seen),
        *near,
        *_leaks(records),
    ]
    counts = tuple(counted(manifest))
    return Verified(
        manifest, tuple(problems), counts, related, (*full, *_notes(records, seen)), tuple(seen)
    )


def _unusable(records: Sequence[Record], seen: Sequence[Seen]) -> Iterator[Problem]:
    for i, (record, one) in enumerate(zip(records, seen, strict=True)):
        if one.missing:
            yield Problem("missing", (i,), f"{record.path} is not there")
        elif one.problem.startswith("wrong_kind"):
            yield Problem("wrong_kind", (i,), f"{record.path}: {one.problem}")
        elif one.problem:
            yield Problem("corrupt", (i,), f"{record.path}: {one.problem}")
        # Some sets' lists hold the first digits only.
        if one.sha256 and not one.sha256.startswith(record.sha256.lower()):
            text = f"{record.path} has the sha256 {one.sha256[:16]}, not {record.sha256[:16]}"
            yield Problem("changed", (i,), text)


def _same_bytes(records: Sequence[Record], seen: Sequence[Seen]) -> Iterator[Problem]:
    alike: dict[str, list[int]] = defaultdict(list)
    for i, one in enumerate(seen):
        if one.sha256:
            alike[one.sha256].append(i)
    for items in alike.values():
        if len(items) < 2:
            continue
        labels = {(records[i].label, records[i].eye) for i in items}
        kind: Kind = "contradiction" if len(labels) > 1 else "duplicate"
        yield Problem(kind, tuple(items), f"{_names(records, items)} are the same bytes")


def _near_duplicates(
    records: Sequence[Record], seen: Sequence[Seen]
) -> tuple[list[Problem], int, list[str]]:
    """Pairs across labels or splits, how many near pairs are known to be related, and what is to
    be said of them all."""
    groups = groups_of(records)
    found, related = [], 0
    pairs = list(itertools.islice(_near(seen), MOST_PAIRS))
    for i, j, bits in pairs:
        a, b = records[i], records[j]
        if seen[i].sha256 == seen[j].sha256 or _place(a) == _place(b):
            continue
        if groups[i] == groups[j]:
            related += 1
            continue
        text = f"{a.path} ({_place(a)}) and {b.path} ({_place(b)}) differ by {bits:.0f} of 256 bits"
        found.append(Problem("near_duplicate", (i, j), text))
    full = f"more than {MOST_PAIRS:,} pairs are nearly the same: the others were not looked at"
    return found, related, [full] if len(pairs) == MOST_PAIRS else []


def _place(record: Record) -> str:
    return " ".join(filter(None, (record.eye or record.label, record.split)))


def _near(seen: Sequence[Seen]) -> Iterator[tuple[int, int, float]]:
    yield from near_pairs([one.codes for one in seen], PICTURE_BITS)
    # Of videos the picture decides: dubbed ones share a picture, and swapped ones the sound.
    sounds = [(one.sound_code,) if not one.codes else () for one in seen]
    yield from near_pairs(sounds, SOUND_BITS)


def _leaks(records: Sequence[Record]) -> Iterator[Problem]:
    people = _by_split(records, lambda record: [record.identity])
    donors = _by_split(records, lambda record: [record.donor])
    footage = _by_split(records, lambda record: [record.source])
    for name, splits in people.items():
        if len(splits) > 1:
            yield _leak("leaking_identity", "person", name, splits)
    for name, splits in donors.items():
        own = people.get(name, {})
        both = {split: splits.get(split, []) + own.get(split, []) for split in {*splits, *own}}
        if len(both) > 1 and len(own) < 2:  # those in several splits themselves are told above
            yield _leak("leaking_donor", "person", name, both)
    for name, splits in footage.items():
        if len(splits) > 1:
            yield _leak("leaking_footage", "footage", name, splits)


Splits = dict[str, list[int]]


def _by_split(records: Sequence[Record], names: Any) -> dict[tuple[str, str], Splits]:
    """For each (set, name) the items of each split; items without a split leak nowhere."""
    found: dict[tuple[str, str], Splits] = {}
    for i, record in enumerate(records):
        for name in names(record):
            if name and record.split:
                found.setdefault((record.dataset, name), {}).setdefault(record.split, []).append(i)
    return found


def _leak(kind: Kind, what: str, name: tuple[str, str], splits: Splits) -> Problem:
    said = ", ".join(f"{len(items)} in {split}" for split, items in sorted(splits.items()))
    items = tuple(sorted(i for some in splits.values() for i in some))
    return Problem(kind, items, f"{what} {name[1]} of {name[0]}: {said}")


def _notes(records: Sequence[Record], seen: Sequence[Seen]) -> Iterator[str]:
    plain = sum(1 for one in seen if one.codes and not all(one.codes))
    if plain:
        yield f"{plain} items are too plain to be compared with others"
    quiet = sum(1 for one in seen if one.kind == "audio" and not one.sound_code)
    if quiet:
        yield f"{quiet} recordings are too short or too quiet to be compared with others"
    lonely = sum(1 for record in records if not (record.identity or record.source))
    if lonely:
        yield (
            f"{lonely} of {len(records)} items name neither a person nor a footage: that they "
            "leak cannot be seen from the manifest"
        )


def _names(records: Sequence[Record], items: Sequence[int]) -> str:
    shown = [records[i].path for i in items[:4]]
    more = len(items) - len(shown)
    return " = ".join(shown) + (f" and {more} more" if more else "")


def cleaned(verified: Verified, *, with_hashes: bool = False) -> Manifest:
    """The manifest without what must not be trained on or measured.

    Left out are missing, broken, changed and mistaken items, all of a contradiction, all but the
    first of doubled ones, and of two that are nearly the same the one in training, or both where
    their labels differ within a split. Leaks stay: `split` divides anew.
    """
    records = verified.manifest.records
    gone: set[int] = set()
    for problem in verified.problems:
        gone.update(_unwanted(problem, records))
    kept = [
        _hashed(record, one) if with_hashes else record
        for i, (record, one) in enumerate(zip(records, verified.seen, strict=True))
        if i not in gone
    ]
    made_by = f"{verified.manifest.made_by}; assay data verify left out {len(gone)} items"
    return verified.manifest.with_records(kept, made_by)


def _unwanted(problem: Problem, records: Sequence[Record]) -> tuple[int, ...]:
    if problem.kind in ("missing", "corrupt", "wrong_kind", "changed", "contradiction"):
        return problem.items
    if problem.kind == "duplicate":
        # The copy in the test split stays, so that nothing of it is left in training.
        order = sorted(problem.items, key=lambda i: (-_sealed(records[i]), i))
        return tuple(order[1:])
    if problem.kind == "near_duplicate":
        a, b = problem.items
        if records[a].split == records[b].split:
            return problem.items
        return (min(problem.items, key=lambda i: _sealed(records[i])),)
    return ()


def _sealed(record: Record) -> int:
    return ("train", "", "val", "test").index(record.split)


def _hashed(record: Record, seen: Seen) -> Record:
    from dataclasses import replace

    return replace(record, sha256=seen.sha256 or record.sha256)


def with_hashes(manifest: Manifest, seen: Sequence[Seen]) -> Manifest:
    """The same items, each with the sha256 of its bytes."""
    rows = [_hashed(record, one) for record, one in zip(manifest.records, seen, strict=True)]
    return manifest.with_records(rows, f"{manifest.made_by}; assay data verify --hash")


def as_json(verified: Verified, ignored: Sequence[str] = ()) -> dict[str, Any]:
    """For `assay data verify --json`."""
    records = verified.manifest.records
    return {
        "root": str(verified.manifest.root),
        "n_items": len(records),
        "clean": not [p for p in verified.problems if p.kind not in ignored],
        "problems_by_kind": verified.by_kind,
        "ignored": sorted(ignored),
        "problems": [
            {
                "kind": problem.kind,
                "paths": [records[i].path for i in problem.items],
                "text": problem.text,
            }
            for problem in verified.problems
        ],
        "counts": [_count_row(one) for one in verified.counts],
        "related_near_pairs": verified.related,
        "notes": list(verified.notes),
    }


def _count_row(one: Counted) -> Mapping[str, Any]:
    return {
        "dataset": one.dataset,
        "what": one.what,
        "published": one.published,
        "found": one.found,
        "as_published": one.as_published,
        "sure": one.sure,
    }
