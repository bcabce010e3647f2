import contextlib
import io
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms

from regen3d.errors import InputError, UnreadableImageError, UnsupportedImageError
from regen3d.inputs import image as image_module
from regen3d.inputs.image import Picture, read_image, read_image_bytes

WIDTH, HEIGHT = 96, 72


def quadrants() -> np.ndarray:
    """Red, green, blue and grey quarters: any turn or swap of channels shows."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[: HEIGHT // 2, : WIDTH // 2] = (200, 40, 40)
    pixels[: HEIGHT // 2, WIDTH // 2 :] = (40, 200, 40)
    pixels[HEIGHT // 2 :, : WIDTH // 2] = (40, 40, 200)
    pixels[HEIGHT // 2 :, WIDTH // 2 :] = (128, 128, 128)
    return pixels


RGB = Image.fromarray(quadrants())
GREY = RGB.convert("L")


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def png_rgb16() -> bytes:
    """A PNG with 16 bits a channel, which Pillow cannot write: value * 257 is the same colour."""
    import zlib

    values = (quadrants().astype(">u2") * 257).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in values)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def tiff_rgb16() -> bytes:
    """An uncompressed little-endian TIFF with 16 bits a channel."""
    values = (quadrants().astype("<u2") * 257).astype("<u2").tobytes()
    tags = [
        (256, 4, 1, WIDTH), (257, 4, 1, HEIGHT), (258, 3, 3, 8), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 1, 200),
        (277, 3, 1, 3), (278, 4, 1, HEIGHT), (279, 4, 1, len(values)),
    ]  # fmt: skip
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + b"\0" * 4
    head = b"II*\0" + struct.pack("<I", 14) + struct.pack("<HHH", 16, 16, 16) + directory
    return head.ljust(200, b"\0") + values


def grey16(form: str) -> bytes:
    return encoded(Image.fromarray(np.asarray(GREY).astype(np.uint16) * 257), form)


def pgm16() -> bytes:
    values = (np.asarray(GREY).astype(">u2") * 257).astype(">u2")
    return f"P5 {WIDTH} {HEIGHT} 65535\n".encode() + values.tobytes()


def with_alpha() -> Image.Image:
    image = RGB.convert("RGBA")
    image.putalpha(
        Image.fromarray(np.where(np.arange(WIDTH) < WIDTH // 2, 255, 0).astype(np.uint8)[None].repeat(HEIGHT, 0))
    )
    return image


GREY_RGB = np.asarray(GREY.convert("RGB"))
OVER_WHITE = np.where((np.arange(WIDTH) < WIDTH // 2)[None, :, None], quadrants(), 255)

GOOD = {
    "rgb.png": (encoded(RGB, "PNG"), quadrants(), 0),
    "rgb.bmp": (encoded(RGB, "BMP"), quadrants(), 0),
    "rgb.tiff": (encoded(RGB, "TIFF"), quadrants(), 0),
    "lzw.tiff": (encoded(RGB, "TIFF", compression="tiff_lzw"), quadrants(), 0),
    "rgb.tga": (encoded(RGB, "TGA"), quadrants(), 0),
    "rgb.ppm": (encoded(RGB, "PPM"), quadrants(), 0),
    "rgb.jpg": (encoded(RGB, "JPEG", quality=95, subsampling=0), quadrants(), 12),
    "progressive.jpg": (encoded(RGB, "JPEG", quality=95, subsampling=0, progressive=True), quadrants(), 12),
    "rgb.webp": (encoded(RGB, "WEBP", lossless=True), quadrants(), 0),
    "rgb.avif": (encoded(RGB, "AVIF", quality=95, subsampling="4:4:4"), quadrants(), 12),
    "rgb.jp2": (encoded(RGB, "JPEG2000"), quadrants(), 2),
    "grey.png": (encoded(GREY, "PNG"), GREY_RGB, 0),
    "grey.jpg": (encoded(GREY, "JPEG", quality=95), GREY_RGB, 8),
    "bilevel.png": (encoded(GREY.point(lambda v: 255 * (v > 100)).convert("1"), "PNG"), 255 * (GREY_RGB > 100), 0),
    "palette.png": (encoded(RGB.quantize(8), "PNG"), quadrants(), 4),
    "palette.gif": (encoded(RGB.quantize(8), "GIF"), quadrants(), 4),
    "grey16.png": (grey16("PNG"), GREY_RGB, 0),
    "grey16.tiff": (grey16("TIFF"), GREY_RGB, 0),
    "grey16.pgm": (pgm16(), GREY_RGB, 0),
    "rgb16.png": (png_rgb16(), quadrants(), 0),
    "rgb16.tiff": (tiff_rgb16(), quadrants(), 0),
    "cmyk.jpg": (encoded(RGB.convert("CMYK"), "JPEG", quality=95), quadrants(), 12),
    "cmyk.tiff": (encoded(RGB.convert("CMYK"), "TIFF"), quadrants(), 2),
    "alpha.png": (encoded(with_alpha(), "PNG"), OVER_WHITE, 0),
    "alpha.webp": (encoded(with_alpha(), "WEBP", lossless=True), OVER_WHITE, 0),
    "grey-alpha.png": (encoded(with_alpha().convert("LA"), "PNG"), np.where(OVER_WHITE == 255, 255, GREY_RGB), 0),
    "palette-alpha.png": (encoded(with_alpha().quantize(8), "PNG"), OVER_WHITE, 4),
    "opaque-alpha.png": (encoded(RGB.convert("RGBA"), "PNG"), quadrants(), 0),
}


@pytest.mark.parametrize("name", GOOD)
def test_readable_pictures_just_work(name: str, tmp_path: Path) -> None:
    data, expected, tolerance = GOOD[name]
    (tmp_path / name).write_bytes(data)
    picture = read_image(tmp_path / name)
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels.flags.c_contiguous
    assert picture.given_wh == picture.wh == (WIDTH, HEIGHT)
    inner = np.s_[4:-4, 4:-4]  # lossy formats blur the edges of the quarters
    error = np.abs(picture.pixels.astype(int) - expected)
    far_from_edges = np.ones((HEIGHT, WIDTH), bool)
    far_from_edges[HEIGHT // 2 - 8 : HEIGHT // 2 + 8] = far_from_edges[:, WIDTH // 2 - 8 : WIDTH // 2 + 8] = False
    assert error[inner][far_from_edges[inner]].max() <= tolerance
    assert tolerance > 0 or error.max() == 0


def test_second_picture_of_a_phone_is_left_out_without_a_note() -> None:
    picture = read_image_bytes(encoded(RGB, "MPO", save_all=True, append_images=[GREY.convert("RGB")]), "phone.jpg")
    assert np.abs(picture.pixels[20, 20].astype(int) - (200, 40, 40)).max() < 12
    assert picture.notes == ()


def test_a_plain_picture_has_no_notes() -> None:
    assert read_image_bytes(GOOD["rgb.png"][0], "rgb.png").notes == ()
    assert read_image_bytes(GOOD["opaque-alpha.png"][0], "a.png").notes == ()


@pytest.mark.parametrize(("name", "word"), [("alpha.png", "white"), ("cmyk.tiff", "CMYK")])
def test_what_was_changed_is_noted(name: str, word: str) -> None:
    assert word in " ".join(read_image_bytes(GOOD[name][0], name).notes)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_undone(orientation: int, form: str) -> None:
    stored_from_upright = {
        1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_270,
    }[orientation]  # fmt: skip
    stored = RGB if stored_from_upright is None else RGB.transpose(stored_from_upright)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    picture = read_image_bytes(encoded(stored, form, exif=exif), "turned")
    assert picture.given_wh == (WIDTH, HEIGHT)
    assert np.abs(picture.pixels[20:30, 20:30].astype(int) - quadrants()[20:30, 20:30]).max() < 30
    assert np.abs(picture.pixels[50:60, 20:30].astype(int) - quadrants()[50:60, 20:30]).max() < 30


@pytest.mark.parametrize(("form", "suffix"), [("GIF", "gif"), ("WEBP", "webp"), ("PNG", "png"), ("TIFF", "tiff")])
def test_first_frame_of_an_animation(form: str, suffix: str) -> None:
    other = Image.fromarray(255 - quadrants())
    options = {"lossless": True} if form == "WEBP" else {}
    picture = read_image_bytes(encoded(RGB, form, save_all=True, append_images=[other], **options), f"film.{suffix}")
    assert np.abs(picture.pixels[10, 10].astype(int) - (200, 40, 40)).max() <= 4
    assert "2 frames" in picture.notes[0]


def wide_profile() -> bytes:
    """A D65 profile with wider primaries than sRGB and gamma 1, built from Lab's XYZ so that nothing is downloaded."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def linear_profile() -> bytes:
    """sRGB's primaries with linear values: the tone curves of the built-in profile replaced by the identity."""
    data = bytearray(srgb_profile())
    count = struct.unpack(">I", data[128:132])[0]
    for i in range(count):
        signature, offset, _ = struct.unpack(">4sII", data[132 + 12 * i : 144 + 12 * i])
        if signature in (b"rTRC", b"gTRC", b"bTRC"):
            data[offset : offset + 12] = b"curv" + b"\0" * 8  # a curve without points is the identity
        if signature == b"desc":
            at = data.find("sRGB".encode("utf-16-be"), offset)
            data[at : at + 8] = "Line".encode("utf-16-be")
    return bytes(data)


