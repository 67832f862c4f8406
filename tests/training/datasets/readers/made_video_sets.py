"""Tiny trees of the sets of video, and of video with sound, each with its known traps."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from pathlib import Path
from typing import Any

from .small_media import write_medium

FF_METHODS = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures", "FaceShifter")
FF_SPLITS = {"train": [["000", "003"]], "val": [["001", "870"]], "test": [["002", "004"]]}


def put(root: Path, *names: str, media: bool = False) -> None:
    """Files of these names; each picture and tone differs."""
    for name in names:
        seed = int(hashlib.sha256(name.encode()).hexdigest()[:6], 16)
        write_medium(root / name, media=media, seed=seed)


def put_text(root: Path, name: str, text: str) -> None:
    """A label file."""
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(text.encode())


def put_json(root: Path, name: str, value: Any) -> None:
    """A label file."""
    put_text(root, name, json.dumps(value))


def faceforensics_plus_plus(root: Path, *, media: bool = False) -> Path:
    """Three pairs, one in each split, by five methods; c23, one video in c40 and one in c0, masks
    for all methods but FaceShifter, two actors and their swap."""
    pairs = [pair for split in FF_SPLITS.values() for pair in split]
    for number in sorted(number for pair in pairs for number in pair):
        put(root, f"original_sequences/youtube/c23/videos/{number}.mp4", media=media)
    put(root, "original_sequences/youtube/c40/videos/000.mp4", media=media)
    put(root, "original_sequences/youtube/c0/videos/000.mp4", media=media)
    for method in FF_METHODS:
        for one, two in pairs:
            for name in (f"{one}_{two}", f"{two}_{one}"):
                folder = f"manipulated_sequences/{method}"
                put(root, f"{folder}/c23/videos/{name}.mp4", media=media)
                if method != "FaceShifter":
                    put(root, f"{folder}/masks/videos/{name}.mp4", media=media)
    for split, listed in FF_SPLITS.items():
        put_json(root, f"splits/{split}.json", listed)
    return dfd(root, media=media)


def faceforensics_frames(root: Path, *, media: bool = False) -> Path:
    """Videos cut to pictures, and no split files, as after a common preparation."""
    for number in ("000", "003"):
        put(root, f"original_sequences/youtube/c23/frames/{number}/0000.png", media=media)
    put(root, "manipulated_sequences/Deepfakes/c23/frames/000_003/0000.png", media=media)
    return root


def faceforensics_flat(root: Path, *, media: bool = False) -> Path:
    """A copy that goes round: one folder for each method, the compression in its name."""
    base = root / "FaceForensics++_C23"
    put(base, "original/000.mp4", "original/003.mp4", media=media)
    put(base, *(f"{method}/000_003.mp4" for method in FF_METHODS), media=media)
    put(base, "DeepFakeDetection/01_02__exit_phone_room__YVGY8LOK.mp4", media=media)
    return base


def faceforensics_old(root: Path, *, media: bool = False) -> Path:
    """Two kinds; a video, its altered version and its mask share 14 signs."""
    for kind, split, video in (
        ("selfreenactment", "train", "AbCdEfGhIjK_1_"),
        ("selfreenactment", "test", "-_012345678_2_"),
        ("source_to_target", "val", "ZZZZZZZZZZZ_1_"),
    ):
        for folder in ("original", "altered", "mask"):
            put(root, f"{kind}/{split}/{folder}/{video}{folder[0]}.avi", media=media)
    return root


def dfd(root: Path, *, media: bool = False) -> Path:
    """Two actors in two scenes; one swap of each."""
    real, fake = "original_sequences/actors", "manipulated_sequences/DeepFakeDetection"
    for actor, other, scene, take in (
        ("01", "02", "exit_phone_room", "YVGY8LOK"),
        ("02", "01", "walking_outside_cafe_disgusted", "0XUW13RW"),
    ):
        put(root, f"{real}/c23/videos/{actor}__{scene}.mp4", media=media)
        put(root, f"{fake}/c23/videos/{actor}_{other}__{scene}__{take}.mp4", media=media)
        put(root, f"{fake}/masks/videos/{actor}_{other}__{scene}__{take}.mp4", media=media)
    return root


def dfd_flat(root: Path, *, media: bool = False) -> Path:
    """A copy that goes round, its fakes in a folder within a folder of the same name."""
    put(root, "DFD_original sequences/01__exit_phone_room.mp4", media=media)
    inner = "DFD_manipulated_sequences/DFD_manipulated_sequences"
    put(root, f"{inner}/01_02__exit_phone_room__YVGY8LOK.mp4", media=media)
    return root


def celeb_df(root: Path, name: str, *, media: bool = False, ending: str = "\n") -> Path:
    """Three celebrities; the list names two genuine and one fake, one of them not there."""
    base = root / name
    put(base, "Celeb-real/id0_0000.mp4", "Celeb-real/id0_0001.mp4", media=media)
    put(base, "Celeb-real/id1_0000.mp4", "YouTube-real/00000.mp4", media=media)
    put(base, "Celeb-synthesis/id0_id1_0000.mp4", media=media)
    put(base, "Celeb-synthesis/id1_id0_0000.mp4", media=media)
    lines = ("1 YouTube-real/00170.mp4", "1 Celeb-real/id1_0000.mp4")
    listed = (*lines, "0 Celeb-synthesis/id1_id0_0000.mp4")
    put_text(base, "List_of_testing_videos.txt", ending.join(listed) + ending)
    return base


def celeb_df_v1(root: Path, *, media: bool = False) -> Path:
    """v1 has the layout of v2; its folder's name tells it."""
    return celeb_df(root, "Celeb-DF-v1", media=media)


