from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from assay.evaluation.scores import FILE_LEVEL, Row
from assay.evaluation.slices import cuts_of, rate_name, samples, slices_of

from .made_rows import collection, rows_of


def test_only_rows_that_owe_an_answer_count() -> None:
    rows = [
        *collection(),
        *rows_of("easy", "fake", 3, 4.0, variant="crop_10"),
        Row("a", "fake", "m", "g", detector="tags", status="reported"),
        Row("a", "fake", "m", "g", detector="blend", status="not_applicable"),
        Row("a", "fake", "m", "g", status="failed", reason="died"),
    ]
    found = samples(rows)
    assert list(found) == [FILE_LEVEL, "blend"]
    assert len(found["blend"].rows) == len(collection())
    assert not found[FILE_LEVEL].covered.any()


def test_the_raw_logit_orders_the_rows() -> None:
    rows = [replace(row, p_fake=1.0) for row in rows_of("easy", "fake", 8, 50.0)]
    sample = samples(rows)["blend"]
    assert len(set(sample.score.tolist())) == 8
    assert sample.raw is not None
    assert (sample.raw <= 1).all()


def test_another_systems_scale_is_kept() -> None:
    rows = [Row(f"{i}", "real", "m", f"{i}", score=10.0 * i) for i in range(6)]
    sample = samples(rows)[FILE_LEVEL]
    assert sample.score.tolist() == [0, 10, 20, 30, 40, 50]
    assert sample.p is None
    assert sample.raw is None
    assert "as_shipped" not in cuts_of(sample, (0.05,))


def test_the_cut_is_one_for_all_sources() -> None:
    sample = samples(collection())["blend"]
    cuts = cuts_of(sample, (0.05, 0.01, 0.05))
    assert list(cuts) == ["as_shipped", "far_5", "far_1"]
    reals = sample.covered & ~sample.fake
    cut = cuts["far_5"]
    assert cut.fired[reals].mean() <= 0.05
    assert cut.fired[reals].sum() == int(0.05 * reals.sum())
    assert (cut.fired == (np.nan_to_num(sample.score, nan=-9.0) >= cut.value)).all()
    assert cut.measurable
    assert not cuts_of(sample, (0.001,))["far_0.1"].measurable


def test_the_surest_lies_farthest_from_its_own_cut() -> None:
    rows = rows_of("easy", "fake", 12, 1.0)
    sample = samples(rows)["blend"]
    sure = cuts_of(sample, (0.01,))["as_shipped"].sure
    away = np.abs(sample.score - 1.0)
    assert np.argsort(sure).tolist() == np.argsort(away).tolist()


def test_every_source_is_read_against_all_of_the_other_label() -> None:
    sample = samples(collection())["blend"]
    found = {(one.kind, one.name): one.mask for one in slices_of(sample)}
    assert next(iter(found)) == ("overall", "all")
    assert not [kind for kind, _ in found if kind == "modality"]
    hard = found["fake_source", "hard"]
    assert (hard & sample.fake).sum() == 30
    assert (hard & ~sample.fake).sum() == (~sample.fake).sum()
    street = found["real_source", "street"]
    assert (street & sample.fake).sum() == sample.fake.sum()
    assert set(sample.method[street & ~sample.fake]) == {"street"}


def test_modalities_are_told_apart_where_there_are_several() -> None:
    rows = [*collection(), *rows_of("clips", "fake", 6, 1.0, modality="video")]
    kinds = [one.name for one in slices_of(samples(rows)["blend"]) if one.kind == "modality"]
    assert kinds == ["image", "video"]


def test_a_part_keeps_its_scale() -> None:
    sample = samples(collection())["blend"]
    part = sample.take(sample.covered & sample.fake)
    assert part.fake.all()
    assert part.score.tolist() == sample.score[sample.covered & sample.fake].tolist()
    assert len(part.rows) == 63


@pytest.mark.parametrize(("rate", "name"), [(0.01, "far_1"), (0.05, "far_5"), (0.001, "far_0.1")])
def test_rates_are_named_in_percent(rate: float, name: str) -> None:
    assert rate_name(rate) == name
