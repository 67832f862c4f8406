"""UADFV: 49 videos from YouTube and their swaps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from assay.training.datasets.readers import About, Reader
from assay.training.datasets.readers.set_folder import SetFolder, in_order
from assay.training.datasets.records import Label, Notice, PublishedCount, Record

LAYOUT = "[fake_videos/]{real,fake}/: real/0000.mp4, fake/0000_fake.mp4"
_LABELS: tuple[Label, ...] = ("real", "fake")
_END = "_fake"


class Uadfv(Reader):
    """Each fake is named for its original."""

    about = About(
        name="uadfv",
        title="UADFV (Yang, Li and Lyu, ICASSP 2019)",
        modalities=("video", "frames"),
        labels=("real", "fake"),
        splits=(),
        licence="research only, on request",
        obtain="on request from the authors (University at Albany); DeepfakeBench links its form",
        paper="Yang, Li and Lyu, Exposing Deep Fakes Using Inconsistent Head Poses, ICASSP 2019, "
        "arXiv:1811.00661",
        layout=LAYOUT,
        bibtex="@inproceedings{yang2019exposing, title={Exposing Deep Fakes Using Inconsistent "
        "Head Poses}, author={Yang, Xin and Li, Yuezun and Lyu, Siwei}, booktitle={ICASSP}, "
        "year={2019}}",
        published=(
            PublishedCount(49, {"label": "real"}),
            PublishedCount(49, {"label": "fake"}),
        ),
        quirks=(
            "It has no split; some benchmarks list every video in train, val and test.",
            "98 videos: the interval of whatever is measured on them is wide.",
        ),
    )

    def recognises(self, root: Path) -> bool:
        """A folder fake/ with a file NNNN_fake beside a folder real/."""
        base = _base(SetFolder(root))
        named = any(
            path.stem.endswith(_END) and path.stem[:4].isdigit()
            for pattern in ("*.mp4", "frames/*", "videos/*")
            for path in (root / base / "fake").glob(pattern)
        )
        return named and (root / base / "real").is_dir()

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """See Reader."""
        tree = SetFolder(root)
        base = _base(tree)
        rows = [
            _record(path, modality, label)
            for label in _LABELS
            for path, modality in tree.videos(f"{base}/{label}" if base else label)
        ]
        yield from in_order(rows, tree.notices(), LAYOUT)


def _base(tree: SetFolder) -> str:
    return "fake_videos" if "fake" in tree.folders("fake_videos") else ""


def _record(path: str, modality: str, label: Label) -> Record:
    name = path.rsplit("/", 1)[-1]
    stem = name if modality == "frames" else name.rsplit(".", 1)[0]
    return Record(
        dataset="uadfv",
        path=path,
        modality="frames" if modality == "frames" else "video",
        label=label,
        method="FakeApp" if label == "fake" else "",
        source=stem.removesuffix(_END),
        visual_fake=label == "fake",
    )


READERS = (Uadfv,)
