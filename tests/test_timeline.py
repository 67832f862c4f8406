import numpy as np
import pytest

from assay.timeline import FacePath, Mark, Moment, Shot, Stretch, Timeline


def a_mark(start_s: float = 1.0, end_s: float = 1.0, detector: str = "optical_flow") -> Mark:
    return Mark(
        start_s, end_s, "A break", "notable", detector, f"family of {detector}", "face 1", 1
    )


def test_what_lasts_no_time_or_is_no_time_is_refused() -> None:
    for start, end in ((2.0, 1.0), (float("nan"), 1.0)):
        with pytest.raises(ValueError, match="lasts"):
            a_mark(start, end)
        with pytest.raises(ValueError, match="lasts"):
            Stretch(start, end, 1.0, 0.9, 0.5, "d", "f", "face 1", 1, True)
        with pytest.raises(ValueError, match="lasts"):
            Shot(start, end)
        with pytest.raises(ValueError, match="lasts"):
            Timeline(start, end)


def test_pieces_follow_each_other() -> None:
    assert Timeline(0.0, 9.0, pieces_s=((0.0, 2.0), (3.0, 4.0))).moments == ()
    with pytest.raises(ValueError, match="follow"):
        Timeline(0.0, 9.0, pieces_s=((3.0, 4.0), (0.0, 2.0)))


def test_a_moment_has_a_cause_and_its_peak_lies_in_it() -> None:
    with pytest.raises(ValueError, match="cause"):
        Moment(0.0, 1.0, 0.5, "face 1", 1, None, 1.0, False, ())
    with pytest.raises(ValueError, match="peak"):
        Moment(0.0, 1.0, 2.0, "face 1", 1, None, 1.0, False, (a_mark(),))


def test_a_moment_names_each_detector_once_the_strongest_first() -> None:
    causes = (a_mark(detector="b"), a_mark(detector="a"), a_mark(detector="b"))
    moment = Moment(1.0, 1.0, 1.0, "face 1", 1, None, 1.0, False, causes)
    assert moment.detectors == ("b", "a")
    assert moment.families == ("family of b", "family of a")


def test_a_path_has_a_box_for_each_time() -> None:
    with pytest.raises(ValueError, match="one box a time"):
        FacePath(1, np.zeros(3, np.float32), np.zeros((2, 4), np.float32))
