import csv
import hashlib
import io
import wave
from pathlib import Path

import numpy as np
import pytest

from assay.errors import ConfigError, DamagedMediaError
from assay.training.datasets.voice_clips import Clip
from assay.training.datasets.web_voices import (
    COLUMNS,
    main,
    make,
    read_sources,
    voiced_share,
)
from tests.training.datasets.test_voice_clips import RATE_HZ, babble
from tests.training.datasets.test_voice_files import deb

CONFIG = Path(__file__).parents[3] / "configs" / "web_voices.toml"
TABLE = """
[[set]]
name = "prompts"
file = "prompts_1.0_all.deb"
sha512 = "{sha512}"
licence = "CC0-1.0"
recorded = "by Ann and Bob: copyright file"
note = "English; prompt"
split = "train"

[[set.voice]]
speaker = "ann"
files = 'usr/ann/.*\\.wav'
leave_out = '.*beep.*'
note = "8 kHz"

[[set.voice]]
speaker = "hum"
files = 'usr/hum\\.raw'
raw_hz = 8000
turns_s = [[0.0, 3.0]]
speech = false
"""


def wav(samples: np.ndarray) -> bytes:
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((samples * 32767).clip(-32767, 32767).astype("<i2").tobytes())
    return data.getvalue()


def spoken(clip: Clip) -> float:
    return 1.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    members = {f"usr/ann/{n}.wav": wav(babble(1.0, seed=n)) for n in range(9)}
    members |= {"usr/ann/long.wav": wav(babble(9.0)), "usr/ann/beep.wav": wav(babble(5.0))}
    members |= {"usr/ann/empty.wav": b"", "usr/hum.raw": wav(babble(9.0))[44:]}
    data = deb(members)
    (tmp_path / "prompts_1.0_all.deb").write_bytes(data)
    table = TABLE.format(sha512=hashlib.sha512(data).hexdigest())
    (tmp_path / "voices.toml").write_text(table, encoding="utf-8")
    return tmp_path


def test_clips_and_their_rows(folder: Path) -> None:
    out = folder / "out"
    rows = make(read_sources(folder / "voices.toml"), folder, out, heard=spoken)
    with (out / "manifest.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.DictReader(file)) == rows
    assert all(tuple(row) == COLUMNS for row in rows)
    ann = [row for row in rows if row["identity"] == "ann"]
    (hum,) = (row for row in rows if row["identity"] == "hum")
    assert {row["source"].split(":")[0] for row in ann} == {"prompts_1.0_all.deb"}
    assert any(row["source"].endswith("usr/ann/long.wav") for row in ann)
    assert not any("beep" in row["source"] for row in rows)
    assert any("joined from" in row["note"] for row in ann)
    assert all("not speech" not in row["note"] for row in ann)
    assert hum["note"].startswith("not speech")
    assert {(row["label"], row["modality"], row["split"]) for row in rows} == {
        ("real", "audio", "train")
    }
    for row in rows:
        data = (out / row["path"]).read_bytes()
        assert hashlib.sha256(data).hexdigest()[:16] == row["sha256"]


def test_a_speaker_named_twice_overwrites_nothing(folder: Path) -> None:
    config = folder / "voices.toml"
    config.write_text(config.read_text().replace('"hum"', '"ann"'), encoding="utf-8")
    rows = make(read_sources(config), folder, folder / "out", heard=spoken)
    assert len({row["path"] for row in rows}) == len(rows)


def test_a_second_run_keeps_what_is_made(folder: Path) -> None:
    sources = read_sources(folder / "voices.toml")
    rows = make(sources, folder, folder / "out", heard=spoken)
    (folder / "prompts_1.0_all.deb").unlink()
    assert make(sources, folder, folder / "out", heard=spoken) == rows
    with pytest.raises(ConfigError, match="download"):
        make(sources, folder, folder / "other", heard=spoken)


def test_a_changed_set_is_made_anew(folder: Path) -> None:
    config = folder / "voices.toml"
    make(read_sources(config), folder, folder / "out", heard=spoken)
    config.write_text(config.read_text().replace('"train"', '"val"'), encoding="utf-8")
    rows = make(read_sources(config), folder, folder / "out", heard=spoken)
    assert {row["split"] for row in rows} == {"val"}


def test_a_package_that_differs_is_refused(folder: Path) -> None:
    with (folder / "prompts_1.0_all.deb").open("ab") as file:
        file.write(b"more")
    with pytest.raises(DamagedMediaError, match="not the published file"):
        make(read_sources(folder / "voices.toml"), folder, folder / "out", heard=spoken)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"prompts"', '"../prompts"'),
        ('"prompts_1.0_all.deb"', '"../prompts_1.0_all.deb"'),
        ('sha512 = "', 'sha512 = "0'),
        ('"train"', '"test"'),
        ('"CC0-1.0"', '""'),
        ("usr/ann/", "usr/(ann/"),
        ("[[set]]", "[[other]]"),
        ("raw_hz", "raw_herz"),
        ('speaker = "ann"', 'speaker = "../ann"'),
        ("raw_hz = 8000", 'raw_hz = 8000\nraw_format = "s24"'),
    ],
)
def test_a_configuration_that_cannot_be_used(folder: Path, old: str, new: str) -> None:
    config = folder / "voices.toml"
    config.write_text(config.read_text().replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError):
        read_sources(config)