def test_embedded_profile_becomes_srgb() -> None:
    linear = Image.new("RGB", (WIDTH, HEIGHT), (55, 55, 55))
    picture = read_image_bytes(encoded(linear, "PNG", icc_profile=linear_profile()), "linear.png")
    assert np.abs(picture.pixels.astype(int) - 128).max() <= 2  # 55 / 255 of linear light is 128 in sRGB
    assert "profile" in picture.notes[0]


def test_srgb_profile_changes_nothing() -> None:
    picture = read_image_bytes(encoded(RGB, "PNG", icc_profile=srgb_profile()), "rgb.png")
    np.testing.assert_array_equal(picture.pixels, quadrants())
    assert picture.notes == ()


@pytest.mark.parametrize("profile", [b"rubbish", srgb_profile()[:200], wide_profile()])
def test_unusable_profile_is_noted_and_left_out(profile: bytes) -> None:
    picture = read_image_bytes(encoded(RGB, "PNG", icc_profile=profile), "rgb.png")
    np.testing.assert_array_equal(picture.pixels, quadrants())
    assert "could not be used" in picture.notes[0]


def test_grey_picture_with_a_colour_profile() -> None:
    picture = read_image_bytes(encoded(GREY, "PNG", icc_profile=srgb_profile()), "grey.png")
    np.testing.assert_array_equal(picture.pixels, GREY_RGB)


