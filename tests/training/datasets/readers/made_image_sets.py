"""Tiny trees of the sets of pictures and eyes, in their exact layouts."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Sequence
from pathlib import Path

from .small_media import picture, write_medium

MAGIC = 0xCED7230A
TINY_JPEG = b"\xff\xd8\xff\xe0 a picture in name only \xff\xd9"


def ffhq(root: Path, *, media: bool = False) -> Path:
    """Two pictures for training, two for validation, one that no label file names."""
    rows = {}
    for number in (0, 1, 60_000, 60_001):
        folder = f"{number // 1000 * 1000:05d}"
        paths = {
            part: f"{top}/{folder}/{number:05d}.png"
            for part, top in (
                ("image", "images1024x1024"),
                ("thumbnail", "thumbnails128x128"),
                ("in_the_wild", "in-the-wild-images"),
            )
        }
        rows[str(number)] = {
            "category": "training" if number < 60_000 else "validation",
            "metadata": {
                # 0 and 1 are two faces of one photograph.
                "photo_url": f"https://www.flickr.com/photos/x/{number // 2}",
                "license": "Attribution License",
            },
            **{part: {"file_path": path, "face_landmarks": [[1.5, 2.5]]}
               for part, path in paths.items()},
        }  # fmt: skip
        for part in ("image", "thumbnail"):
            write_medium(root / paths[part], media=media, seed=number)
    write_medium(root / "images1024x1024" / "00000" / "00007.png", media=media, seed=7)
    (root / "ffhq-dataset-v2.json").write_text(json.dumps(rows))
    (root / "LICENSE.txt").write_text("CC")
    return root


def faces_100k(root: Path, *, media: bool = False) -> Path:
    """Three forged faces in one folder."""
    for number in range(3):
        write_medium(root / "100K-Faces" / f"{number:07d}.jpg", media=media, seed=number)
    return root


def faces_140k(root: Path, *, media: bool = False) -> Path:
    """A genuine and a forged face in each split, and the three tables."""
    for k, split in enumerate(("train", "valid", "test")):
        lines = [",original_path,id,label,label_str,path"]
        for number, label in enumerate(("fake", "real")):
            name = f"{31355 + k}.jpg" if label == "real" else f"ABCDEFGHI{k}.jpg"
            path = f"{split}/{label}/{name}"
            write_medium(
                root / "real_vs_fake/real-vs-fake" / path, media=media, seed=2 * k + number
            )
            stem = name.split(".")[0]
            lines.append(f"{number},/kaggle/input/{name},{stem},{number},{label},{path}")
        (root / f"{split}.csv").write_text("\n".join(lines) + "\n")
    return root


def dffd_code(root: Path, *, media: bool = False) -> Path:
    """The layout of the authors' code, with masks."""
    for k, split in enumerate(("train", "validation", "test")):
        top = root / "data" / split
        write_medium(top / "Real" / f"ffhq_{k}.png", media=media, seed=k)
        for j, name in enumerate((f"stylegan_ffhq_{k}.png", f"{k}_faceapp.png")):
            write_medium(top / "Fake" / name, media=media, seed=10 + 2 * k + j)
            write_medium(top / "Mask" / name, media=media, seed=20 + k)
    return root


def dffd_archives(root: Path, *, media: bool = False) -> Path:
    """The layout of the archives: a folder a source."""
    for k, source in enumerate(("ffhq", "faceapp", "pggan_v1", "stargan")):
        for split in ("train", "validation", "test"):
            write_medium(root / source / split / f"{k}.png", media=media, seed=k)
    write_medium(root / "faceapp" / "mask" / "train" / "1.png", media=media, seed=9)
    return root


def jpeg(media: bool, seed: int = 0) -> bytes:
    """A JPEG that can be decoded, or what begins as one."""
    if not media:
        return TINY_JPEG
    from PIL import Image

    made = io.BytesIO()
    Image.fromarray(picture(seed, size_px=112)).save(made, "JPEG")
    return made.getvalue()


def rec_record(
    labels: Sequence[float], payload: bytes, *, flag: int = -1, label: float = 7
) -> bytes:
    """One record of RecordIO; `flag` -1 is the number of labels behind the header."""
    flag = len(labels) if flag < 0 else flag
    head = struct.pack("<IfQQ", flag, label, 1, 0) + struct.pack(f"<{len(labels)}f", *labels)
    body = head + payload
    return struct.pack("<II", MAGIC, len(body)) + body + b"\0" * (-len(body) % 4)


def write_rec(top: Path, records: Sequence[bytes], people: int = 10_572) -> None:
    """train.rec, train.idx and property of these records, numbered from 0."""
    top.mkdir(parents=True, exist_ok=True)
    offset, lines = 0, []
    for key, record in enumerate(records):
        lines.append(f"{key}\t{offset}")
        offset += len(record)
    (top / "train.rec").write_bytes(b"".join(records))
    (top / "train.idx").write_text("\n".join(lines) + "\n")
    (top / "property").write_text(f"{people},112,112\n")


def casia_rec(root: Path, *, media: bool = False) -> Path:
    """Three pictures of two people, and the two ranges of people behind them."""
    pictures = [
        rec_record([0, 0], jpeg(media, 1)),
        rec_record([0, 0], jpeg(media, 2)),
        # Without labels behind the header the header's own one counts.
        rec_record([], jpeg(media, 3), label=1),
    ]
    ranges = [rec_record([1, 3], b""), rec_record([3, 4], b"")]
    write_rec(root / "faces_webface_112x112", [rec_record([4, 6], b""), *pictures, *ranges])
    return root