def test_a_voice_without_files(folder: Path) -> None:
    config = folder / "voices.toml"
    config.write_text(config.read_text().replace("usr/ann/", "usr/eve/"), encoding="utf-8")
    with pytest.raises(ConfigError, match="holds no"):
        make(read_sources(config), folder, folder / "out", heard=spoken)


def test_sound_of_genuine_videos(folder: Path) -> None:
    videos = folder / "videos"
    videos.mkdir()
    (videos / "a.wav").write_bytes(wav(babble(9.0)))
    (videos / "mute.mp4").write_bytes(b"")
    lines = ["path,modality,label,method,identity,split,box,source,licence,note,sha256"]
    lines += ["a.wav,video,real,grid,s1,val,,web,CC-BY-4.0,,0"]
    lines += ["a.wav,video,fake,swap,s1,val,,web,CC-BY-4.0,,0"]
    lines += ["mute.mp4,video,real,grid,s2,val,,web,CC-BY-4.0,,0"]
    (videos / "manifest.csv").write_text("\n".join(lines), encoding="utf-8")
    rows = make([], folder, folder / "out", videos=videos)
    assert rows
    assert {(row["method"], row["identity"], row["split"]) for row in rows} == {
        ("video-grid", "s1", "val")
    }
    assert all((folder / "out" / row["path"]).is_file() for row in rows)


def test_where_nobody_speaks_there_is_no_voice(folder: Path) -> None:
    assert voiced_share(Clip(babble(4.0), RATE_HZ, "a", 1)) < 0.2
    with pytest.raises(ConfigError, match="no clip of ann"):
        make(read_sources(folder / "voices.toml"), folder, folder / "out")


def test_the_command_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = folder / "voices.toml"
    head, _, hum = config.read_text().split("[[set.voice]]")
    config.write_text(f"{head}[[set.voice]]{hum}", encoding="utf-8")
    main(["--config", str(config), "--packages", str(folder), "--out", str(folder / "out")])
    assert "1 clips, 0 speakers, 1 sets" in capsys.readouterr().out


def test_the_own_configuration() -> None:
    sources = read_sources(CONFIG)
    assert len({source.name for source in sources}) == len(sources)
    splits: dict[str, set[str]] = {}
    for source in sources:
        for voice in source.voices:
            splits.setdefault(voice.speaker, set()).add(source.split)
    assert all(len(found) == 1 for found in splits.values()), "a speaker is in both splits"
