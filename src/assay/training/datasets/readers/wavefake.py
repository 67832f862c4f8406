"""WaveFake: vocoders over LJSpeech and JSUT, text-to-speech (Frank, Schönherr, NeurIPS 2021)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from assay.training.datasets.readers import About, Reader
from assay.training.datasets.readers.nesting import join, started
from assay.training.datasets.readers.nesting import start_of as find_start
from assay.training.datasets.readers.set_folder import SetFolder, in_order
from assay.training.datasets.records import Notice, PublishedCount, Record

MADE = "generated_audio"
# folder: (vocoder, corpus)
FOLDERS = {
    "ljspeech_melgan": ("melgan", "ljspeech"),
    "ljspeech_melgan_large": ("melgan_large", "ljspeech"),
    "ljspeech_multi_band_melgan": ("multi_band_melgan", "ljspeech"),
    "ljspeech_full_band_melgan": ("full_band_melgan", "ljspeech"),
    "ljspeech_parallel_wavegan": ("parallel_wavegan", "ljspeech"),
    "ljspeech_hifiGAN": ("hifigan", "ljspeech"),
    "ljspeech_waveglow": ("waveglow", "ljspeech"),
    "jsut_multi_band_melgan": ("multi_band_melgan", "jsut"),
    "jsut_parallel_wavegan": ("parallel_wavegan", "jsut"),
    "common_voices_prompts_from_conformer_fastspeech2_pwg_ljspeech": (
        "conformer_fastspeech2_pwg",
        "common_voices",
    ),
}
# Genuine speech, one corpus each; the second is one of several folders of its corpus.
REALS = {"LJSpeech-1.1/wavs": "ljspeech", "jsut_ver1.1/basic5000/wav": "jsut"}
_MADE_SUFFIX = re.compile(r"_(gen|generated)$")
_SENTENCE = re.compile(r"(LJ\d{3}-\d{4}|BASIC5000_\d{4})")


class WaveFake(Reader):
    """`generated_audio/<corpus>_<vocoder>/*.wav` and the genuine corpora beside it."""

    about = About(
        name="wavefake",
        title="WaveFake",
        modalities=("audio",),
        labels=("real", "fake"),
        splits=(),
        licence="CC BY-SA 4.0 (not verified); LJSpeech is in the public domain, JSUT has its own",
        obtain="https://zenodo.org/records/5642694; genuine: "
        "https://keithito.com/LJ-Speech-Dataset and "
        "https://sites.google.com/site/shinnosuketakamichi/publication/jsut",
        paper="Frank, Schönherr: WaveFake: A Data Set to Facilitate Audio Deepfake Detection, "
        "NeurIPS Datasets and Benchmarks 2021, arXiv:2111.02813",
        bibtex="""@inproceedings{frank2021wavefake,
  title={{WaveFake}: A Data Set to Facilitate Audio Deepfake Detection},
  author={Frank, Joel and Sch{\\"o}nherr, Lea},
  booktitle={NeurIPS Datasets and Benchmarks},
  year={2021}
}""",
        layout="""generated_audio/{ljspeech_melgan,ljspeech_hifiGAN,jsut_parallel_wavegan,…}/*.wav
LJSpeech-1.1/wavs/LJ001-0001.wav
jsut_ver1.1/basic5000/wav/BASIC5000_0001.wav""",
        published=(
            PublishedCount(104_885, {"label": "fake"}),
            PublishedCount(13_100, {"label": "real", "subset": "ljspeech"}, sure=False),
            PublishedCount(5_000, {"label": "real", "subset": "jsut"}, sure=False),
        ),
        quirks=(
            "Genuine speech is not in the archive: put LJSpeech-1.1/ and jsut_ver1.1/ beside "
            "generated_audio/; a notice says where they are missing.",
            "The same sentence in genuine speech and by each vocoder is one `source`: a split by "
            "file would have every sentence on both sides.",
            "One voice a language (so is `identity` left empty: by person all were one group): "
            "what is learned may be the voice.",
            "Names differ: `_gen` for most, `_generated` for hifiGAN, none for waveglow.",
            "common_voices_… is text-to-speech of sentences that LJSpeech has not: no genuine "
            "twin and no `source`.",
            "`method` leaves the corpus out, so that leaving one vocoder out (the paper's "
            "protocol) leaves it out in both languages; the corpus is `subset`.",
            "Sampling rates differ by corpus; resample before anything is learned.",
        ),
    )

    def recognises(self, root: Path) -> bool:
        """The folder generated_audio, or two of those in it."""
        return find_start(SetFolder(root), _is_start) is not None

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """See Reader."""
        folder, start = started(root, _is_start, self.about.layout)
        top = join(start, MADE) if MADE in folder.folders(start) else start
        rows: list[Record] = []
        unknown = 0
        for name in folder.folders(top):
            vocoder, corpus = FOLDERS.get(name, ("", ""))
            unknown += not vocoder and top != start
            if vocoder:
                found = folder.files(join(top, name), (".wav",), deep=True)
                rows += [_record(path, vocoder, corpus) for path in found]
        for place, corpus in REALS.items():
            found = folder.files(join(start, place), (".wav",))
            rows += [_record(path, "", corpus) for path in found]
        notices = [
            *folder.notices(),
            Notice("unknown_folder", f"folders of {MADE} are of no known vocoder", unknown),
            *_without_genuine(rows),
        ]
        yield from in_order(rows, notices, self.about.layout)


def _is_start(folder: SetFolder, place: str) -> bool:
    there = set(folder.folders(place))
    known = set(FOLDERS)
    return len(there & known) > 1 or bool(known & set(folder.folders(join(place, MADE))))


def _without_genuine(rows: list[Record]) -> Iterator[Notice]:
    genuine = {row.subset for row in rows if row.label == "real"}
    for place, corpus in REALS.items():
        alone = sum(row.subset == corpus and row.label == "fake" for row in rows)
        if corpus not in genuine:
            yield Notice("no_genuine", f"forged recordings of {corpus} without {place}", alone)


def _record(path: str, vocoder: str, corpus: str) -> Record:
    stem = _MADE_SUFFIX.sub("", path.rsplit("/", 1)[-1].rpartition(".")[0])
    return Record(
        dataset="wavefake",
        path=path,
        modality="audio",
        label="fake" if vocoder else "real",
        method=vocoder,
        source=stem if _SENTENCE.fullmatch(stem) else "",
        subset=corpus,
        audio_fake=bool(vocoder),
    )


READERS = (WaveFake,)