def celeb_df_v2(root: Path, *, media: bool = False) -> Path:
    return celeb_df(root, "Celeb-DF-v2", media=media)


def celeb_df_v2_crlf(root: Path, *, media: bool = False) -> Path:
    """The list with the line endings of Windows."""
    return celeb_df(root, "Celeb-DF", media=media, ending="\r\n")


def celeb_df_pp(root: Path, *, media: bool = False) -> Path:
    """Three scenarios of one method each."""
    put(root, "Celeb-real/id0_0000.mp4", "Celeb-real/id1_0000.mp4", media=media)
    put(root, "YouTube-real/00000.mp4", media=media)
    fakes = (
        "Celeb-synthesis/FaceSwap/Celeb-DF/id0_id1_0000.mp4",
        "Celeb-synthesis/FaceSwap/SimSwap/id0_id1_0000.mp4",
        "Celeb-synthesis/FaceReenact/LivePortrait/id1_id0_0000.mp4",
        "Celeb-synthesis/TalkingFace/SadTalker/id1_0000_audio.mp4",
    )
    put(root, *fakes, media=media)
    listed = ["1 Celeb-real/id1_0000.mp4", f"0 {fakes[1]}", f"0 {fakes[2]}"]
    put_text(root, "List_of_testing_videos.txt", "\n".join(listed))
    return root


def dfdc(root: Path, *, media: bool = False) -> Path:
    """Three parts, two labelled test folders. One original is null, one listed video is missing,
    one video is not listed."""
    parts: dict[int, dict[str, Any]] = {
        0: {
            "aaaaaaaaaa.mp4": {"label": "REAL", "split": "train"},
            "bbbbbbbbbb.mp4": {"label": "FAKE", "split": "train", "original": "aaaaaaaaaa.mp4"},
            "cccccccccc.mp4": {"label": "FAKE", "split": "train", "original": None},
        },
        36: {"dddddddddd.mp4": {"label": "REAL", "split": "train", "original": None}},
        49: {"eeeeeeeeee.mp4": {"label": "FAKE", "split": "train", "original": "dddddddddd.mp4"}},
    }
    for number, listed in parts.items():
        folder = f"dfdc_train_part_{number}"
        put_json(root, f"{folder}/metadata.json", listed)
        there = [f"{folder}/{name}" for name in listed if name != "eeeeeeeeee.mp4"]
        put(root, *there, media=media)
    put(root, "dfdc_train_part_0/zzzzzzzzzz.mp4", media=media)
    for folder, one, two in (("test", "ffff", "gggg"), ("validation", "hhhh", "iiii")):
        put(root, f"{folder}/{one}.mp4", f"{folder}/{two}.mp4", media=media)
        put_text(root, f"{folder}/labels.csv", f"filename,label\n{one}.mp4,0\n{two}.mp4,1\n")
    return root


