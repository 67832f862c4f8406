"""Diverse Fake Face Dataset, with masks of the changed pixels (Dang et al., CVPR 2020)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from assay.training.datasets.readers import About, Reader
from assay.training.datasets.readers.nesting import join, named, started
from assay.training.datasets.readers.nesting import start_of as find_start
from assay.training.datasets.readers.set_folder import PICTURES, SetFolder, in_order
from assay.training.datasets.records import Label, Notice, PublishedCount, Record, Split

SPLITS: dict[str, Split] = {
    "train": "train", "validation": "val", "val": "val", "eval": "val", "test": "test",
}  # fmt: skip
REAL = ("ffhq", "celeba", "celeba_2w", "youtube")
FAKE = (
    "faceapp", "stargan", "pggan", "pggan_v1", "pggan_v2", "stylegan", "stylegan_celeba",
    "stylegan_ffhq", "deepfakes", "faceswap", "face2face",
)  # fmt: skip
LABELS: dict[str, Label] = {"Real": "real", "Fake": "fake"}
MASKS = ("mask", "masks")


class Dffd(Reader):
    """The code's layout `{split}/{Real,Fake,Mask}/` and the archives' `<source>/{split}/`."""

    about = About(
        name="dffd",
        title="Diverse Fake Face Dataset (DFFD)",
        modalities=("image",),
        labels=("real", "fake"),
        splits=("train", "val", "test"),
        licence="research only, by application; parts have the terms of FFHQ, CelebA and FF++",
        obtain="http://cvlab.cse.msu.edu/dffd-dataset.html (application form)",
        paper="Dang, Liu, Stehouwer, Liu, Jain: On the Detection of Digital Face Manipulation, "
        "CVPR 2020, arXiv:1910.01717",
        bibtex="""@inproceedings{dang2020detection,
  title={On the Detection of Digital Face Manipulation},
  author={Dang, Hao and Liu, Feng and Stehouwer, Joel and Liu, Xiaoming and Jain, Anil K.},
  booktitle={CVPR},
  year={2020}
}""",
        layout="""data/{train,validation,test}/{Real,Fake,Mask}/*.png     (the authors' code)
{ffhq,celeba,faceapp,stargan,pggan_v1,pggan_v2,stylegan_celeba,stylegan_ffhq}/
    {train,validation,test}/*.png                       (the archives)""",
        published=(
            PublishedCount(58_703, {"label": "real"}, sure=False),
            PublishedCount(240_336, {"label": "fake"}, sure=False),
        ),
        quirks=(
            "A mask has its picture's name in Mask/ instead of Fake/; genuine pictures have none "
            "(the authors' code takes 19 x 19 zeros for them).",
            "The code's layout tells no generator: `method` is read from the beginning of the "
            "file name where a known source stands there, else it is `unnamed`.",
            "How the archives lay out masks could not be verified: a folder `mask` or `masks` "
            "beside or below a split is taken for the masks of the pictures of the same name.",
            "Frames of FaceForensics++ (youtube, Deepfakes, FaceSwap, Face2Face) are not in the "
            "archives; users cut them by the authors' instructions. Published counts are still "
            "pictures.",
            "Genuine faces come from two sets, forged from seven: size and compression differ by "
            "source; look at `assay data stats` before training.",
        ),
    )

    def recognises(self, root: Path) -> bool:
        """`Real` and `Fake` so written below `validation`, or two of the archives' sources."""
        return find_start(SetFolder(root), _is_start) is not None

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """See Reader."""
        folder, start = started(root, _is_start, self.about.layout)
        masks: set[str] = set()
        rows = [
            *_of_code(folder, start, masks),
            *_of_archives(folder, start, masks),
        ]
        used = {row.mask for row in rows}
        bare = sum(1 for row in rows if row.label == "fake" and not row.mask)
        notices = [
            *folder.notices(),
            Notice("no_mask", "forged pictures have no mask", bare),
            Notice("mask_alone", "masks have no picture", len(masks - used)),
        ]
        yield from in_order(rows, notices, self.about.layout)


def _is_start(folder: SetFolder, place: str) -> bool:
    return _splits_of_code(folder, place) or len(_sources(folder, place)) > 1


def _splits_of_code(folder: SetFolder, place: str) -> bool:
    splits = [name for name in folder.folders(place) if name in SPLITS]
    # `Real` with a large letter: `real` is anybody's folder.
    return any({"Real", "Fake"} <= set(folder.folders(join(place, name))) for name in splits)


def _sources(folder: SetFolder, place: str) -> list[str]:
    return [
        name
        for name in folder.folders(place)
        if name.lower() in (*REAL, *FAKE)
        and any(below.lower() in SPLITS for below in folder.folders(join(place, name)))
    ]


def _of_code(folder: SetFolder, start: str, masks: set[str]) -> Iterator[Record]:
    for split in folder.folders(start):
        if split not in SPLITS or not _splits_of_code(folder, start):
            continue
        there = named(folder, join(start, split), "Mask") or ""
        own = folder.files(there, PICTURES, deep=True) if there else []
        masks.update(own)
        by_stem = {_stem(path.removeprefix(there)): path for path in own}
        for name, label in LABELS.items():
            top = join(start, split, name)
            for path in folder.files(top, PICTURES, deep=True):
                mask = by_stem.get(_stem(path.removeprefix(top)), "")
                source = _source_in_name(path)
                yield _record(path, label, split, source, mask)


def _of_archives(folder: SetFolder, start: str, masks: set[str]) -> Iterator[Record]:
    for source in _sources(folder, start):
        top = join(start, source)
        found = folder.files(top, PICTURES, deep=True)
        is_mask = {path: any(p.lower() in MASKS for p in path.split("/")[:-1]) for path in found}
        own = [path for path in found if is_mask[path]]
        masks.update(own)
        by_key = {_without_mask(path): path for path in own}
        for path in found:
            split = next((p for p in path.split("/")[:-1] if p.lower() in SPLITS), "")
            if is_mask[path] or not split:
                folder.counts["unknown_kind"] += not is_mask[path]
                continue
            label: Label = "real" if source.lower() in REAL else "fake"
            mask = by_key.get(_stem(path), "") if label == "fake" else ""
            yield _record(path, label, split, source.lower(), mask)


def _stem(path: str) -> str:
    return path.rpartition(".")[0]


def _without_mask(path: str) -> str:
    return "/".join(part for part in _stem(path).split("/") if part.lower() not in MASKS)


def _source_in_name(path: str) -> str:
    name = path.rsplit("/", 1)[-1].lower()
    known = sorted((*REAL, *FAKE), key=len, reverse=True)
    return next((source for source in known if name.startswith((f"{source}_", f"{source}-"))), "")


def _record(path: str, label: Label, split: str, source: str, mask: str) -> Record:
    return Record(
        dataset="dffd",
        path=path,
        modality="image",
        label=label,
        method=(source or "unnamed") if label == "fake" else "",
        subset=source,
        split=SPLITS[split.lower()],
        mask=mask if label == "fake" else "",
        visual_fake=label == "fake",
    )


READERS = (Dffd,)
