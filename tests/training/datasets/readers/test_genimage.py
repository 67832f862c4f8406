"""GenImage: generators from either folder, and the format that gives the label away."""

from __future__ import annotations

from pathlib import Path

from assay.training.datasets.readers.genimage import GenImage
from assay.training.datasets.records import Notice, Record

from .made_image_sets import genimage


def read(root: Path) -> tuple[dict[str, Record], dict[str, Notice]]:
    found = list(GenImage().read(root, {}))
    rows = {one.path: one for one in found if isinstance(one, Record)}
    return rows, {one.code: one for one in found if isinstance(one, Notice)}


def test_labels_generators_and_imagenets_names(tmp_path: Path) -> None:
    rows, _ = read(genimage(tmp_path))
    forged = rows["BigGAN/imagenet_ai_0419_biggan/train/ai/0_000_train.png"]
    assert (forged.label, forged.method, forged.split) == ("fake", "biggan", "train")
    genuine = rows["BigGAN/imagenet_ai_0419_biggan/train/nature/n01440764_100.JPEG"]
    assert (genuine.label, genuine.method, genuine.subset) == ("real", "", "biggan")
    assert genuine.source == "imagenet n01440764_100"
    # One picture of ImageNet beside two generators is one source.
    both = [row for row in rows.values() if row.path.endswith("ILSVRC2012_val_00000293.JPEG")]
    assert len(both) == 2
    assert len({row.source for row in both}) == 1


def test_the_inner_folder_alone_is_named_by_itself(tmp_path: Path) -> None:
    inner = genimage(tmp_path) / "stable_diffusion_v_1_5" / "imagenet_ai_0424_sdv5"
    rows, _ = read(inner)
    assert {row.subset for row in rows.values()} == {"stable_diffusion_v_1_5"}


def test_jpeg_against_png_is_told(tmp_path: Path) -> None:
    _, notices = read(genimage(tmp_path))
    assert notices["format_tells_label"].n == 2
    top = tmp_path / "BigGAN" / "imagenet_ai_0419_biggan" / "val"
    (top / "ai" / "more.jpg").touch()
    _, notices = read(tmp_path)
    assert notices["format_tells_label"].n == 1
    assert "stable_diffusion_v_1_5" in notices["format_tells_label"].text
