"""Tiny trees of the sets of voices, in their exact layouts."""

from __future__ import annotations

from pathlib import Path

from .small_media import write_medium


def asvspoof2019(root: Path, *, media: bool = False) -> Path:
    """A bona fide and two spoofed utterances in each partition."""
    parts = (("train", "T", "train.trn"), ("dev", "D", "dev.trl"), ("eval", "E", "eval.trl"))
    for k, (part, letter, protocol) in enumerate(parts):
        lines = []
        for number, attack in enumerate(
            ("-", "A01" if k < 2 else "A07", "A04" if k < 2 else "A16")
        ):
            name = f"LA_{letter}_{1_000_000 + number}"
            flac = root / "LA" / f"ASVspoof2019_LA_{part}" / "flac" / f"{name}.flac"
            write_medium(flac, media=media, seed=3 * k + number)
            word = "bonafide" if attack == "-" else "spoof"
            lines.append(f"LA_00{k}{number} {name} - {attack} {word}")
        folder = root / "LA" / "ASVspoof2019_LA_cm_protocols"
        folder.mkdir(exist_ok=True)
        (folder / f"ASVspoof2019.LA.cm.{protocol}.txt").write_text("\n".join(lines) + "\n")
    (root / "LA" / "ASVspoof2019_LA_asv_protocols").mkdir()
    return root


def _write_keys(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def asvspoof2021_la(root: Path, *, media: bool = False) -> Path:
    """Four utterances in three phases."""
    lines = [
        "LA_0009 LA_E_9332881 alaw ita_tx A07 spoof notrim eval",
        "LA_0020 LA_E_6866159 g722 loc_tx bonafide bonafide notrim eval",
        "LA_0031 LA_E_5464494 none - A13 spoof notrim progress",
        "LA_0031 LA_E_5464495 none - - bonafide trim hidden",
    ]
    for k, line in enumerate(lines):
        name = f"{line.split()[1]}.flac"
        write_medium(root / "ASVspoof2021_LA_eval" / "flac" / name, media=media, seed=k)
    _write_keys(root / "keys/LA/CM/trial_metadata.txt", lines)
    return root


def asvspoof2021_df(root: Path, *, media: bool = False) -> Path:
    """Four utterances in two of the archive's parts."""
    lines = [
        "LA_0023 DF_E_2000011 nocodec asvspoof A14 spoof notrim progress traditional_vocoder "
        "- - - -",
        "TEF2 DF_E_2000013 low_m4a vcc2020 Task1-team20 spoof notrim eval "
        "neural_vocoder_nonautoregressive Task1 team20 FF E",
        "TGF1 DF_E_2000024 mp3m4a vcc2020 - bonafide notrim eval bonafide - - - -",
        "LA_0043 DF_E_2000026 mp3m4a asvspoof A09 spoof notrim eval traditional_vocoder - - - -",
    ]
    for k, line in enumerate(lines):
        top = root / f"ASVspoof2021_DF_eval_part0{k % 2}" / "ASVspoof2021_DF_eval" / "flac"
        write_medium(top / f"{line.split()[1]}.flac", media=media, seed=k)
    _write_keys(root / "DF-keys-full/keys/DF/CM/trial_metadata.txt", lines)
    return root


def asvspoof5(root: Path, *, media: bool = False) -> Path:
    """Utterances of the three partitions; one of eval in two codecs."""
    parts = {
        ("ASVspoof5.train.tsv", "flac_T"): [
            "T_0001 T_0000000000 F - - - AC3 A05 spoof -",
            "T_0002 T_0000000001 M - - - - bonafide bonafide -",
        ],
        ("ASVspoof5.dev.track_1.tsv", "flac_D"): [
            "D_0001 D_0000000000 F - - - AC1 A11 spoof -",
            "D_0002 D_0000000001 M - - - - bonafide bonafide -",
        ],
        ("ASVspoof5.eval.track_1.tsv", "flac_E_eval"): [
            "E_0001 E_0000000000 F - 0 - - bonafide bonafide -",
            "E_0001 E_0000000001 F C05 3 E_0000000000 - bonafide bonafide -",
            "E_0002 E_0000000002 M C01 1 E_0000000009 AC2 A18 spoof -",
        ],
    }
    for part, ((protocol, folder), lines) in enumerate(parts.items()):
        for k, line in enumerate(lines):
            flac = root / folder / f"{line.split()[1]}.flac"
            write_medium(flac, media=media, seed=3 * part + k)
        _write_keys(root / "ASVspoof5_protocols" / protocol, lines)
    return root


def wavefake(root: Path, *, media: bool = False) -> Path:
    """Two sentences by four vocoders, one of JSUT, text-to-speech, and the genuine ones."""
    names = {
        "ljspeech_melgan": "LJ001-000{}_gen.wav",
        "ljspeech_hifiGAN": "LJ001-000{}_generated.wav",
        "ljspeech_waveglow": "LJ001-000{}.wav",
        "jsut_parallel_wavegan": "BASIC5000_000{}_gen.wav",
        "common_voices_prompts_from_conformer_fastspeech2_pwg_ljspeech": "gen_{}.wav",
    }
    for k in (1, 2):
        for folder, name in names.items():
            path = root / "generated_audio" / folder / name.format(k)
            write_medium(path, media=media, seed=10 + k)
        write_medium(root / f"LJSpeech-1.1/wavs/LJ001-000{k}.wav", media=media, seed=k)
        write_medium(
            root / f"jsut_ver1.1/basic5000/wav/BASIC5000_000{k}.wav", media=media, seed=5 + k
        )
    return root


def in_the_wild(root: Path, *, media: bool = False) -> Path:
    """Two speakers, each forged and genuine."""
    lines = ["file,speaker,label"]
    labels = ("spoof", "spoof", "bona-fide", "bona-fide")
    for k, label in enumerate(labels):
        write_medium(root / "release_in_the_wild" / f"{k}.wav", media=media, seed=k)
        lines.append(f"{k}.wav,{('Alec Guinness', 'Barack Obama')[k % 2]},{label}")
    (root / "release_in_the_wild" / "meta.csv").write_text("\n".join(lines) + "\n")
    return root


MAKERS = {
    "asvspoof2019": asvspoof2019,
    "asvspoof2021_la": asvspoof2021_la,
    "asvspoof2021_df": asvspoof2021_df,
    "asvspoof5": asvspoof5,
    "wavefake": wavefake,
    "in_the_wild": in_the_wild,
}