def dfdc_preview(root: Path, *, media: bool = False) -> Path:
    """Two people; a swap by each method; one augmentation; one video is not listed."""
    listed = {
        "original_videos/643049/643049_A_001.mp4": {
            "label": "real", "set": "train", "augmentations": [], "target_id": 643049,
            "swapped_id": None,
        },
        "original_videos/1260311/1260311_C_001.mp4": {
            "label": "real", "set": "test", "augmentations": [], "target_id": 1260311,
            "swapped_id": None,
        },
        "method_A/643049/643049_A/1255229_643049_A_001.mp4": {
            "label": "fake", "set": "train", "augmentations": [], "target_id": 643049,
            "swapped_id": 1255229, "source_video": "643049_A",
        },
        "method_B/1260311/1260311_C/1255229_1260311_C_001.mp4": {
            "label": "fake", "set": "test", "augmentations": ["fps"], "target_id": 1260311,
            "swapped_id": 1255229, "source_video": "1260311_C",
        },
    }  # fmt: skip
    put_json(root, "dataset.json", listed)
    put(root, *listed, "method_A/643049/643049_A/7_643049_A_001.mp4", media=media)
    return root


def uadfv(root: Path, *, media: bool = False) -> Path:
    """As it is distributed: below fake_videos/."""
    for number in ("0000", "0001"):
        put(root, f"fake_videos/real/{number}.mp4", media=media)
        put(root, f"fake_videos/fake/{number}_fake.mp4", media=media)
    return root


def uadfv_bare(root: Path, *, media: bool = False) -> Path:
    """real/ and fake/ at the top."""
    return uadfv(root, media=media) / "fake_videos"


def deeper_forensics(root: Path, *, media: bool = False) -> Path:
    """Three swaps in two variants, their targets and an actor's recording."""
    swaps = {"train": "000_M004", "val": "001_W101", "test": "002_W101"}
    for split, name in swaps.items():
        put_text(root, f"lists/splits/{split}.txt", f"{name}.mp4\r\n")
        put(root, f"target_videos/{name[:3]}.mp4", media=media)
        for variant in ("end_to_end", "end_to_end_level_1"):
            put(root, f"manipulated_videos/{variant}/{name}.mp4", media=media)
    put(root, "source_videos/M004/BlendShape/M004_BlendShape_camera_front.mp4", media=media)
    return root


def deepfake_timit(root: Path, *, media: bool = False) -> Path:
    """Two people in both qualities; VidTIMIT as folders of files without a suffix, with a person
    and a sentence that no fake was made from."""
    for quality in ("higher_quality", "lower_quality"):
        put(root, f"{quality}/fadg0/sa1-video-fram1.avi", media=media)
        put(root, f"{quality}/fram1/sa1-video-fadg0.avi", media=media)
        put(root, f"{quality}/fadg0/sa1-video-fram1.wav", media=media)
    for person, sentence in (
        ("fadg0", "sa1"),
        ("fram1", "sa1"),
        ("fadg0", "head"),
        ("mwbt0", "sa1"),
    ):
        for frame in ("001", "002", "003"):
            put(root, f"VidTIMIT/{person}/video/{sentence}/{frame}", media=media)
        put(root, f"VidTIMIT/{person}/audio/{sentence}.wav", media=media)
    return root


