"""Make a folder of short talking clips that are forged for a moment only, beside genuine twins.

`python -m assay.training.datasets.spliced_clips configs/spliced_clips.toml --out cache/spliced`

Of each genuine stretch with sound: spans replaced in the sound (vocoded, or another sentence), in
the picture (another moment's mouth) or in both, and the whole sound moved in time or another's.
All clips of a stretch are face crops of one size at 25 frames a second, and each draw's genuine
twin and fakes pass the same encoder with the same settings, so that none of these tells the
label. No person stands on both sides of the split. A broken-off run goes on where it stopped;
manifest.parquet always lists what is there.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from assay.errors import AssayError, InputError
from assay.training.datasets.manifest_file import Manifest, write_manifest
from assay.training.datasets.records import FakeSpan, Record
from assay.training.datasets.spliced_clips_plan import (
    REAL,
    SHIFTED,
    SPANS,
    SWAPPED,
    Config,
    Product,
    Source,
    products,
    read_config,
    sources,
)
from assay.training.datasets.splicing import (
    Stretch,
    another_sound,
    moved_sound,
    read_stretch,
    replaced_mouth,
    replaced_sound,
)
from assay.training.forgeries.video_forgery import FaceSequence
from assay.training.progress import told
from assay.training.video_marks import Encoding, encode_video
from assay.types import FloatArray, Waveform

VERSION = 1
"""Goes up when the same configuration gives other clips; what was made before is made anew."""
MANIFEST = "manifest.parquet"
JOURNAL = "made.jsonl"


def make(config: Config, out: Path) -> Manifest:
    """Write the clips of all stretches; the manifest of the whole folder.

    What `out` holds already, made by the same settings, is kept. Prints why one is left out.
    """
    out.mkdir(parents=True, exist_ok=True)
    everything = sources(config)
    for source in told(everything, len(everything), "stretches"):
        known = _journal(out)
        missing = [
            p for p in products(source, config) if not _is_there(p, known.get(_key(p, config)), out)
        ]
        if not missing:
            continue
        try:
            _make_source(source, missing, everything, config, out)
        except AssayError as error:
            print(f"{source.stem} is left out: {error.as_text()}", file=sys.stderr)
        _write(everything, config, out)
    return _write(everything, config, out)


def _make_source(
    source: Source, missing: list[Product], everything: list[Source], config: Config, out: Path
) -> None:
    stretch = read_stretch(source, config, out / "stretches")
    others = [s for s in everything if s.split == source.split and s.identity != source.identity]
    for product in missing:
        try:
            record = _made(product, stretch, others, config, out)
        except InputError as error:
            print(f"{product.stem} is left out: {error.as_text()}", file=sys.stderr)
            continue
        line = {"key": _key(product, config), "record": _as_json(record)}
        with (out / JOURNAL).open("a", encoding="utf-8") as journal:
            journal.write(json.dumps(line) + "\n")


def _made(
    product: Product, stretch: Stretch, others: list[Source], config: Config, out: Path
) -> Record:
    """One clip, written; its record. Raises InputError where it cannot be made."""
    # The encoder's settings are the draw's, whatever the method.
    settings = np.random.default_rng([config.seed, product.source.code, product.draw])
    rng = np.random.default_rng([config.seed, product.code])
    encoding = Encoding(
        crf=int(settings.choice(config.crf)),
        preset="fast",
        key_every=int(settings.choice([25, 50, 250])),
        sound_bit_s=int(settings.choice(config.sound_bit_s)),
    )
    frames, sound, spans, note = _forged(product, stretch, others, config, out, rng)
    wave = Waveform(sound, config.sample_rate_hz, 0.0)
    data = encode_video(frames.rgb, frames.times_s, wave, encoding)
    path = out / f"{product.stem}.mp4"
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_bytes(data)
    os.replace(part, path)
    said = f"x264 crf {encoding.crf} key {encoding.key_every}, AAC {encoding.sound_bit_s} bit/s"
    return _record(product, spans, "; ".join(filter(None, [note, said])), data)


def _forged(
    product: Product,
    stretch: Stretch,
    others: list[Source],
    config: Config,
    out: Path,
    rng: np.random.Generator,
) -> tuple[FaceSequence, FloatArray, list[tuple[float, float]] | None, str]:
    """Frames, sound, the changed spans (None: all or nothing) and what was done."""
    frames, sound = stretch.frames, stretch.sound
    if product.method == REAL:
        return frames, sound, None, ""
    if product.method == SHIFTED:
        sound, note = moved_sound(stretch, config, rng)
        return frames, sound, None, note
    if product.method == SWAPPED or product.method not in SPANS:
        sound, note = another_sound(stretch, _lent(others, config, out, rng), config, rng)
        return frames, sound, None, note
    spans = draw_spans(len(frames) / config.fps, config, rng)
    notes = []
    if SPANS[product.method] != "visual":
        donor = _lent(others, config, out, rng)
        sound, said = replaced_sound(stretch, donor, spans, config, rng)
        notes.append(said)
    if SPANS[product.method] != "audio":
        frames, said = replaced_mouth(frames, spans, config, rng)
        notes.append(said)
    return frames, sound, spans, ", ".join(notes)


def draw_spans(
    length_s: float, config: Config, rng: np.random.Generator
) -> list[tuple[float, float]]:
    """One or two stretches of the clip, on whole frames, not nearer than a quarter second."""
    wanted = 1 if rng.random() < config.one_span_share else 2
    found: list[tuple[float, float]] = []
    for _ in range(50):
        if len(found) == wanted:
            break
        n = round(float(rng.uniform(*config.span_s)) * config.fps)
        last = round(length_s * config.fps) - n
        if last < 0:
            continue
        start = int(rng.integers(last + 1))
        span = (start / config.fps, (start + n) / config.fps)
        if all(span[1] + 0.25 <= a or b + 0.25 <= span[0] for a, b in found):
            found.append(span)
    if not found:
        raise InputError(f"No span of {config.span_s} s fits into {length_s:.2f} s.")
    return sorted(found)


def _lent(others: list[Source], config: Config, out: Path, rng: np.random.Generator) -> Stretch:
    """Another person's stretch of the same side of the split."""
    for number in rng.permutation(len(others)).tolist():
        try:
            return read_stretch(others[number], config, out / "stretches")
        except AssayError:
            continue
    raise InputError("There is no other person to borrow from.")