def test_lab_picture() -> None:
    source = ImageCms.profileToProfile(
        RGB, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    picture = read_image_bytes(encoded(source, "TIFF"), "lab.tiff")
    assert np.abs(picture.pixels.astype(int) - quadrants()).max() <= 6


def with_focal(focal: object, size: tuple[int, int] | None = None) -> bytes:
    exif = Image.Exif()
    directory = exif.get_ifd(ExifTags.IFD.Exif)
    directory[ExifTags.Base.FocalLengthIn35mmFilm] = focal
    if size:
        directory[ExifTags.Base.ExifImageWidth], directory[ExifTags.Base.ExifImageHeight] = size
    return encoded(RGB, "JPEG", exif=exif)


def test_focal_length_from_exif() -> None:
    picture = read_image_bytes(with_focal(26, (4000, 3000)), "phone.jpg")
    assert picture.focal_35mm == 26.0
    assert picture.focal_px == pytest.approx(26.0 / 43.267 * 120.0)  # the diagonal of 96 x 72 is 120
    assert read_image_bytes(GOOD["rgb.jpg"][0], "plain.jpg").focal_px is None


@pytest.mark.parametrize(("written", "read"), [(2.5, 2.5), (0.0, None), (0.01, None), (400.0, None)])
def test_distance_of_focus_from_exif(written: float, read: float | None) -> None:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.SubjectDistance] = written
    buffer = io.BytesIO()
    Image.new("RGB", (96, 72)).save(buffer, "JPEG", exif=exif)
    assert read_image_bytes(buffer.getvalue(), "phone.jpg").focus_m == read


def test_focal_length_of_a_cropped_picture_is_dropped() -> None:
    picture = read_image_bytes(with_focal(26, (4000, 2250)), "phone.jpg")
    assert picture.focal_35mm is None
    assert "cropped" in picture.notes[0]


@pytest.mark.parametrize("focal", [0, 65535, 2])
def test_impossible_focal_length_is_dropped(focal: int) -> None:
    assert read_image_bytes(with_focal(focal), "phone.jpg").focal_35mm is None


def test_large_picture_is_reduced_with_a_note() -> None:
    picture = read_image_bytes(encoded(RGB.resize((3000, 1500), Image.Resampling.NEAREST), "BMP"), "large.bmp")
    assert picture.wh == (2048, 1024)
    assert picture.given_wh == (3000, 1500)
    assert picture.working_from_given == pytest.approx((2048 / 3000, 1024 / 1500))
    np.testing.assert_array_equal(picture.pixels[100, 100], (200, 40, 40))
    assert "reduced from 3000 x 1500 to 2048 x 1024" in picture.notes[0]
    assert picture.has_size((3000, 1500))
    assert picture.has_size((2048, 1024))
    assert not picture.has_size((1024, 2048))


def cut(data: bytes, share: float) -> bytes:
    return data[: int(len(data) * share)]


NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8))
UNREADABLE = {
    "empty.png": (b"", "empty"),
    "text.png": (b"this is no picture at all, only some text", "not a picture"),
    "noise.jpg": (np.random.default_rng(1).bytes(5000), "not a picture"),
    "header.png": (GOOD["rgb.png"][0][:12], "picture"),
    "truncated.png": (cut(encoded(NOISE, "PNG"), 0.6), "truncated"),
    "truncated.jpg": (cut(encoded(NOISE, "JPEG"), 0.6), "truncated"),
    "truncated.bmp": (cut(encoded(NOISE, "BMP"), 0.6), "truncated"),
    "truncated.tiff": (cut(encoded(NOISE, "TIFF"), 0.6), "picture"),
    "truncated.webp": (cut(encoded(NOISE, "WEBP"), 0.6), "picture"),
    "truncated.avif": (cut(encoded(NOISE, "AVIF"), 0.6), "picture"),
    "corrupt.png": (encoded(NOISE, "PNG").replace(b"IDAT", b"IDAT" + b"\0" * 64), "picture"),
}
UNSUPPORTED = {
    "small.png": (encoded(RGB.resize((200, 63)), "PNG"), "200 x 63"),
    "panorama.png": (encoded(RGB.resize((600, 120)), "PNG"), "4:1"),
    "tower.png": (encoded(RGB.resize((100, 401)), "PNG"), "4:1"),
    "bomb.ppm": (b"P6 40000 40000 255\n", "100 megapixels"),
    "large.ppm": (b"P6 10001 10000 255\n", "10001 x 10000"),
    "float.tiff": (encoded(Image.fromarray(np.ones((HEIGHT, WIDTH), np.float32)), "TIFF"), "floating-point"),
    "int32.tiff": (encoded(Image.fromarray(np.full((HEIGHT, WIDTH), 70000, np.int32)), "TIFF"), "32-bit"),
    "render.exr": (b"\x76\x2f\x31\x01" + b"\0" * 60, "OpenEXR"),
    "phone.heic": (b"\0\0\0\x18ftypheic" + b"\0" * 60, "HEIC"),
    "sheet.pdf": (b"%PDF-1.7" + b"\0" * 60, "PDF"),
    "film.mp4": (b"\0\0\0\x18ftypisom" + b"\0" * 60, "film"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_broken_pictures_are_refused(name: str, tmp_path: Path, refused: Callable[..., str]) -> None:
    data, word = UNREADABLE[name]
    (tmp_path / name).write_bytes(data)
    refused(UnreadableImageError, (name, word), read_image, tmp_path / name)
    refused(UnreadableImageError, (name, word), read_image_bytes, data, name)


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_unusable_pictures_are_refused(name: str, tmp_path: Path, refused: Callable[..., str]) -> None:
    data, word = UNSUPPORTED[name]
    (tmp_path / name).write_bytes(data)
    refused(UnsupportedImageError, (name, word), read_image, tmp_path / name)


def test_what_is_no_file_is_refused(tmp_path: Path, refused: Callable[..., str]) -> None:
    refused(UnreadableImageError, ("missing.png", "no such file"), read_image, tmp_path / "missing.png")
    refused(UnreadableImageError, (tmp_path.name, "folder"), read_image, tmp_path)
    refused(UnreadableImageError, ("long",), read_image, tmp_path / ("long" * 100))
    refused(UnreadableImageError, ("null", "plain file"), read_image, Path("/dev/null"))


def test_long_file_is_refused_before_it_is_read(
    tmp_path: Path, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "huge.png").open("wb") as file:
        file.truncate(image_module.MAX_FILE_BYTES + 1)  # sparse: takes no room
    refused(UnsupportedImageError, ("huge.png", "200 MB"), read_image, tmp_path / "huge.png")
    monkeypatch.setattr(image_module, "MAX_FILE_BYTES", 100)
    refused(UnsupportedImageError, ("rgb.png", "MB"), read_image_bytes, GOOD["rgb.png"][0], "rgb.png")


def test_symbolic_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.png").write_bytes(GOOD["rgb.png"][0])
    (tmp_path / "link.png").symlink_to(tmp_path / "real.png")
    np.testing.assert_array_equal(read_image(tmp_path / "link.png").pixels, quadrants())


@settings(max_examples=150)
@given(
    name=st.sampled_from(sorted(GOOD)),
    start=st.floats(0, 1),
    junk=st.binary(min_size=1, max_size=8),
    keep=st.booleans(),
)
def test_damage_anywhere_gives_a_picture_or_an_input_error(name: str, start: float, junk: bytes, keep: bool) -> None:
    data = GOOD[name][0]
    at = int(start * len(data))
    damaged = data[:at] + junk + (data[at + len(junk) :] if keep else b"")
    with contextlib.suppress(InputError):
        assert isinstance(read_image_bytes(damaged, name), Picture)
