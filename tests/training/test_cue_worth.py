from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the train extra is not installed")
pytest.importorskip("tqdm", reason="the train extra is not installed")

from assay.inputs.face_cues import CUES
from assay.training.cue_measuring import NUISANCES, CueTable
from assay.training.cue_worth import (
    Worth,
    against,
    earns_a_weight,
    generators,
    matching_weights,
    mean_worth,
    weighted_auc,
    worth,
    worth_by_generator,
)


def made(
    n: int = 400, shift: float = 0.0, nuisance_shift: float = 0.0, cue_of_nuisance: float = 0.0
) -> CueTable:
    """Half genuine, half by generator "g"; cue 0 holds `shift` for fakes, and whatever the first
    nuisance brings with it."""
    rng = np.random.default_rng(5)
    fake = np.arange(n) >= n // 2
    nuisances = rng.normal(size=(n, len(NUISANCES)))
    nuisances[:, 0] += nuisance_shift * fake
    cues = rng.normal(size=(n, len(CUES)))
    cues[:, 0] += shift * fake + cue_of_nuisance * nuisances[:, 0]
    names = np.array([f"p{i}" for i in range(n)])
    sources = np.array([f"p{i}.png" for i in range(n)])
    method = np.where(fake, "g", "photographs")
    copies = np.ones(n, bool)
    return CueTable(cues, nuisances, copies, fake, method, names, np.full(n, "train"), sources)


def test_an_honest_difference_is_found_and_none_is_not_invented() -> None:
    for shift, low, high in ((0.0, 0.42, 0.58), (1.0, 0.68, 0.84), (-1.0, 0.16, 0.32)):
        table = made(shift=shift)
        one = worth_by_generator(table.cues[:, 0], table, 0.95, 60, 1)["g"]
        assert low < one.auc < high
        assert one.low <= one.auc <= one.high


def test_a_difference_that_pose_explains_is_taken_away() -> None:
    table = made(n=1200, nuisance_shift=1.0, cue_of_nuisance=1.0)
    plain = weighted_auc(table.cues[:, 0], table.fake, np.ones(len(table)))
    matched = worth_by_generator(table.cues[:, 0], table, 0.95, 40, 1)["g"]
    assert plain > 0.62
    assert matched.auc < 0.58


def test_matching_makes_genuine_faces_like_the_fakes() -> None:
    table = made(n=1200, nuisance_shift=1.0)
    weights = matching_weights(table)
    genuine = ~table.fake
    assert (weights[table.fake] == 1).all()
    mean = np.average(table.nuisances[genuine, 0], weights=weights[genuine])
    assert mean == pytest.approx(table.nuisances[table.fake, 0].mean(), abs=0.15)
    assert weights.max() <= 10


def test_the_auc_is_weighted() -> None:
    scores, fake = np.array([0.0, 1.0, 0.5]), np.array([False, False, True])
    assert weighted_auc(scores, fake, np.array([3.0, 1.0, 1.0])) == pytest.approx(0.75)


def test_too_few_people_have_no_worth() -> None:
    table = made()
    few = np.where(table.fake & (np.arange(len(table)) > 205), np.nan, table.cues[:, 0])
    assert worth(few, table, np.ones(len(table)), 0.95, 10, 0) is None


def test_one_person_in_many_files_is_one_person() -> None:
    table = made()
    columns = {name: getattr(table, name) for name in CueTable.__slots__}
    columns["group"] = np.where(table.fake, "only one", table.group)
    assert worth_by_generator(table.cues[:, 0], CueTable(**columns), 0.95, 10, 0) == {}


def test_paired_clips_are_compared_with_themselves_and_films_with_films() -> None:
    table = made(12)
    columns = {name: getattr(table, name).copy() for name in CueTable.__slots__}
    columns["method"][[0, 1]] = "g"
    assert set(against(CueTable(**columns), "g")) == {0, 1, *range(6, 12)}
    columns = {name: getattr(table, name).copy() for name in CueTable.__slots__}
    columns["source"] = np.array([f"p{i}.{'mp4' if i % 2 else 'png'}" for i in range(12)])
    columns["method"][[7, 9, 11]] = "film"
    films = CueTable(**columns)
    assert generators(films) == ("film", "g")
    assert set(against(films, "film")) == {1, 3, 5, 7, 9, 11}
    assert set(against(films, "g")) == {0, 2, 4, 6, 8, 10}


def one(auc: float, half: float) -> Worth:
    return Worth(auc, auc - half, auc + half, 50, 50, np.linspace(auc - half, auc + half, 9))


@pytest.mark.parametrize(
    ("parts", "sign"),
    [
        ((one(0.7, 0.05), one(0.65, 0.05)), 1),
        ((one(0.3, 0.05), one(0.35, 0.05)), -1),
        ((one(0.52, 0.05), one(0.53, 0.05)), 0),
        ((one(0.9, 0.05), one(0.35, 0.05)), 0),  # speaks against the truth on the second
        ((one(0.9, 0.05), one(0.45, 0.1)), 1),
    ],
)
def test_a_cue_earns_a_weight_only_where_it_holds(parts: tuple[Worth, ...], sign: int) -> None:
    overall = mean_worth(parts, 0.99)
    assert earns_a_weight(dict(enumerate(parts)), overall) == sign  # type: ignore[arg-type]


def test_the_mean_counts_each_generator_once() -> None:
    overall = mean_worth((one(0.6, 0.1), one(0.8, 0.1)), 0.95)
    assert overall.auc == pytest.approx(0.7)
    assert overall.low < 0.7 < overall.high
    assert set(overall.as_json()) == {"auc", "low", "high", "n_fake", "n_genuine"}
