"""LAV-DF: talking people, in whose recordings a word or two was replaced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from assay.errors import ConfigError
from assay.training.datasets.readers import About, Reader
from assay.training.datasets.readers.label_files import field_of, inside, json_of, spans_of
from assay.training.datasets.readers.set_folder import VIDEOS, SetFolder, in_order
from assay.training.datasets.records import Notice, PublishedCount, Record, Split, What

LISTS = ("metadata.min.json", "metadata.json")
_SPLITS: dict[str, Split] = {"train": "train", "dev": "val", "test": "test"}
LAYOUT = "{train,dev,test}/NNNNNN.mp4 and metadata.min.json or metadata.json"


class LavDf(Reader):
    """Every video is in the list, with the periods that were changed."""

    about = About(
        name="lav_df",
        title="LAV-DF (Cai et al., DICTA 2022)",
        modalities=("video",),
        labels=("real", "fake"),
        splits=("train", "val", "test"),
        licence="CC BY-NC 4.0 and its terms and conditions",
        obtain="https://github.com/ControlNet/LAV-DF (terms to agree to; also on Hugging Face)",
        paper="Cai et al., Do You Really Mean That? Content Driven Audio-Visual Deepfake Dataset "
        "and Multimodal Method for Temporal Forgery Localization, DICTA 2022, arXiv:2204.06228",
        layout=LAYOUT,
        bibtex="@inproceedings{cai2022you, title={Do You Really Mean That? Content Driven "
        "Audio-Visual Deepfake Dataset and Multimodal Method for Temporal Forgery Localization}, "
        "author={Cai, Zhixi and Stefanov, Kalin and Dhall, Abhinav and Hayat, Munawar}, "
        "booktitle={DICTA}, year={2022}, doi={10.1109/DICTA56598.2022.10034605}}",
        published=(
            PublishedCount(36431, {"label": "real"}),
            PublishedCount(99873, {"label": "fake"}),
            PublishedCount(78703, {"split": "train"}),
            PublishedCount(31501, {"split": "val"}),
            PublishedCount(26100, {"split": "test"}),
        ),
        quirks=(
            "metadata.min.json is read where both lists are there: they say the same of labels.",
            "A fake is genuine but for `spans`, a word or two: a detector that averages over a "
            "video sees little of it.",
            "`modify_video` and `modify_audio` become visual_fake and audio_fake; the periods are "
            "those of what was modified.",
            "Its `dev` is `val` here. Nobody is named: `source` is the original video.",
        ),
    )

    def recognises(self, root: Path) -> bool:
        """One of the lists beside the folder of a split."""
        folders = any((root / name).is_dir() for name in _SPLITS)
        return folders and any((root / name).is_file() for name in LISTS)

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """See Reader."""
        tree = SetFolder(root)
        name = next((name for name in LISTS if tree.has(name)), None)
        if name is None:
            raise ConfigError(f"{root / LISTS[0]} is not there.", remedy=f"Expected: {LAYOUT}")
        entries = json_of(root / name, list)
        rows = [_record(entry, f"{root / name}, entry {n}") for n, entry in enumerate(entries, 1)]
        listed = {row.path for row in rows}
        there = [path for folder in _SPLITS for path in tree.files(folder, VIDEOS)]
        n = sum(path not in listed for path in there)
        said = Notice("unlisted", f"videos are not in {name} and were left out", n)
        yield from in_order(rows, (*tree.notices(), said), LAYOUT)


def _flag(entry: Any, name: str, where: str) -> bool:
    value = field_of(entry, name, where)
    if not isinstance(value, bool):
        raise ConfigError(f"{where}: {name} is {value!r}, neither true nor false.")
    return value


def _record(entry: Any, where: str) -> Record:
    path = inside(field_of(entry, "file", where), where)
    visual, audio = _flag(entry, "modify_video", where), _flag(entry, "modify_audio", where)
    what: What = "both" if visual and audio else "visual" if visual else "audio"
    spans = spans_of(field_of(entry, "fake_periods", where), what, where)
    fake = visual or audio
    if fake != bool(spans) or entry.get("n_fakes", len(spans)) != len(spans):
        raise ConfigError(
            f"{where}: {path} has {entry.get('n_fakes')} fakes, {len(spans)} periods, "
            f"modify_video {visual} and modify_audio {audio}, which do not agree."
        )
    split = field_of(entry, "split", where)
    if split not in _SPLITS or path.split("/")[0] not in (split, path):
        raise ConfigError(f"{where}: {path} in the split {split!r}.")
    original = entry.get("original")
    return Record(
        dataset="lav_df",
        path=path,
        modality="video",
        label="fake" if fake else "real",
        method="LAV-DF" if fake else "",
        source=inside(original, where) if original else path,
        split=_SPLITS[split],
        subset=what if fake else "real",
        visual_fake=visual,
        audio_fake=audio,
        spans=spans,
        listed=True,
    )


READERS = (LavDf,)
