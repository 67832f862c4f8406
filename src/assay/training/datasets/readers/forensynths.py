"""CNNDetection's ForenSynths and UnivFD's diffusion sets: 0_real and 1_fake by generator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from assay.training.datasets.readers import About, Reader
from assay.training.datasets.readers.nesting import join
from assay.training.datasets.readers.set_folder import PICTURES, SetFolder, in_order
from assay.training.datasets.records import Label, Notice, PublishedCount, Record, Split

LABELS: dict[str, Label] = {"0_real": "real", "1_fake": "fake"}
SPLITS: dict[str, Split] = {"train": "train", "val": "val", "test": "test"}
# The training set is of ProGAN alone, and its archive has the classes without that name above.
CLASSES = frozenset((
    "airplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa",
    "train", "tvmonitor",
))  # fmt: skip
_DEEPEST, _WIDEST = 4, 30


class ForenSynths(Reader):
    """`[train|val|test/]<generator>/[<class>/]{0_real,1_fake}/*.png`."""

    about = About(
        name="forensynths",
        title="ForenSynths (CNNDetection) and the diffusion sets of UnivFD",
        modalities=("image",),
        labels=("real", "fake"),
        splits=("train", "val", "test"),
        licence="CC BY-NC-SA 4.0 (CNNDetection); pictures have the terms of LSUN, ImageNet, COCO …",
        obtain="https://github.com/PeterWang512/CNNDetection#3-dataset; "
        "https://github.com/WisconsinAIVision/UniversalFakeDetect#data",
        paper="Wang, Wang, Zhang, Owens, Efros: CNN-generated images are surprisingly easy to "
        "spot... for now, CVPR 2020, arXiv:1912.11035; Ojha, Li, Lee, CVPR 2023, arXiv:2302.10174",
        bibtex="""@inproceedings{wang2020cnn,
  title={{CNN}-generated images are surprisingly easy to spot... for now},
  author={Wang, Sheng-Yu and Wang, Oliver and Zhang, Richard and Owens, Andrew and
          Efros, Alexei A.},
  booktitle={CVPR},
  year={2020}
}
@inproceedings{ojha2023fakedetect,
  title={Towards Universal Fake Image Detectors that Generalize Across Generative Models},
  author={Ojha, Utkarsh and Li, Yuheng and Lee, Yong Jae},
  booktitle={CVPR},
  year={2023}
}""",
        layout="""[train|val|test/]progan/airplane/{0_real,1_fake}/*.png   (with classes)
[test/]biggan/{0_real,1_fake}/*.png                      (without)
diffusion_datasets/{laion/0_real,ldm_200/1_fake}/*.png    (UnivFD: one side only)""",
        published=(
            PublishedCount(2_000, {"subset": "biggan", "label": "fake"}, sure=False),
            PublishedCount(5_000, {"subset": "gaugan", "label": "fake"}, sure=False),
            PublishedCount(6_382, {"subset": "crn", "label": "fake"}, sure=False),
            PublishedCount(180, {"subset": "seeingdark", "label": "fake"}, sure=False),
            PublishedCount(219, {"subset": "san", "label": "fake"}, sure=False),
            PublishedCount(1_000, {"subset": "ldm_200", "label": "fake"}),
            PublishedCount(1_000, {"subset": "dalle", "label": "fake"}),
        ),
        quirks=(
            "`subset` is the generator for genuine pictures, too, so that each generator can be "
            "scored against its own genuine ones, as the papers do.",
            "Training and validation pictures are all of ProGAN, in twenty classes; the class is "
            "in `note`. A folder called train may be the class or the split: it is the class "
            "where the labels lie directly in it and other classes beside it.",
            "UnivFD's diffusion sets share genuine pictures: the folders laion and imagenet have "
            "0_real only, the others 1_fake only.",
            "Genuine pictures of several generators can be the same ones; names do not tell.",
            "Genuine pictures are often JPEG in origin and forged ones are not: compress both "
            "alike before training.",
            "Not faces only: cars, cats, rooms. Nets that look for a face find none in most.",
        ),
    )

    def recognises(self, root: Path) -> bool:
        """A folder 0_real or 1_fake within four levels."""
        return next(_places(SetFolder(root), _WIDEST), None) is not None

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """See Reader."""
        folder = SetFolder(root)
        rows: list[Record] = []
        for place, name in _places(folder):
            split, generator, kind = _what(folder, place)
            rows += [
                Record(
                    dataset="forensynths",
                    path=path,
                    modality="image",
                    label=LABELS[name],
                    method=generator if name == "1_fake" else "",
                    split=split,
                    subset=generator,
                    note=f"class={kind}" if kind else "",
                )
                for path in folder.files(join(place, name), PICTURES, deep=True)
            ]
        yield from in_order(rows, [*folder.notices(), *_one_sided(rows)], self.about.layout)


def _places(folder: SetFolder, widest: int | None = None) -> Iterator[tuple[str, str]]:
    """(folder, label folder in it), from the root downwards; `widest`: folders looked into."""
    level = [""]
    for _ in range(_DEEPEST):
        below = []
        for place in level:
            names = folder.folders(place)
            yield from ((place, name) for name in names if name in LABELS)
            below += [join(place, name) for name in names[:widest] if name not in LABELS]
        level = below[:widest]


def _what(folder: SetFolder, place: str) -> tuple[Split, str, str]:
    """(split, generator, class) of the folder that holds the labels."""
    parts = place.split("/") if place else []
    kind = parts.pop() if parts and _is_class(folder, parts) else ""
    split: Split = next((SPLITS[part] for part in parts if part in SPLITS), "")
    named = [part for part in parts if part not in SPLITS]
    if not named and kind in CLASSES:
        return split, "progan", kind
    if not named:
        # The label folders lie at the top, or right below a split.
        return split, kind or folder.root.resolve().name, ""
    return split, named[-1], kind


def _is_class(folder: SetFolder, parts: list[str]) -> bool:
    """Whether the last part is a class: a known one with others beside it, or one below a
    generator that is no split."""
    up, last = "/".join(parts[:-1]), parts[-1]
    beside = [name for name in folder.folders(up) if name in CLASSES]
    if last in CLASSES and (last not in SPLITS or len(beside) > 1):
        return True
    above = [part for part in parts[:-1] if part not in (*SPLITS, *_TOPS)]
    return bool(above) and last not in SPLITS


_TOPS = ("dataset", "datasets", "diffusion_datasets", "CNN_synth_testset", "data")


def _one_sided(rows: list[Record]) -> Iterator[Notice]:
    sides: dict[str, set[str]] = {}
    for row in rows:
        sides.setdefault(row.subset, set()).add(row.label)
    alone = sorted(name for name, labels in sides.items() if len(labels) == 1)
    shown = ", ".join(alone[:10])
    yield Notice("one_label", f"generators have one label only ({shown})", len(alone))


READERS = (ForenSynths,)
