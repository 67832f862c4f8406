from __future__ import annotations

from assay.inputs.told_history import LIMIT, history_finding


def test_a_finding_has_a_code_a_limit_and_a_stretch_of_time() -> None:
    found = history_finding(
        "video_history", "x", "notable", "Title", "Meaning.", {"a": 1}, ("Cause.",), (-0.2, 1.00049)
    )
    assert found.code == "video_history_x"
    assert found.meaning.endswith(LIMIT)
    assert found.region is not None
    assert (found.region.start_s, found.region.end_s) == (0.0, 1.0)
    assert history_finding("a", "b", "info", "", "", {}).region is None
    reverse = history_finding("a", "b", "info", "", "", {}, span_s=(3.0, 2.0)).region
    assert reverse is not None
    assert reverse.end_s == 3.0
