"""AV-Deepfake1M: a million videos of VoxCeleb2's people, with words replaced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from assay.errors import ConfigError
from assay.training.datasets.readers import About, Reader
from assay.training.datasets.readers.label_files import (
    field_of,
    inside,
    json_of,
    lines_of,
    spans_of,
)
from assay.training.datasets.readers.set_folder import VIDEOS, SetFolder, in_order
from assay.training.datasets.records import FakeSpan, Notice, PublishedCount, Record, Split, What

SPLITS: tuple[Split, ...] = ("train", "val")
TEST_LIST = "test_files.txt"
# (picture changed, sound changed) of each modify_type
TYPES = {
    "real": (False, False),
    "visual_modified": (True, False),
    "audio_modified": (False, True),
    "both_modified": (True, True),
}
LAYOUT = (
    "{train,val,test}/<person>/<video>/<NNNNN>/{real,…_video_…_audio}.mp4, "
    "{train,val}_metadata.json (or {train,val}_metadata/<person>/…/*.json), test_files.txt"
)


class AvDeepfake1M(Reader):
    """The lists of train and val name every video and its changed segments."""

    about = About(
        name="av_deepfake1m",
        title="AV-Deepfake1M (Cai et al., ACM MM 2024)",
        modalities=("video",),
        labels=("real", "fake"),
        splits=("train", "val"),
        licence="CC BY-NC 4.0, its terms and conditions and a signed EULA",
        obtain="https://github.com/ControlNet/AV-Deepfake1M (registration; also on Hugging Face)",
        paper="Cai et al., AV-Deepfake1M: A Large-Scale LLM-Driven Audio-Visual Deepfake Dataset, "
        "ACM Multimedia 2024, arXiv:2311.15308",
        layout=LAYOUT,
        bibtex="@inproceedings{cai2024avdeepfake1m, title={{AV-Deepfake1M}: A Large-Scale "
        "{LLM}-Driven Audio-Visual Deepfake Dataset}, author={Cai, Zhixi and Ghosh, Shreya and "
        "Adatia, Aman Pankaj and Hayat, Munawar and Dhall, Abhinav and Gedeon, Tom and Stefanov, "
        "Kalin}, booktitle={ACM Multimedia}, year={2024}}",
        published=(
            PublishedCount(746180, {"split": "train"}, sure=False),
            PublishedCount(57340, {"split": "val"}, sure=False),
        ),
        quirks=(
            "The test videos have no public labels: they are counted in a notice and are no "
            "records.",
            "For some thousand videos the list repeats the last segment in the side that was not "
            "changed. `modify_type` decides; the stray segments are dropped and counted.",
            "`file` is relative to its split's folder; in the per-video lists as well.",
            "People of VoxCeleb2: `identity` is the first folder, `source` the recording (its "
            "genuine and forged versions lie in one folder).",
            "Silence at the beginning tells genuine from forged videos almost alone (Smeu et al., "
            "CVPR 2025): trim it from both.",
        ),
    )

    def recognises(self, root: Path) -> bool:
        """The list of a split, in one file or as a folder."""
        return any(
            (root / f"{split}_metadata.json").is_file() or (root / f"{split}_metadata").is_dir()
            for split in SPLITS
        )

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """See Reader."""
        tree = SetFolder(root)
        rows: list[Record] = []
        stray = unlisted = 0
        for split in SPLITS:
            found, more = _of_split(tree, split)
            listed = {row.path for row in found}
            if listed:
                unlisted += sum(path not in listed for path in tree.files(split, VIDEOS, deep=True))
            rows += found
            stray += more
        tests = _tests(tree)
        notices = (
            Notice("no_labels", "test videos have no public labels and were left out", tests),
            Notice("stray_segments", "videos list segments of the side not modified", stray),
            Notice(
                "no_segments",
                "videos are modified and list no segment: where, is not told",
                sum(row.spans is None for row in rows),
            ),
            Notice("unlisted", "videos are in no list and were left out", unlisted),
        )
        yield from in_order(rows, (*tree.notices(), *notices), LAYOUT)


def _tests(tree: SetFolder) -> int:
    if tree.has(TEST_LIST):
        return sum(1 for _ in lines_of(tree.root / TEST_LIST))
    return len(tree.files("test", VIDEOS, deep=True))


def _of_split(tree: SetFolder, split: Split) -> tuple[list[Record], int]:
    """The records of a split, and how many of them list segments that cannot be theirs."""
    rows, stray = [], 0
    for entry, where in _entries(tree, split):
        record, odd = _record(entry, split, where)
        rows.append(record)
        stray += odd
    return rows, stray


def _entries(tree: SetFolder, split: Split) -> Iterator[tuple[Any, str]]:
    whole = tree.root / f"{split}_metadata.json"
    if whole.is_file():
        for number, entry in enumerate(json_of(whole, list), start=1):
            yield entry, f"{whole}, entry {number}"
        return
    for path in tree.files(f"{split}_metadata", (".json",), deep=True):
        yield json_of(tree.root / path, dict), str(tree.root / path)


def _record(entry: Any, split: Split, where: str) -> tuple[Record, bool]:
    name = inside(field_of(entry, "file", where), where)
    kind = str(field_of(entry, "modify_type", where)).replace("-", "_")
    if kind not in TYPES:
        raise ConfigError(f"{where}: {kind!r} is no modify_type ({', '.join(TYPES)}).")
    if entry.get("split", split) != split:
        raise ConfigError(f"{where}: {name} is of the split {entry['split']!r}.")
    visual, audio = TYPES[kind]
    spans, stray = _spans(entry, visual, audio, where)
    fake = visual or audio
    voice = entry.get("audio_model") or ""
    return Record(
        dataset="av_deepfake1m",
        path=f"{split}/{name}",
        modality="video",
        label="fake" if fake else "real",
        method=(str(voice) if audio and voice else "AV-Deepfake1M") if fake else "",
        identity=name.split("/")[0] if "/" in name else "",
        source=name.rpartition("/")[0] or name,
        split=split,
        subset=kind,
        visual_fake=visual,
        audio_fake=audio,
        # A fake without segments is fake somewhere, not nowhere.
        spans=spans if spans or not fake else None,
        listed=True,
    ), stray


def _spans(entry: Any, visual: bool, audio: bool, where: str) -> tuple[tuple[FakeSpan, ...], bool]:
    """The changed segments by what was changed, sorted, and whether some were of the other side."""
    if "visual_fake_segments" not in entry and "audio_fake_segments" not in entry:
        what: What = "both" if visual and audio else "visual" if visual else "audio"
        found = spans_of(field_of(entry, "fake_segments", where), what, where)
        return found if visual or audio else (), bool(found) and not (visual or audio)
    seen = spans_of(entry.get("visual_fake_segments") or [], "visual", where)
    heard = spans_of(entry.get("audio_fake_segments") or [], "audio", where)
    stray = bool(seen and not visual) or bool(heard and not audio)
    seen, heard = seen if visual else (), heard if audio else ()
    times = {(span.start_s, span.end_s) for span in seen}
    both = times & {(span.start_s, span.end_s) for span in heard}
    one = [span for span in (*seen, *heard) if (span.start_s, span.end_s) not in both]
    spans = [*one, *(FakeSpan(start, end, "both") for start, end in both)]
    return tuple(sorted(spans, key=lambda span: (span.start_s, span.end_s, span.what))), stray


READERS = (AvDeepfake1M,)
