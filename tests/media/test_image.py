from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay.errors import DamagedMediaError, MissingFileError, TooLargeError, UnsupportedMediaError
from assay.media.image import read_image
from assay.media.probe import probe
from tests.media.makers import number_of, photo, picture

RED, GREEN, BLUE, YELLOW = (250, 10, 10), (10, 250, 10), (10, 10, 250), (250, 250, 10)


def decode(path: Path, max_megapixels: float = 100.0) -> np.ndarray:
    return read_image(probe(path), max_megapixels).rgb


def corners(rgb: np.ndarray) -> list[tuple[int, ...]]:
    spots = [(5, 5), (5, -6), (-6, 5), (-6, -6)]
    return [tuple(int(v) for v in rgb[y, x]) for y, x in spots]


def near(found, expected, tolerance: int = 12) -> bool:
    return bool((np.abs(np.subtract(found, expected)) <= tolerance).all())


@pytest.mark.parametrize(
    ("name", "options", "media_type"),
    [
        ("a.jpg", {"quality": 95, "subsampling": 0}, "image/jpeg"),
        ("p.jpg", {"quality": 95, "subsampling": 0, "progressive": True}, "image/jpeg"),
        ("a.png", {}, "image/png"),
        ("a.webp", {"quality": 95}, "image/webp"),
        ("l.webp", {"lossless": True}, "image/webp"),
        ("a.gif", {}, "image/gif"),
        ("a.tiff", {}, "image/tiff"),
        ("z.tif", {"compression": "tiff_lzw"}, "image/tiff"),
        ("big.tif", {"big_tiff": True}, "image/tiff"),
        ("a.bmp", {}, "image/bmp"),
        ("a.avif", {"quality": 95, "subsampling": "4:4:4"}, "image/avif"),
    ],
)
def test_each_format_is_read_by_content(tmp_path, name, options, media_type):
    path = tmp_path / name
    picture().save(path, **options)
    unnamed = path.rename(tmp_path / "unnamed")
    media = probe(unnamed)
    assert (media.kind, media.media_type, media.size_px) == ("image", media_type, (160, 120))
    assert media.n_frames == 1
    assert media.notes == ()
    assert near(corners(read_image(media, 1.0).rgb), [RED, GREEN, BLUE, YELLOW])


def test_heic(heic):
    media = probe(heic)
    assert (media.kind, media.media_type) == ("image", "image/heic")
    assert media.size_px == (192, 128)
    rgb = read_image(media, 1.0).rgb
    assert rgb.shape == (128, 192, 3)
    assert number_of(rgb) == 0
    assert near(rgb[100, 100], (124, 176, 128), 12)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path, orientation):
    """Against Pillow's own transposition."""
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "turned.png"
    picture().save(path, exif=exif)
    media = probe(path)
    rgb = read_image(media, 1.0).rgb
    expected = np.asarray(ImageOps.exif_transpose(Image.open(path)))
    assert np.array_equal(rgb, expected)
    assert media.size_px == (rgb.shape[1], rgb.shape[0])
    assert ("rotated" in media.notes) == (orientation in (3, 4, 5, 6, 7, 8))
    assert ("mirrored" in media.notes) == (orientation in (2, 4, 5, 7))


def test_broken_exif_is_no_reason_to_refuse(tmp_path):
    path = tmp_path / "a.jpg"
    picture().save(path, exif=b"Exif\0\0II*\0\xff\xff\xff\x7f" + b"\xff" * 40)
    assert decode(path).shape == (120, 160, 3)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_alpha_is_laid_over_white_and_said(tmp_path, mode):
    layer = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    layer.paste((0, 0, 0, 255), (0, 0, 20, 40))
    path = tmp_path / "alpha.png"
    layer.convert(mode).save(path, **({"transparency": 0} if mode == "P" else {}))
    if mode == "P":
        paletted = Image.new("P", (40, 40), 0)
        paletted.putpalette([9, 9, 9, 0, 0, 0])
        paletted.paste(1, (0, 0, 20, 40))
        paletted.save(path, transparency=0)
    media = probe(path)
    rgb = read_image(media, 1.0).rgb
    assert "alpha" in media.notes
    assert tuple(rgb[20, 5]) == (0, 0, 0)
    assert tuple(rgb[20, 30]) == (255, 255, 255)


def test_half_alpha(tmp_path):
    Image.new("RGBA", (8, 8), (0, 0, 0, 128)).save(tmp_path / "half.png")
    assert near(decode(tmp_path / "half.png")[0, 0], (127, 127, 127), 1)


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_sixteen_bits_are_scaled_not_clipped(tmp_path, suffix):
    grey = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(16, 0)
    path = tmp_path / f"deep.{suffix}"
    Image.fromarray(grey).save(path)
    media = probe(path)
    rgb = read_image(media, 1.0).rgb
    assert "deep_colour" in media.notes
    assert np.array_equal(rgb[0, :, 0], np.arange(256))
    assert (rgb[..., 0] == rgb[..., 2]).all()