def _record(
    product: Product, spans: list[tuple[float, float]] | None, note: str, data: bytes
) -> Record:
    source = product.source
    what = SPANS.get(product.method, "both")
    real = product.method == REAL
    return Record(
        dataset="spliced_clips",
        path=f"{product.stem}.mp4",
        modality="video",
        label="real" if real else "fake",
        method="" if real else product.method,
        identity=source.identity,
        source=source.footage,
        split=source.split,
        visual_fake=not real and product.method in SPANS and what != "audio",
        audio_fake=not real and what != "visual",
        spans=None if spans is None else tuple(FakeSpan(a, b, what) for a, b in spans),
        licence=source.licence,
        note=note,
        sha256=hashlib.sha256(data).hexdigest()[:16],
        listed=True,
    )


def _key(product: Product, config: Config) -> str:
    known = [VERSION, product.stem, product.source.sha256, config.fingerprint]
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()[:20]


def _is_there(product: Product, known: Record | None, out: Path) -> bool:
    return known is not None and (out / known.path).is_file()


def _as_json(record: Record) -> dict[str, object]:
    from dataclasses import asdict

    return asdict(record)


def _journal(out: Path) -> dict[str, Record]:
    """What was made before, by key; a line that was cut off is passed over."""
    found: dict[str, Record] = {}
    path = out / JOURNAL
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            entry = json.loads(line)
            values = dict(entry["record"])
            spans = values.pop("spans")
            values.pop("part")
            kept = None if spans is None else tuple(FakeSpan(**span) for span in spans)
            found[entry["key"]] = Record(**values, spans=kept)
        except (ValueError, LookupError, TypeError, AssayError):
            continue
    return found


def _write(everything: list[Source], config: Config, out: Path) -> Manifest:
    known = _journal(out)
    keys = [_key(p, config) for source in everything for p in products(source, config)]
    records = [known[key] for key in keys if key in known and (out / known[key].path).is_file()]
    manifest = Manifest(
        root=out.absolute(),
        records=tuple(sorted(records, key=lambda record: record.path)),
        made_by="assay.training.datasets.spliced_clips",
    )
    write_manifest(manifest, out / MANIFEST)
    return manifest


def _summary(manifest: Manifest) -> Iterator[str]:
    counts = Counter((r.split, r.label, r.method or "genuine") for r in manifest.records)
    for (split, label, method), n in sorted(counts.items()):
        yield f"{n:6d}  {split:5s}  {label}  {method}"
    for split in sorted({r.split for r in manifest.records}):
        people = sorted({r.identity for r in manifest.records if r.split == split})
        yield f"{split}: {len(people)} people ({', '.join(people)})"


def main(arguments: list[str] | None = None) -> int:
    """The command line; the exit code of the error where there is one."""
    import cv2

    parser = argparse.ArgumentParser(prog="assay.training.datasets.spliced_clips")
    parser.add_argument("config", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    try:
        manifest = make(read_config(given.config), given.out)
    except AssayError as error:
        print(error.as_text(), file=sys.stderr)
        return error.exit_code
    print("\n".join(_summary(manifest)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
