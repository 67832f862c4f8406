"""GenImage: a million pictures of eight generators against ImageNet (Zhu et al., NeurIPS 2023)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from assay.training.datasets.readers import About, Reader
from assay.training.datasets.readers.nesting import join
from assay.training.datasets.readers.set_folder import PICTURES, SetFolder, in_order
from assay.training.datasets.records import Label, Notice, PublishedCount, Record, Split

LABELS: dict[str, Label] = {"nature": "real", "ai": "fake"}
SPLITS: dict[str, Split] = {"train": "train", "val": "val"}
SUFFIXES = (*PICTURES, ".tif", ".tiff")
# Folders of the archives, as they are called inside.
GENERATORS = {
    "imagenet_midjourney": "midjourney",
    "imagenet_ai_0419_sdv4": "stable_diffusion_v_1_4",
    "imagenet_ai_0424_sdv5": "stable_diffusion_v_1_5",
    "imagenet_ai_0508_adm": "adm",
    "imagenet_glide": "glide",
    "imagenet_ai_0424_wukong": "wukong",
    "imagenet_ai_0419_vqdm": "vqdm",
    "imagenet_ai_0419_biggan": "biggan",
}
_IMAGENET = re.compile(r"(n\d{8}_\d+|ILSVRC2012_val_\d{8})", re.IGNORECASE)
_DEEPEST, _WIDEST = 4, 30


class GenImage(Reader):
    """`<generator>/[imagenet_ai_…/]{train,val}/{ai,nature}/`."""

    about = About(
        name="genimage",
        title="GenImage",
        modalities=("image",),
        labels=("real", "fake"),
        splits=("train", "val"),
        licence="CC BY-NC-SA 4.0, non-commercial; genuine pictures have ImageNet's terms",
        obtain="https://github.com/GenImage-Dataset/GenImage",
        paper="Zhu et al.: GenImage: A Million-Scale Benchmark for Detecting AI-Generated Image, "
        "NeurIPS 2023, arXiv:2306.08571",
        bibtex="""@inproceedings{zhu2023genimage,
  title={{GenImage}: A Million-Scale Benchmark for Detecting {AI}-Generated Image},
  author={Zhu, Mingjian and Chen, Hanting and Yan, Qiangyu and Huang, Xudong and Lin, Guanyu and
          Li, Wei and Tu, Zhijun and Hu, Hailin and Hu, Jie and Wang, Yunhe},
  booktitle={NeurIPS Datasets and Benchmarks},
  year={2023}
}""",
        layout="""BigGAN/imagenet_ai_0419_biggan/{train,val}/{ai,nature}/*
Midjourney/imagenet_midjourney/{train,val}/{ai,nature}/* …    (eight generators)""",
        published=(
            PublishedCount(1_350_000, {"label": "fake"}, sure=False),
            PublishedCount(1_331_167, {"label": "real"}, sure=False),
        ),
        quirks=(
            "Genuine pictures are JPEG and forged ones PNG: a detector that learns the format "
            "scores near 100 % (Grommelt et al., 2024, arXiv:2403.17608). Compress both alike; "
            "the notice `format_tells_label` says where the suffix alone gives the label.",
            "Size tells, too: each generator has one or few sizes, ImageNet has any.",
            "What the papers call the test set is the folder val; it is given as `val`, since "
            "there is no other.",
            "Genuine pictures are ImageNet's: `source` is ImageNet's name, so that one picture "
            "beside two generators is not divided.",
            "Few faces: nets that look for a face find none in most.",
        ),
    )

    def recognises(self, root: Path) -> bool:
        """train or val with ai and nature in it, within three levels."""
        return next(_places(SetFolder(root), _WIDEST), None) is not None

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """See Reader."""
        folder = SetFolder(root)
        rows = [
            _record(path, place, split, label, _generator(folder, place))
            for place, split in _places(folder)
            for label in LABELS
            for path in folder.files(join(place, split, label), SUFFIXES, deep=True)
        ]
        yield from in_order(rows, [*folder.notices(), *_formats(rows)], self.about.layout)


def _places(folder: SetFolder, widest: int | None = None) -> Iterator[tuple[str, str]]:
    """(folder of a generator, split in it) from the root downwards."""
    level = [""]
    for _ in range(_DEEPEST):
        below = []
        for place in level:
            names = folder.folders(place)
            found = [n for n in names if n in SPLITS and _is_split(folder, join(place, n))]
            yield from ((place, name) for name in found)
            below += [join(place, name) for name in names[:widest] if name not in found]
        level = below[:widest]


def _is_split(folder: SetFolder, place: str) -> bool:
    return set(LABELS) <= set(folder.folders(place))


def _generator(folder: SetFolder, place: str) -> str:
    parts = [part for part in place.split("/") if part] or [folder.root.resolve().name]
    known = (GENERATORS.get(part.lower(), "") for part in reversed(parts))
    return next((name for name in known if name), parts[-1].lower())


def _record(path: str, place: str, split: str, label: str, generator: str) -> Record:
    name = _IMAGENET.match(path.rsplit("/", 1)[-1])
    return Record(
        dataset="genimage",
        path=path,
        modality="image",
        label=LABELS[label],
        method=generator if label == "ai" else "",
        source=f"imagenet {name[1].lower()}" if name and label == "nature" else "",
        split=SPLITS[split],
        subset=generator,
    )


def _formats(rows: list[Record]) -> Iterator[Notice]:
    suffixes: dict[str, dict[str, set[str]]] = {}
    for row in rows:
        of_label = suffixes.setdefault(row.subset, {"real": set(), "fake": set()})
        of_label[row.label].add(row.path.rpartition(".")[2].lower().replace("jpeg", "jpg"))
    told = [
        name
        for name, found in sorted(suffixes.items())
        if found["real"] and found["fake"] and not found["real"] & found["fake"]
    ]
    shown = ", ".join(told)[:200]
    yield Notice(
        "format_tells_label",
        f"generators have another file format for forged than for genuine pictures ({shown}): "
        "compress both alike before training",
        len(told),
    )


READERS = (GenImage,)