def png_of(rows: bytes, width: int, height: int, depth: int, colour: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def test_sixteen_bit_colour_png(tmp_path):
    row = b"\0" + b"".join(struct.pack(">HHH", v * 257, 65535 - v * 257, 32768) for v in range(256))
    path = tmp_path / "deep.png"
    path.write_bytes(png_of(row * 4, 256, 4, 16, 2))
    rgb = decode(path)
    assert np.array_equal(rgb[0, :, 0], np.arange(256))
    assert np.array_equal(rgb[0, :, 1], 255 - np.arange(256))


def test_float_tiff(tmp_path):
    Image.fromarray(np.linspace(0, 1, 256, dtype=np.float32)[None]).save(tmp_path / "f.tiff")
    assert np.array_equal(decode(tmp_path / "f.tiff")[0, :, 0], np.arange(256))


@pytest.mark.parametrize("suffix", ["jpg", "tiff"])
def test_cmyk(tmp_path, suffix):
    path = tmp_path / f"print.{suffix}"
    picture().convert("CMYK").save(path)
    media = probe(path)
    assert "cmyk" in media.notes
    assert near(corners(read_image(media, 1.0).rgb), [RED, GREEN, BLUE, YELLOW], 25)


@pytest.mark.parametrize("mode", ["L", "P", "1"])
def test_grey_palette_and_one_bit(tmp_path, mode):
    path = tmp_path / "a.png"
    picture().convert(mode).save(path)
    rgb = decode(path)
    assert np.array_equal(rgb, np.asarray(Image.open(path).convert("RGB")))


def test_one_pixel(tmp_path):
    Image.new("RGB", (1, 1), (1, 2, 3)).save(tmp_path / "dot.png")
    assert tuple(decode(tmp_path / "dot.png")[0, 0]) == (1, 2, 3)


def test_a_bomb_is_refused_from_its_header(tmp_path):
    """30,000 x 30,000 pixels in a hundred kilobytes: known, named, not decoded."""
    path = tmp_path / "bomb.png"
    path.write_bytes(png_of(b"\0" * 3751, 30000, 30000, 1, 0))
    media = probe(path)
    assert media.size_px == (30000, 30000)
    with pytest.raises(TooLargeError, match="30000 × 30000"):
        read_image(media, 200.0)


def test_the_limit_is_the_callers(tmp_path):
    picture(1000, 600).save(tmp_path / "a.png")
    assert decode(tmp_path / "a.png", 0.6).shape == (600, 1000, 3)
    with pytest.raises(TooLargeError):
        decode(tmp_path / "a.png", 0.59)


@pytest.mark.parametrize(
    ("name", "options"),
    [("a.jpg", {}), ("p.jpg", {"progressive": True}), ("a.png", {}), ("a.gif", {})],
)
def test_of_a_truncated_picture_what_is_there_is_decoded(tmp_path, name, options):
    path = tmp_path / name
    photo().save(path, **options)
    whole = decode(path).astype(int)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.85)])
    media = probe(path)
    assert "truncated" in media.notes
    rgb = read_image(media, 1.0).rgb
    assert rgb.shape == whole.shape
    assert np.abs(rgb[:200] - whole[:200]).mean() < 8


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.avif"])
def test_too_little_left_is_damaged(tmp_path, name):
    path = tmp_path / name
    photo().save(path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.3)])
    with pytest.raises(DamagedMediaError):
        decode(path)


def test_truncated_heic(heic):
    heic.write_bytes(heic.read_bytes()[:-200])
    assert "truncated" in probe(heic).notes
    with pytest.raises(DamagedMediaError):
        decode(heic)


@pytest.mark.parametrize(("share", "decodes"), [(0.2, False), (0.8, True)])
def test_damage_inside_a_png_is_noted(tmp_path, share, decodes):
    path = tmp_path / "a.png"
    photo().save(path)
    data = bytearray(path.read_bytes())
    at = data.index(b"IDAT", int(len(data) * share)) + 500
    data[at : at + 2000] = b"\xff" * 2000
    path.write_bytes(data)
    assert "damaged" in probe(path).notes
    if decodes:
        assert decode(path).shape == (480, 640, 3)
    else:
        with pytest.raises(DamagedMediaError):
            decode(path)


def test_several_pages_are_said(tmp_path):
    path = tmp_path / "pages.tiff"
    picture().save(path, save_all=True, append_images=[picture()])
    assert "several_pages" in probe(path).notes
    assert near(corners(decode(path)), [RED, GREEN, BLUE, YELLOW])


def test_a_raw_file_is_not_judged_by_its_thumbnail(tmp_path):
    path = tmp_path / "a.dng"
    picture().save(path, format="TIFF", tiffinfo={0xC612: b"\1\4\0\0"})
    with pytest.raises(UnsupportedMediaError, match="raw"):
        probe(path)


def test_a_file_that_changed_or_went_is_not_decoded(tmp_path):
    path = tmp_path / "a.png"
    picture().save(path)
    media = probe(path)
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(DamagedMediaError, match="changed"):
        read_image(media, 1.0)
    path.unlink()
    with pytest.raises(MissingFileError):
        read_image(media, 1.0)


def test_nothing_is_printed(tmp_path, capfd):
    path = tmp_path / "a.jpg"
    photo().save(path, exif=b"Exif\0\0II*\0\xff\xff\xff\x7f" + b"\xff" * 40)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 30] = b"\xff\x31" * 15
    path.write_bytes(data[:-100])
    decode(path)
    assert capfd.readouterr() == ("", "")