def deepfake_timit_joined(root: Path, *, media: bool = False) -> Path:
    """The frames joined into videos by a user, in a third folder."""
    base = root / "DeepfakeTIMIT"
    put(base, "higher_quality/fadg0/sa1-video-fram1.avi", media=media)
    put(base, "dftimitreal/fadg0/sa1.avi", media=media)
    return base


FAKEAVCELEB_HEADER = "source,target1,target2,method,category,type,race,gender,path,"
_RV, _FV = "RealVideo", "FakeVideo"
# source, target1, target2, method, category, type, race, gender, file
FAKEAVCELEB_ROWS = (
    ("id00056", "-", "-", "real", "A", "RealVideo-RealAudio", "Asian (East)", "men", "00028.mp4"),
    ("id00076", "-", "-", "real", "A", "RealVideo-RealAudio", "African", "men", "00109.mp4"),
    ("id00116", "-", "-", "real", "A", "RealVideo-RealAudio", "African", "women", "00001.mp4"),
    (
        "id00056", "-", "-", "rtvc", "B", "RealVideo-FakeAudio", "Asian (East)", "men",
        "00028_fake.mp4",
    ),
    (
        "id00076", "id00116", "-", "fsgan", "C", "FakeVideo-RealAudio", "African", "men",
        "00109_id00116_fsgan.mp4",
    ),
    (
        "id00056", "id02332", "7", "wav2lip", "D", "FakeVideo-FakeAudio", "Asian (East)", "men",
        "00028_id02332_wavtolip.mp4",
    ),
    (
        "id00056", "id02332", "7", "faceswap-wav2lip", "D", "FakeVideo-FakeAudio", "Asian (East)",
        "men", "00028_id02332_wavtolip.mp4",
    ),
)  # fmt: skip


def fakeavceleb(
    root: Path, *, media: bool = False, name: str = "FakeAVCeleb_v1.2", race: str = "{}"
) -> Path:
    """Three people; one file listed twice; the directories begin FakeAVCeleb/; folders with a
    space and parentheses; one video is not listed."""
    base = root / name
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    for row in FAKEAVCELEB_ROWS:
        person, kind, people, gender, file = row[0], row[5], row[6], row[7], row[8]
        writer.writerow([*row, f"FakeAVCeleb/{kind}/{people}/{gender}/{person}"])
        put(base, f"{kind}/{race.format(people)}/{gender}/{person}/{file}", media=media)
    put(base, "RealVideo-RealAudio/African/men/id00076/00110.mp4", media=media)
    put_text(base, "meta_data.csv", f"{FAKEAVCELEB_HEADER}\n{text.getvalue()}")
    return base


def fakeavceleb_underscored(root: Path, *, media: bool = False) -> Path:
    """A derived copy: Asian_East for Asian (East), below another folder."""
    base = fakeavceleb(root, media=media, name="FakeAVCeleb")
    for folder in base.glob("*/Asian (East)"):
        folder.rename(folder.with_name("Asian_East"))
    return root


def lav_df_entry(file: str, **changed: Any) -> dict[str, Any]:
    """An entry of metadata.min.json, genuine unless changed."""
    entry = {
        "file": file, "n_fakes": 0, "fake_periods": [], "duration": 4.0, "original": None,
        "modify_video": False, "modify_audio": False, "split": file.split("/")[0],
        "video_frames": 100, "audio_channels": 1, "audio_frames": 64000,
    }  # fmt: skip
    return {**entry, **changed}


