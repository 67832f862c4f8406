"""DFDC preview (DFDCP): two methods, with people, sources and a split in dataset.json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from assay.errors import ConfigError
from assay.training.datasets.readers import About, Reader
from assay.training.datasets.readers.label_files import field_of, inside, json_of
from assay.training.datasets.readers.set_folder import VIDEOS, SetFolder, in_order
from assay.training.datasets.records import Label, Notice, PublishedCount, Record, Split

LIST = "dataset.json"
REALS, FAKES = "original_videos", ("method_A", "method_B")
_LABELS: dict[str, Label] = {"real": "real", "fake": "fake"}
_SPLITS: dict[str, Split] = {"train": "train", "test": "test"}
LAYOUT = (
    "dataset.json, original_videos/<person>/<person>_A_001.mp4, {method_A,method_B}/<person>/"
    "<person>_C/<other>_<person>_C_001.mp4"
)


class DfdcPreview(Reader):
    """The label file names every video, so nothing is found that it does not name."""

    about = About(
        name="dfdc_preview",
        title="DFDC preview (Dolhansky et al., 2019)",
        modalities=("video",),
        labels=("real", "fake"),
        splits=("train", "test"),
        licence="the DFDC data set licence: research, no redistribution (see ai.meta.com)",
        obtain="https://ai.meta.com/datasets/dfdc/ (preview)",
        paper="Dolhansky et al., The Deepfake Detection Challenge (DFDC) Preview Dataset, 2019, "
        "arXiv:1910.08854",
        layout=LAYOUT,
        bibtex="@article{dolhansky2019preview, title={The Deepfake Detection Challenge ({DFDC}) "
        "Preview Dataset}, author={Dolhansky, Brian and Howes, Russ and Pflaum, Ben and Baram, "
        "Nicole and Ferrer, Cristian Canton}, journal={arXiv:1910.08854}, year={2019}}",
        published=(
            PublishedCount(1131, {"label": "real"}, sure=False),
            PublishedCount(4113, {"label": "fake"}, sure=False),
        ),
        quirks=(
            "It has train and test, no val; some benchmarks use the test videos as val.",
            "`identity` is target_id (whose footage it is), `donor` swapped_id, `source` the "
            "original recording.",
            "`subset` names the augmentation that a test video got, where it got one.",
        ),
    )

    def recognises(self, root: Path) -> bool:
        """dataset.json beside the originals or a method."""
        there = any((root / name).is_dir() for name in (REALS, *FAKES))
        return there and (root / LIST).is_file()

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """See Reader."""
        tree = SetFolder(root)
        if not tree.has(LIST):
            raise ConfigError(f"{root / LIST} is not there.", remedy=f"Expected: {LAYOUT}")
        rows = [_record(root / LIST, *entry) for entry in json_of(root / LIST, dict).items()]
        listed = {row.path for row in rows}
        there = [path for top in (REALS, *FAKES) for path in tree.files(top, VIDEOS, deep=True)]
        said = Notice(
            "unlisted",
            f"videos are not in {LIST} and were left out",
            sum(path not in listed for path in there),
        )
        yield from in_order(rows, (*tree.notices(), said), LAYOUT)


def _record(path: Path, name: str, entry: Any) -> Record:
    where = f"{path}, {name!r}"
    video = inside(name, where)
    label = _LABELS.get(str(field_of(entry, "label", where)).strip().lower())
    split = _SPLITS.get(str(field_of(entry, "set", where)).strip().lower())
    if label is None or split is None:
        said = f"{entry['label']!r} in {entry['set']!r}"
        raise ConfigError(f"{where}: {said} is no label real or fake in a set train or test.")
    top = video.split("/")[0]
    if (top == REALS) != (label == "real") or top not in (REALS, *FAKES):
        raise ConfigError(f"{where}: the label is {label!r}; the folder {top!r} says otherwise.")
    fake = label == "fake"
    take = video.rsplit("/", 1)[-1].rsplit(".", 1)[0].rsplit("_", 1)[0]
    changes = entry.get("augmentations") or []
    return Record(
        dataset="dfdc_preview",
        path=video,
        modality="video",
        label=label,
        method=top if fake else "",
        identity=_text(entry.get("target_id")) or (take.split("_")[0] if not fake else ""),
        donor=_text(entry.get("swapped_id")) if fake else "",
        source=_text(entry.get("source_video")) or take,
        split=split,
        subset="+".join(str(change) for change in changes) if isinstance(changes, list) else "",
        visual_fake=fake,
        listed=True,
    )


def _text(value: object) -> str:
    return "" if value is None else str(value).rsplit("/", 1)[-1].removesuffix(".mp4")


READERS = (DfdcPreview,)
