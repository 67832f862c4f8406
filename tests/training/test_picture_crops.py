from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.errors import ConfigError  # noqa: E402
from assay.training.picture_crops import LEAST_PX, MOST_PX, Crops, pictures_of  # noqa: E402
from tests.real_faces import textured  # noqa: E402

CPU = torch.device("cpu")
SIZES = ((70, 90), (200, 64), (64, 64))


def plain(crop: torch.Tensor) -> np.ndarray:
    return (crop.permute(1, 2, 0) * 255).round().numpy().astype(np.uint8)


@pytest.fixture
def pictures() -> list[np.ndarray]:
    return [textured(h, w, seed) for seed, (h, w) in enumerate(SIZES)]


def test_a_cut_is_what_lies_there(pictures: list[np.ndarray]) -> None:
    crops = Crops(pictures, CPU)
    which, corner = torch.tensor([1, 0]), torch.tensor([[130, 2], [5, 40]])
    cut = crops.cut(which, corner, 32, torch.tensor([False, True]))
    assert np.array_equal(plain(cut[0]), pictures[1][130:162, 2:34])
    assert np.array_equal(plain(cut[1]), pictures[0][5:37, 40:72][:, ::-1])


def test_random_crops_come_from_the_pictures_both_ways_round(pictures: list[np.ndarray]) -> None:
    torch.manual_seed(0)
    windows = {
        (way, p[y : y + 60, x : x + 60][:, ::way].tobytes())
        for p in pictures
        for y in range(p.shape[0] - 59)
        for x in range(p.shape[1] - 59)
        for way in (1, -1)
    }
    found = [
        {way for way in (1, -1) if (way, plain(crop).tobytes()) in windows}
        for crop in Crops(pictures, CPU).random(24, 60)
    ]
    assert all(found)
    assert {1} in found
    assert {-1} in found


def test_small_pictures_go_on_by_reflection() -> None:
    picture = textured(64, 64)
    cut = Crops([picture], CPU).middles(5, 100)
    assert cut.shape == (1, 3, 100, 100)
    padded = np.pad(picture, ((0, 36), (0, 36), (0, 0)), mode="reflect")
    assert np.array_equal(plain(cut[0]), padded)


def test_a_folder_is_read_without_what_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    Image.fromarray(textured(70, 80)).save(tmp_path / "deep" / "a.PNG")
    Image.fromarray(textured(70, 80)[..., 0]).save(tmp_path / "grey.jpg")
    Image.fromarray(textured(LEAST_PX - 1, 300)).save(tmp_path / "small.png")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a picture")
    (tmp_path / "notes.txt").write_text("no picture")
    pictures = pictures_of(tmp_path)
    assert [p.shape for p in pictures] == [(70, 80, 3)] * 2
    assert len(pictures_of(tmp_path, at_most=2)) <= 2


def test_of_a_large_picture_the_middle_is_kept(tmp_path: Path) -> None:
    rgb = textured(70, MOST_PX + 40)
    Image.fromarray(rgb).save(tmp_path / "wide.png")
    (picture,) = pictures_of(tmp_path)
    assert np.array_equal(picture, rgb[:, 20:-20])


def test_an_empty_folder_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no usable picture"):
        pictures_of(tmp_path)
    with pytest.raises(ConfigError):
        Crops([], CPU)
