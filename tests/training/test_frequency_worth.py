from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is part of the training extra")
pytest.importorskip("cv2", reason="degradations are part of the training extra")

from assay.inputs.spectrum import FEATURES, NAMES
from assay.training.frequency_measuring import WINDOWS, SpectrumTable
from assay.training.frequency_worth import (
    WEIGHED,
    balance,
    detection_table,
    family_of,
    fold_of,
    generator_table,
    pool_table,
    weigh,
    without_each_generator,
    without_each_pool,
)

FIT = {"folds": 3, "c": 0.05, "bound": 3.0, "draws": 40, "seed": 1}
SPEAKING, OWN = NAMES.index("ring_0.350"), NAMES.index("ring_0.200")
FAKES = {"stylegan-a": 60, "stylegan-b": 20, "sdxl": 40}
GENUINE = {"cfp": 90, "web-one": 20, "web-two": 20, "camera-photos": 40}


def made_table(shift: float = 1.5, seed: int = 0) -> SpectrumTable:
    """Fakes that stand out by one feature; StyleGAN ones by another of their own besides."""
    rng = np.random.default_rng(seed)
    counts = {**FAKES, **GENUINE}
    names = np.repeat(list(counts), list(counts.values()))
    fake = np.isin(names, list(FAKES))
    features = rng.normal(size=(len(names), WINDOWS, len(NAMES))).astype(np.float32)
    features += rng.normal(size=(len(names), 1, len(NAMES))) * 0.5
    features[fake, :, SPEAKING] += shift
    features[np.char.startswith(names, "stylegan"), :, OWN] += 3 * shift
    features[::7, 2:] = np.nan
    n = len(names)
    table = SpectrumTable(
        features=features,
        fake=fake,
        method=names,
        source=np.where(fake, "", names),
        group=np.array([f"train/{i // 2}" for i in range(n)]),
        split=np.full(n, "train"),
        copy=np.full(n, "found"),
        path=np.array([f"{i}.png" for i in range(n)]),
        blockiness=np.ones(n, np.float32),
        sharpness=np.ones(n, np.float32),
    )
    twice = table.rows(np.tile(np.arange(n), 4))
    copies = np.repeat(["found", "degraded 0", "jpeg 75", "resized 0.75"], n)
    columns = {name: getattr(twice, name) for name in SpectrumTable.__slots__}
    return SpectrumTable(**{**columns, "copy": copies})


def test_pools_and_generators_count_alike() -> None:
    table = made_table()
    weights = balance(table)
    sums = [weights[table.method == name].sum() for name in FAKES]
    assert sums == pytest.approx([sums[0]] * 3)
    web = weights[np.char.startswith(table.source, "web-")].sum()
    assert web == pytest.approx(weights[table.source == "cfp"].sum())
    assert weights[table.fake].sum() == pytest.approx(weights[~table.fake].sum())


def test_a_feature_that_speaks_gets_its_sign_and_the_grid_of_jpeg_no_weight() -> None:
    table = made_table()
    grid = [n for n, feature in enumerate(FEATURES) if feature.group == "jpeg_grid"]
    table.features[np.ix_(np.flatnonzero(table.fake), range(WINDOWS), grid)] += 50
    weighing = weigh(table, FIT)
    assert weighing.weight[SPEAKING] > 3 * np.abs(np.delete(weighing.weight, [SPEAKING, OWN])).max()
    assert (weighing.weight[~WEIGHED] == 0).all()


def test_a_picture_is_the_mean_of_its_windows_and_no_feature_goes_beyond_the_bound() -> None:
    table = made_table()
    weighing = weigh(table, FIT)
    logits = weighing.of_pictures(table.features)
    first = weighing.logits(table.features[0, :2])
    assert np.isnan(table.features[0, 2:]).all()
    assert logits[0] == pytest.approx(first.mean())
    wild = np.full((1, len(NAMES)), 1e9)
    assert np.abs(weighing.logits(wild)[0] - weighing.bias) <= np.abs(weighing.weight).sum() * 3.001
    assert weighing.logits(np.full((1, len(NAMES)), np.nan)) == pytest.approx([weighing.bias])


def test_a_group_is_never_divided_between_folds() -> None:
    table = made_table()
    fold = fold_of(table, 3)
    assert set(fold.tolist()) == {0, 1, 2}
    for group in set(table.group.tolist()):
        assert len(set(fold[table.group == group].tolist())) == 1


def test_families_are_left_out_together() -> None:
    assert family_of("stylegan2-ffhq") == family_of("stylegan-portraits") == "stylegan"
    assert family_of("realesrgan-x4") == "realesrgan"
    assert family_of("sdxl") == "sdxl"
    table = made_table()
    everything = np.ones(len(table), bool)
    scores = without_each_generator(table, everything, FIT)
    assert set(scores) == set(FAKES)
    np.testing.assert_array_equal(scores["stylegan-a"], scores["stylegan-b"])
    # What only StyleGAN does is not known to weights that never saw it.
    own = table.method == "stylegan-a"
    assert scores["stylegan-a"][own].mean() < scores["sdxl"][own].mean()


def test_the_tables_find_what_is_there_and_nothing_in_noise() -> None:
    found = {}
    for shift in (0.0, 1.5):
        table = made_table(shift)
        everything = np.ones(len(table), bool)
        scores = without_each_generator(table, everything, FIT)
        aucs = generator_table(table, scores, FIT)
        assert set(aucs) == {"as found", "degraded", "JPEG 75", "resized 0.75"}
        mean = aucs["as found"]["mean"]
        assert mean["low"] < mean["value"] < mean["high"]
        found[shift] = mean["value"], detection_table(table, scores, FIT)["mean"]["value"]
    assert abs(found[0.0][0] - 0.5) < 0.12
    assert found[0.0][1] < 0.1
    assert found[1.5][0] > 0.8
    assert found[1.5][1] > 0.15


def test_unseen_sources_are_compared_with_all_generators() -> None:
    table = made_table()
    scores = without_each_pool(table, np.ones(len(table), bool), FIT)
    aucs = pool_table(table, scores, FIT)["as found"]
    assert set(aucs) == {"cfp", "camera-photos", "web-photos", "mean"}
    assert aucs["web-photos"]["value"] > 0.8


def test_the_auc_is_that_of_scikit_learn() -> None:
    from sklearn.metrics import roc_auc_score

    table = made_table()
    table = table.rows(table.copy == "found")
    scores = {"sdxl": np.random.default_rng(0).normal(size=len(table)) + table.fake}
    chosen = ~table.fake | (table.method == "sdxl")
    part = table.rows(chosen)
    wanted = roc_auc_score(part.fake, scores["sdxl"][chosen], sample_weight=balance(part))
    found = generator_table(table, scores, {**FIT, "draws": 5})["as found"]["sdxl"]["value"]
    assert found == pytest.approx(wanted)