def lav_df(root: Path, *, media: bool = False) -> Path:
    """A genuine video and each way to forge it; one listed video is missing, one is not listed."""
    made: dict[str, Any] = {
        "n_fakes": 1,
        "fake_periods": [[1.0, 1.5]],
        "original": "train/000000.mp4",
    }
    listed = [
        lav_df_entry("train/000000.mp4"),
        lav_df_entry("train/000001.mp4", modify_video=True, modify_audio=True, **made),
        lav_df_entry("train/000002.mp4", modify_audio=True, **made),
        lav_df_entry("dev/000003.mp4"),
        lav_df_entry("test/000004.mp4", modify_video=True, **{**made, "original": None}),
        lav_df_entry("test/000005.mp4"),
    ]
    put_json(root, "metadata.min.json", listed)
    put_json(root, "metadata.json", [{**entry, "transcript": "a"} for entry in listed])
    there = [entry["file"] for entry in listed if entry["file"] != "test/000005.mp4"]
    put(root, *there, "train/000009.mp4", media=media)
    return root


def av_deepfake1m_entry(file: str, kind: str, **changed: Any) -> dict[str, Any]:
    """An entry of train_metadata.json."""
    folder = file.rpartition("/")[0]
    seen = [[0.5, 0.75]] if kind in ("visual_modified", "both_modified") else []
    heard = [[0.5, 0.75], [1.0, 1.25]] if kind in ("audio_modified", "both_modified") else []
    entry = {
        "file": file, "original": None if kind == "real" else f"{folder}/real.mp4",
        "split": "train", "modify_type": kind, "audio_model": "vits" if heard else "",
        "fake_segments": heard or seen, "audio_fake_segments": heard,
        "visual_fake_segments": seen, "video_frames": 100, "audio_frames": 64000,
    }  # fmt: skip
    return {**entry, **changed}


def av_deepfake1m(root: Path, *, media: bool = False) -> Path:
    """One recording in four versions, one of validation listed by itself, one test video. One
    version lists a segment of the side that was not changed."""
    here = "id00012/21Uxsk56VDQ/00001"
    listed = [
        av_deepfake1m_entry(f"{here}/real.mp4", "real"),
        av_deepfake1m_entry(f"{here}/fake_video_fake_audio.mp4", "both_modified"),
        av_deepfake1m_entry(f"{here}/fake_video_real_audio.mp4", "visual_modified"),
        av_deepfake1m_entry(
            f"{here}/real_video_fake_audio.mp4", "audio_modified",
            visual_fake_segments=[[1.0, 1.25]],
        ),
    ]  # fmt: skip
    put_json(root, "train_metadata.json", listed)
    put(root, *(f"train/{entry['file']}" for entry in listed), media=media)
    there = "id00099/AAAAAAAAAAA/00007/real"
    put(root, f"val/{there}.mp4", "test/000001.mp4", media=media)
    entry = av_deepfake1m_entry(f"{there}.mp4", "real", split="val")
    put_json(root, f"val_metadata/{there}.json", entry)
    put_text(root, "test_files.txt", "000001.mp4\n000002.mp4\n")
    return root


MAKERS = {
    "av_deepfake1m": av_deepfake1m,
    "celeb_df++": celeb_df_pp,
    "celeb_df_v1": celeb_df_v1,
    "celeb_df_v2": celeb_df_v2,
    "celeb_df_v2/crlf": celeb_df_v2_crlf,
    "deeper_forensics": deeper_forensics,
    "deepfake_timit": deepfake_timit,
    "deepfake_timit/joined": deepfake_timit_joined,
    "dfd": dfd,
    "dfd/flat": dfd_flat,
    "dfdc": dfdc,
    "dfdc_preview": dfdc_preview,
    "faceforensics": faceforensics_old,
    "faceforensics++": faceforensics_plus_plus,
    "faceforensics++/flat": faceforensics_flat,
    "faceforensics++/frames": faceforensics_frames,
    "fakeavceleb": fakeavceleb,
    "fakeavceleb/underscored": fakeavceleb_underscored,
    "lav_df": lav_df,
    "uadfv": uadfv,
    "uadfv/bare": uadfv_bare,
}
OVERLAPS = {
    ("uadfv", "folder"): "it is a folder with real/ and fake/",
}