def casia_folders(root: Path, *, media: bool = False) -> Path:
    """Two people in folders."""
    for k, person in enumerate(("0000045", "0000099")):
        for number in (1, 2):
            path = root / "CASIA-WebFace" / person / f"{number:03d}.jpg"
            write_medium(path, media=media, seed=10 * k + number)
    return root


def vggface2(root: Path, *, media: bool = False) -> Path:
    """A person in each part; two faces of one picture; lists and the table of people."""
    names = {"train": "n000002", "test": "n000001"}
    for part, person in names.items():
        files = ("0019_01.jpg", "0019_02.jpg", "0020_01.jpg")
        for number, name in enumerate(files):
            write_medium(root / part / person / name, media=media, seed=number)
        listed = "".join(f"{person}/{name}\n" for name in files)
        (root / f"{part}_list.txt").write_text(listed)
    (root / "identity_meta.csv").write_text(
        "Class_ID, Name, Sample_Num, Flag, Gender\n"
        'n000001, "14th_Dalai_Lama", 3, 0, m\n'
        'n000002, "A_Fine_Frenzy", 4, 1, f\n'
    )
    return root


def cew(root: Path, *, media: bool = False) -> Path:
    """One open and one closed face, and their four eyes."""
    eyes, faces = root / "dataset_B_Eye_Images", root / "dataset_B_FacialImages"
    for k, (side, letter) in enumerate((("Left", "L"), ("Right", "R"))):
        open_name, closed_name = (
            f"Aaron_Guiel_0001_{letter}",
            f"closed_eye_0001.jpg_face_1_{letter}",
        )
        write_medium(eyes / f"open{side}Eyes" / f"{open_name}.jpg", media=media, seed=k)
        write_medium(eyes / f"closed{side}Eyes" / f"{closed_name}.jpg", media=media, seed=5 + k)
    write_medium(faces / "OpenFace" / "Aaron_Guiel_0001.jpg", media=media, seed=8)
    write_medium(faces / "ClosedFace" / "closed_eye_0001.jpg_face_1.jpg", media=media, seed=9)
    (faces / "EyeCoordinatesInfo_OpenFace.txt").write_text("Aaron_Guiel_0001.jpg 30 40 60 40\n")
    return root


def mrl_eyes(root: Path, *, media: bool = False) -> Path:
    """Two people, an open and a closed eye each."""
    for person in ("s0001", "s0002"):
        for k in (0, 1):
            name = f"{person}_{k + 1:05d}_0_1_{k}_2_1_0{k + 1}.png"
            write_medium(root / "mrlEyes_2018_01" / person / name, media=media, seed=k)
    return root


def eye_blinking(root: Path, *, media: bool = False) -> Path:
    """The samples as they are published, and a table of states."""
    for k in range(3):
        write_medium(root / "sample_eye_data" / f"{k:05d}.png", media=media, seed=k)
        write_medium(root / "sample_sq_data" / "tube_00000" / f"{k:05d}.png", media=media, seed=k)
    (root / "sample_eye_data" / "train.p").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    (root / "eye_states.csv").write_text(
        "path,eye\nsample_eye_data/00000.png,open\nsample_eye_data/00001.png,closed\n"
    )
    return root


def forensynths(root: Path, *, media: bool = False) -> Path:
    """ProGAN with classes in two splits, BigGAN without, and UnivFD's one-sided folders."""
    places = [
        "train/progan/airplane", "train/progan/train", "test/progan/cat", "test/biggan",
    ]  # fmt: skip
    for k, place in enumerate(places):
        for label in ("0_real", "1_fake"):
            write_medium(root / place / label / f"{k:05d}.png", media=media, seed=k)
    write_medium(root / "diffusion_datasets/laion/0_real/0.png", media=media, seed=1)
    write_medium(root / "diffusion_datasets/ldm_200/1_fake/0.png", media=media, seed=2)
    return root


def genimage(root: Path, *, media: bool = False) -> Path:
    """Two generators with their folders inside; genuine JPEG against forged PNG."""
    folders = {
        "BigGAN": "imagenet_ai_0419_biggan",
        "stable_diffusion_v_1_5": "imagenet_ai_0424_sdv5",
    }
    for k, (outer, inner) in enumerate(folders.items()):
        for split in ("train", "val"):
            top = root / outer / inner / split
            write_medium(top / "ai" / f"{k}_000_{split}.png", media=media, seed=k)
            name = f"n01440764_{100 + k}" if split == "train" else "ILSVRC2012_val_00000293"
            write_medium(top / "nature" / f"{name}.JPEG", media=media, seed=10 + k)
    return root


def csv_list(root: Path, *, media: bool = False) -> Path:
    """Two people, each genuine and swapped, in a table."""
    lines = ["path,label,method,identity,split"]
    for k, (person, split) in enumerate((("anna", "train"), ("ben", "test"))):
        for label, method in (("real", ""), ("fake", "swap")):
            path = f"clips/{person}_{label}.jpg"
            write_medium(root / path, media=media, seed=k)
            lines.append(f"{path},{label},{method},{person},{split}")
    root.mkdir(parents=True, exist_ok=True)
    (root / "labels.csv").write_text("\n".join(lines) + "\n")
    return root


MAKERS = {
    "ffhq": ffhq,
    "faces_100k": faces_100k,
    "faces_140k": faces_140k,
    "dffd": dffd_code,
    "dffd/archives": dffd_archives,
    "casia_webface": casia_rec,
    "casia_webface/folders": casia_folders,
    "vggface2": vggface2,
    "cew": cew,
    "mrl_eyes": mrl_eyes,
    "eye_blinking": eye_blinking,
    "forensynths": forensynths,
    "genimage": genimage,
    "csv_list": csv_list,
}
