import sys

import numpy as np
import pytest

from regen3d.metrics.pictures import lpips_distance, psnr_db, ssim

GREY = np.full((32, 40, 3), 100, dtype=np.uint8)
LEFT = np.zeros((32, 40), dtype=bool)
LEFT[:, :12] = True
EMPTY = np.zeros_like(LEFT)


def test_psnr_of_a_known_error() -> None:
    found = GREY.copy()
    found[LEFT] += 10
    assert psnr_db(found, GREY, LEFT) == pytest.approx(20 * np.log10(25.5))
    assert psnr_db(found, GREY, ~LEFT) == float("inf")
    assert psnr_db(found, GREY, EMPTY) is None


def test_ssim_of_even_pictures_compares_their_brightness() -> None:
    found = np.full_like(GREY, 150)
    c1 = (0.01 * 255) ** 2
    expected = (2 * 100 * 150 + c1) / (100**2 + 150**2 + c1)
    assert ssim(found, GREY, LEFT) == pytest.approx(expected)
    assert ssim(GREY, GREY, LEFT) == pytest.approx(1.0)
    assert ssim(GREY, GREY, EMPTY) is None


def test_ssim_falls_with_noise_and_looks_at_the_mask_alone(rng: np.random.Generator) -> None:
    true = rng.integers(60, 190, (64, 64, 3), dtype=np.uint8)
    mask = np.zeros((64, 64), dtype=bool)
    mask[:, :20] = True
    noise = rng.normal(size=true.shape)
    values = [ssim(np.clip(true + sigma * noise, 0, 255).astype(np.uint8), true, mask) for sigma in (0, 5, 20, 60)]
    assert values == sorted(values, reverse=True)
    elsewhere = true.copy()
    elsewhere[:, 40:] = 0
    assert ssim(elsewhere, true, mask) == pytest.approx(1.0)


def test_lpips_says_why_it_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lpips", None)
    missing = lpips_distance(GREY, GREY, LEFT)
    assert missing.value is None
    assert "pip install lpips" in missing.reason
    assert lpips_distance(GREY, GREY, EMPTY).reason == "The mask is empty."


def test_lpips_loads_no_model_without_weights(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setitem(sys.modules, "lpips", object())
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    missing = lpips_distance(GREY, GREY, LEFT)
    assert missing.value is None
    assert str(tmp_path) in missing.reason
