from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the train extra is not installed")
pytest.importorskip("pyarrow", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from sklearn import metrics as theirs  # noqa: E402

from assay.errors import ConfigError  # noqa: E402
from assay.evaluation import spoofing  # noqa: E402
from assay.evaluation.models import About  # noqa: E402
from assay.evaluation.official import Extra, official, require_asv  # noqa: E402
from assay.evaluation.protocol_runs import Asked, Scores  # noqa: E402
from assay.training.datasets.records import FakeSpan, Record  # noqa: E402

from .made_models import made_rows  # noqa: E402

ASKED = Asked(n_draws=30)


def scores(dataset: str, **more: Any) -> Scores:
    about = About("m", "h", "s", "probability")
    return Scores(about, tuple(made_rows("m", n=40, shift=1.5, dataset=dataset, **more)))


def of(found: list[dict[str, Any]], level: str = "file") -> dict[tuple[str, str], Any]:
    return {
        (r["slice"].removeprefix("official: "), r["metric"]): r["value"]
        for r in found
        if r["slice"].startswith("official: ") and r["level"] == level
    }


def files(one: Scores) -> tuple[np.ndarray, np.ndarray]:
    rows = [r for r in one.rows if r.level == "file"]
    return np.array([r.p_fake for r in rows]), np.array([r.label == "fake" for r in rows])


def test_faceforensics_by_class_and_compression() -> None:
    one = scores("faceforensics++", subset="c23")
    found = official([one], ASKED, Extra()).rows
    numbers = of(found)
    p, fake = files(one)
    assert numbers["faceforensics++ c23", "accuracy"] == pytest.approx(
        theirs.accuracy_score(fake, p >= 0.5)
    )
    assert numbers["faceforensics++ c23 pristine", "class_accuracy"] == pytest.approx(
        np.mean(p[~fake] < 0.5)
    )
    assert ("faceforensics++ c23 gan_a", "class_accuracy") in numbers
    assert ("faceforensics++ c23 gan_a and pristine", "balanced_accuracy") in numbers
    assert of(found, "frame")["faceforensics++ c23", "accuracy"] is not None


def test_dfdc_and_celeb_df() -> None:
    one = scores("dfdc")
    p, fake = files(one)
    numbers = of(official([one], ASKED, Extra()).rows)
    assert numbers["dfdc", "log_loss"] == pytest.approx(theirs.log_loss(fake, p))
    assert numbers["dfdc", "f1"] == pytest.approx(theirs.f1_score(fake, p >= 0.5))
    assert numbers["dfdc", "auc"] == pytest.approx(theirs.roc_auc_score(fake, p))
    numbers = of(official([scores("celeb_df_v2")], ASKED, Extra()).rows)
    assert list(numbers) == [("celeb_df_v2", "auc")]


def test_asvspoof_takes_the_form_of_its_year() -> None:
    asv = spoofing.AsvErrors(0.02, 0.02, 0.3)
    old = of(official([scores("asvspoof2019")], ASKED, Extra(asv=asv)).rows)
    new = of(official([scores("asvspoof2021_la")], ASKED, Extra(asv=asv)).rows)
    p, fake = files(scores("asvspoof2019"))
    trials = spoofing.Trials.of(p, fake)
    assert old["asvspoof2019", "min_tdcf"] == pytest.approx(spoofing.min_tdcf_2019(trials, asv))
    assert new["asvspoof2021_la", "min_tdcf"] == pytest.approx(spoofing.min_tdcf(trials, asv))
    assert old["asvspoof2019", "min_tdcf_2021_form"] == new["asvspoof2021_la", "min_tdcf"]
    assert ("asvspoof2019 gan_a", "equal_error_rate") in old
    found = official([scores("asvspoof2019")], ASKED, Extra())
    assert of(found.rows)["asvspoof2019", "min_tdcf"] is None
    assert "no_asv_scores" in {n.code for n in found.notices}
    assert ("asvspoof2021_df", "min_tdcf") not in of(
        official([scores("asvspoof2021_df")], ASKED, Extra(asv=asv)).rows
    )


def test_asvspoof_5_takes_ratios() -> None:
    numbers = of(official([scores("asvspoof5")], ASKED, Extra()).rows)
    p, fake = files(scores("asvspoof5"))
    ratios = spoofing.Trials.of(np.log(p / (1 - p)), fake)
    assert numbers["asvspoof5", "cllr"] == pytest.approx(spoofing.cllr(ratios))
    assert numbers["asvspoof5", "act_dcf"] == pytest.approx(spoofing.act_dcf(ratios))
    assert numbers["asvspoof5", "min_dcf"] == pytest.approx(spoofing.min_dcf(ratios))
    any_scale = Scores(
        About("m", "h", "s", "score"),
        tuple(replace(r, p_fake=None, threshold=None) for r in scores("asvspoof5").rows),
    )
    found = of(official([any_scale], ASKED, Extra()).rows)
    assert found["asvspoof5", "cllr"] is None
    assert found["asvspoof5", "min_dcf"] == pytest.approx(numbers["asvspoof5", "min_dcf"])


def test_each_generator_has_its_own_reals_and_the_mean_is_over_generators() -> None:
    one = scores("forensynths")
    rows = tuple(
        replace(r, subset=r.method or ("gan_a", "gan_b")[int(r.path[5:-4]) % 2]) for r in one.rows
    )
    numbers = of(official([Scores(one.about, rows)], ASKED, Extra()).rows)
    aps = []
    for name in ("gan_a", "gan_b"):
        own = [r for r in rows if r.level == "file" and r.subset == name]
        fake, p = [r.label == "fake" for r in own], [r.p_fake for r in own]
        aps.append(theirs.average_precision_score(fake, p))
        assert numbers[f"forensynths {name}", "average_precision"] == pytest.approx(aps[-1])
    mean = numbers["forensynths mean over generators", "average_precision"]
    assert mean == pytest.approx(np.mean(aps))


def test_forged_seconds_need_the_manifest() -> None:
    one = scores("lav_df")
    records = {}
    for r in one.rows:
        spans = (FakeSpan(0.0, 0.1),) if r.label == "fake" else ()
        records[r.item] = Record("lav_df", r.path, "video", r.label, spans=spans)  # type: ignore[arg-type]
    found = official([one], ASKED, Extra(records=records))
    numbers = of(found.rows)
    assert numbers["lav_df", "ap_50"] > 0
    assert numbers["lav_df", "ap_50"] >= numbers["lav_df", "ap_95"]
    assert {"proposals_of_frames"} <= {n.code for n in found.notices}
    bare = official([one], ASKED, Extra())
    assert ("lav_df", "ap_50") not in of(bare.rows)
    assert "no_spans" in {n.code for n in bare.notices}
    one_million = scores("av_deepfake1m")
    moved = {("av_deepfake1m", *k[1:]): v for k, v in records.items()}
    assert of(official([one_million], ASKED, Extra(records=moved)).rows)[
        "av_deepfake1m", "localisation_score"
    ] is not None  # fmt: skip


def bench(rows: list[Any]) -> dict[str, float]:
    """DeepfakeBench's numbers, computed anew from its description."""
    p, fake = np.array([r.p_fake for r in rows]), np.array([r.label == "fake" for r in rows])
    alarms, hits, _ = theirs.roc_curve(fake, p, pos_label=True)
    videos: dict[str, list[float]] = {}
    for r in rows:
        videos.setdefault(r.path, []).append(float(r.p_fake))
    truth = [name.startswith("fake") for name in videos]
    return {
        "accuracy": float(np.mean((p > 0.5) == fake)),
        "auc": float(theirs.auc(alarms, hits)),
        "equal_error_rate": float(alarms[np.nanargmin(np.abs(1 - hits - alarms))]),
        "average_precision": float(theirs.average_precision_score(fake, p)),
        "video_auc": theirs.roc_auc_score(truth, [np.mean(v) for v in videos.values()]),
    }


def test_every_other_set_is_measured_as_deepfakebench_does() -> None:
    one = scores("uadfv")
    found = official([one], ASKED, Extra()).rows
    expected = bench([r for r in one.rows if r.level == "frame"])
    numbers = of(found, "frame") | {k: v for k, v in of(found).items() if k[1] == "video_auc"}
    assert {k[1]: v for k, v in numbers.items()} == pytest.approx(expected)


def test_too_few_of_a_label_and_a_missing_file() -> None:
    one = scores("dfdc")
    reals = Scores(one.about, tuple(r for r in one.rows if r.label == "real"))
    assert set(of(official([reals], ASKED, Extra()).rows).values()) == {None}
    assert require_asv(None) is None
    with pytest.raises(ConfigError, match="no speaker-verification scores at"):
        require_asv(Path("nowhere"))
