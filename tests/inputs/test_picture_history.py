from __future__ import annotations

import numpy as np

from assay.inputs.frame_history import Seen
from assay.inputs.picture_history import picture_findings


def moving(n: int = 80) -> Seen:
    rng = np.random.default_rng(0)
    change = np.r_[0.0, 2 + 0.2 * rng.random(n - 1)]
    coarse = np.cumsum(4 * rng.standard_normal((n, 192)), axis=0).astype(np.float32)
    return Seen(np.arange(n) / 25, change, coarse, True)


def test_an_even_movement_is_not_told() -> None:
    assert picture_findings(moving()) == []
    assert picture_findings(None) == []


def test_each_kind_is_told_with_its_seconds() -> None:
    seen = moving()
    seen.change[20:28] = 0.0
    seen.coarse[60:75] = seen.coarse[35:50]
    found = {one.code.removeprefix("video_history_"): one for one in picture_findings(seen)}
    assert set(found) == {"frozen", "repeated"}
    for one in found.values():
        assert one.severity == "notable"
        assert one.innocent_causes
        assert one.region is not None
    assert found["frozen"].region is not None
    assert found["frozen"].region.start_s == 19 / 25
    assert found["repeated"].values["again_start_s"] == 60 / 25


def test_a_jump_within_a_scene_is_told_and_a_change_of_scene_is_not() -> None:
    rng = np.random.default_rng(1)
    scene = (100 * rng.random(192)).astype(np.float32)
    seen = moving()
    steady = Seen(seen.times_s, seen.change, np.tile(scene, (80, 1)), True)
    steady.change[40] = 30.0
    assert [one.code for one in picture_findings(steady)] == ["video_history_jump"]
    other = np.tile(scene, (80, 1))
    other[40:] = 100 * rng.random(192)
    assert picture_findings(Seen(seen.times_s, steady.change, other, True)) == []


def test_a_still_at_either_end_is_not_told() -> None:
    seen = moving()
    seen.change[1:12] = 0.0
    seen.change[-10:] = 0.0
    assert picture_findings(seen) == []


def test_a_converted_rate_is_a_bare_fact() -> None:
    seen = moving(100)
    seen.change[5::6] = 0.0
    (found,) = picture_findings(seen)
    assert (found.code, found.severity) == ("video_history_rate_converted", "info")
