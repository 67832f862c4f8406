"""DeepfakeTIMIT (all fake) and VidTIMIT, whose recordings are the genuine side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from assay.training.datasets.readers import About, Choice, Reader
from assay.training.datasets.readers.set_folder import VIDEOS, SetFolder, in_order
from assay.training.datasets.records import Modality, Notice, PublishedCount, Record

QUALITIES = ("higher_quality", "lower_quality")
REALS = ("dftimitreal", "vidtimitreal", "real", "VidTIMIT", "vidtimit")
_BETWEEN = "-video-"
LAYOUT = (
    "[DeepfakeTIMIT/]{lower_quality,higher_quality}/<person>/<sentence>-video-<other>.avi and, for "
    "the genuine side, {dftimitreal,VidTIMIT,real}/<person>/ with <sentence>.avi or "
    "video/<sentence>/001, 002 …"
)


class DeepfakeTimit(Reader):
    """320 swaps in two qualities, and the recordings of VidTIMIT that they were made from."""

    about = About(
        name="deepfake_timit",
        title="DeepfakeTIMIT (Korshunov and Marcel, 2018) with VidTIMIT (Sanderson and Lovell)",
        modalities=("video", "frames"),
        labels=("real", "fake"),
        splits=(),
        licence="research only (Idiap's end user licence); VidTIMIT: research, see its page",
        obtain="https://www.idiap.ch/en/dataset/deepfaketimit (Zenodo 4068245) and, for the "
        "genuine side, https://conradsanderson.id.au/vidtimit/",
        paper="Korshunov and Marcel, DeepFakes: a New Threat to Face Recognition? Assessment and "
        "Detection, 2018, arXiv:1812.08685",
        layout=LAYOUT,
        bibtex="@article{korshunov2018deepfakes, title={{DeepFakes}: a New Threat to Face "
        "Recognition? Assessment and Detection}, author={Korshunov, Pavel and Marcel, "
        "S{\\'e}bastien}, journal={arXiv:1812.08685}, year={2018}}\n"
        "@inproceedings{sanderson2009multiregion, title={Multi-Region Probabilistic Histograms "
        "for Robust and Scalable Identity Inference}, author={Sanderson, Conrad and Lovell, Brian "
        "C.}, booktitle={Advances in Biometrics}, year={2009}}",
        published=(
            PublishedCount(320, {"label": "fake", "subset": "higher_quality"}),
            PublishedCount(320, {"label": "fake", "subset": "lower_quality"}),
            PublishedCount(320, {"label": "real"}),
        ),
        choices={
            "quality": Choice(
                ("all", *QUALITIES), "the size of the swapped face: 128 pixels or 64"
            ),
            "reals": Choice(
                ("matching", "all"),
                "matching: the recordings that the fakes were made from; all: every one of "
                "VidTIMIT, its 43 people and head movements",
            ),
        },
        quirks=(
            "DeepfakeTIMIT holds no genuine video. Without VidTIMIT beside it all is fake, and "
            "that is said.",
            "VidTIMIT comes as folders of JPEG files without a suffix (001, 002 …, 25 a second), "
            "read as `frames`. Where they were joined into videos, the videos are taken.",
            "Genuine JPEG frames against fake MPEG-4 videos: the codec is the label unless both "
            "are encoded alike.",
            "The sound of the fakes is the genuine recording; the .wav files beside them are no "
            "items.",
            "<person>/<sentence>-video-<other> is the person's footage with the other's face: "
            "`identity` the person, `donor` the other. People are swapped in 16 pairs.",
            "Both qualities show the same footage: `source` ties them.",
        ),
    )

    def recognises(self, root: Path) -> bool:
        """One of the folders of a quality, with a person in it."""
        base = root / _base(SetFolder(root))
        return any(
            _BETWEEN in path.name
            for name in QUALITIES
            for path in (base / name).glob("*/*-video-*")
        )

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """See Reader."""
        tree = SetFolder(root)
        base = _base(tree)
        fakes, strange = _fakes(tree, base)
        made_from = {(row.identity, row.source) for row in fakes}
        reals = list(_reals(tree, base))
        if choices["reals"] == "matching":
            reals = [row for row in reals if (row.identity, row.source) in made_from]
        wanted = [row for row in fakes if choices["quality"] in ("all", row.subset)]
        notices = [Notice("unknown_name", f"videos have no {_BETWEEN!r} in their name", strange)]
        if not reals:
            text = "VidTIMIT is not there: nothing is genuine"
            notices.append(Notice("no_reals", text))
        rows = wanted + reals if wanted else []
        yield from in_order(rows, (*tree.notices(), *notices), LAYOUT)


def _base(tree: SetFolder) -> str:
    there = set(tree.folders()) & set(QUALITIES)
    return "" if there else "DeepfakeTIMIT"


def _join(*parts: str) -> str:
    return "/".join(part for part in parts if part)


def _fakes(tree: SetFolder, base: str) -> tuple[list[Record], int]:
    found, strange = [], 0
    for quality in QUALITIES:
        folder = _join(base, quality)
        for person in tree.folders(folder):
            for path in tree.files(f"{folder}/{person}", VIDEOS):
                stem = path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
                sentence, between, other = stem.partition(_BETWEEN)
                strange += not between
                if between:
                    row = _record(path, "video", person, sentence, quality, donor=other)
                    found.append(row)
    return found, strange


def _reals(tree: SetFolder, base: str) -> Iterator[Record]:
    """The recordings: joined videos, or else folders of pictures."""
    for name in REALS:
        for top in sorted({_join(base, name), name}):
            for person in tree.folders(top):
                yield from _of_person(tree, f"{top}/{person}", person)


def _of_person(tree: SetFolder, folder: str, person: str) -> Iterator[Record]:
    joined: dict[str, str] = {}
    for path in [*tree.files(folder, VIDEOS), *tree.files(f"{folder}/video", VIDEOS)]:
        stem = path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
        joined.setdefault(stem.partition(_BETWEEN)[0], path)
    for sentence, path in joined.items():
        yield _record(path, "video", person, sentence, "")
    for sentence in tree.folders(f"{folder}/video"):
        if sentence in joined:
            tree.counts["two_layouts"] += 1
        else:
            tree.counts["frames"] += 1
            yield _record(f"{folder}/video/{sentence}", "frames", person, sentence, "")


def _record(
    path: str, modality: Modality, person: str, sentence: str, quality: str, donor: str = ""
) -> Record:
    fake = bool(quality)
    return Record(
        dataset="deepfake_timit",
        path=path,
        modality=modality,
        label="fake" if fake else "real",
        method="faceswap-GAN" if fake else "",
        identity=person,
        donor=donor,
        source=f"{person} {sentence}",
        subset=quality or "VidTIMIT",
        visual_fake=fake,
        audio_fake=False,
    )


READERS = (DeepfakeTimit,)
