"""The held-out tables: against scikit-learn, and on made scores whose truth is known."""

from __future__ import annotations

import gzip
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the train extra")
pytest.importorskip("matplotlib", reason="needs the train extra")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import generalisation
from held_out import figures, files, left_out, page, published, shipped
from held_out.scores import Scores, compact_scores, keep_compact, read_scores, short_names
from held_out.shipped import decision_of

from assay.bundles import load_card
from assay.evaluation.scores import Row
from tests.benchmarks.made_scores import GENERATORS, NETWORKS, write_run

DRAWS = 120
LOWER = "**−.020 [−.030, −.010]**"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("results")
    keep_compact(write_run(tmp_path_factory.mktemp("runs") / "made"), place)
    return place


@pytest.fixture(scope="module")
def scores(folder: Path) -> Scores:
    return compact_scores(folder)[0]


@pytest.fixture(scope="module")
def run(folder: Path, scores: Scores) -> dict[str, Any]:
    before = generalisation.RESULTS
    generalisation.RESULTS = folder
    try:
        return generalisation.of_run(scores, DRAWS)
    finally:
        generalisation.RESULTS = before


def by_name(entries: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {entry["left_out"]: entry for entry in entries}


def test_the_copy_holds_no_absolute_path_and_is_the_same_every_time(
    folder: Path, tmp_path: Path
) -> None:
    packed = (folder / "scores_made.csv.gz").read_bytes()
    assert b"/data" not in gzip.decompress(packed)
    again = keep_compact(write_run(tmp_path / "made"), tmp_path)
    assert again.read_bytes() == packed
    facts = json.loads((folder / "scores_made.json").read_text())
    assert facts == {"config": {"version": "9"}, "data_hash": "made", "shipped": "all"}


def test_the_variant_that_became_the_bundle_is_the_shipped_one(tmp_path: Path) -> None:
    run = write_run(tmp_path / "made")
    config = {"net": {"backbone": "lite0"}, "members": {"variants": {"lite2": {"width": 2}}}}
    (run / "resolved.json").write_text(json.dumps({"config": config}))
    (run / "bundle").mkdir()
    card = {"training": {"config": {"net": {"backbone": "lite0", "width": 2}}}}
    (run / "bundle" / "card.json").write_text(json.dumps(card))
    keep_compact(run, tmp_path)
    original = read_scores(run / "scores.csv", "made", {})
    found = compact_scores(tmp_path)[0]
    np.testing.assert_array_equal(found.logits["all"], original.logits["lite2"])
    np.testing.assert_array_equal(found.logits["lite0"], original.logits["all"])
    assert found.variants == ["lite0"]


def test_what_was_left_out_may_come_from_a_run_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = generalisation.NAMES[0]
    card, beside = load_card(name), f"{name}_left_out"
    for run in (name, beside):
        write_run(tmp_path / "runs" / run)
    facts = {
        "config": {"version": "7", "members": {"only": True}},
        "data_hash": "another",
        "start_sha256": card.network_sha256,
    }
    (tmp_path / "runs" / beside / "resolved.json").write_text(json.dumps(facts))
    results = tmp_path / "results"
    results.mkdir()
    monkeypatch.setattr(generalisation, "RESULTS", results)
    generalisation.take(tmp_path / "runs")
    own, other = compact_scores(results)
    assert (own.name, other.name) == (name, beside)
    # Its cuts are those of the installed bundle, which it scored as it is.
    assert decision_of(other).bundle_sha256 == card.network_sha256
    changed = replace(other, facts={**other.facts, "start_sha256": "of an earlier one"})
    assert decision_of(changed).bundle_sha256 is None
    result = generalisation.measured([own, other], 20) | {"published": None}
    parts = page.blocks(result, (name,))
    assert f"generalisation-{beside}-generators.png" in parts[f"generators {name}"]
    assert f"generalisation-{name}-shipped.png" in parts[f"shipped {name}"]
    drawn = figures.write_figures(result, [own, other], tmp_path / "drawn")
    wanted = {f"{beside}-generators", f"{beside}-sources", f"{name}-shipped"}
    assert {path.stem for path in drawn} == {f"generalisation-{kind}" for kind in wanted}


def test_paths_are_shortened_without_being_confused() -> None:
    found = short_names(["/a/x/1.jpg", "/a/y/1.jpg", "/a/2.jpg", "/a/2.jpg"])
    assert found == {"/a/x/1.jpg": "x/1.jpg", "/a/y/1.jpg": "y/1.jpg", "/a/2.jpg": "2.jpg"}


def test_the_compact_copy_says_the_same_as_the_original(scores: Scores, tmp_path: Path) -> None:
    original = read_scores(write_run(tmp_path / "made") / "scores.csv", "made", {})
    for name in NETWORKS:
        np.testing.assert_array_equal(original.logits[name], scores.logits[name])
    assert len(set(original.path.tolist())) == len(set(scores.path.tolist()))
    assert scores.n_without_score == 1


@pytest.mark.parametrize(
    "text",
    ["", "split,label\n", "split,label,method,source,group,path,all\nval,0,a,a,g,p,1\n"],
)
def test_scores_that_cannot_be_used_are_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "scores.csv").write_text(text)
    with pytest.raises(ValueError, match=r"scores\.csv"):
        read_scores(tmp_path / "scores.csv", "made", {})


def test_a_left_out_generator_is_measured_on_all_its_fakes_against_genuine_rows_kept_out(
    scores: Scores, run: dict[str, Any]
) -> None:
    from sklearn.metrics import average_precision_score, roc_auc_score

    reals = ~scores.fake & (scores.split != "train")
    fakes = scores.fake & (scores.method == "sdxl")
    rows = reals | fakes
    logits = scores.logits["without sdxl"][rows]
    found = by_name(run["generators"])["sdxl"]
    own = found["never_seen"]["without sdxl"]
    assert own["auc"]["value"] == pytest.approx(roc_auc_score(fakes[rows], logits))
    wanted = average_precision_score(fakes[rows], logits)
    assert own["average_precision"]["value"] == pytest.approx(wanted)
    assert found["n_fakes"] == 120
    assert found["n_fakes_fresh"] == 80
    assert found["n_reals"] == int(reals.sum())


def test_what_having_seen_a_generator_is_worth_is_found(run: dict[str, Any]) -> None:
    found = by_name(run["generators"])
    gain = found["sdxl"]["fresh"]["worth"]["auc"]
    fresh = found["sdxl"]["fresh"]
    wanted = fresh["reference"]["auc"]["value"] - fresh["without sdxl"]["auc"]["value"]
    assert gain["value"] == pytest.approx(wanted)
    assert gain["low"] > 0


def test_only_aligned_forgeries_have_sources_of_their_own(run: dict[str, Any]) -> None:
    found = by_name(run["generators"])
    assert found["sdxl"]["own_sources"] is None
    assert found["vae_*"]["own_sources"]["n_reals"] == 240
    assert 0.5 < found["vae_*"]["own_sources"]["without vae_*"]["auc"]["value"] < 0.8


def test_a_generator_without_fresh_fakes_is_called_seen(scores: Scores) -> None:
    from dataclasses import replace

    split = np.where(scores.method == "sdxl", "train", scores.split)
    found = by_name(left_out.generators(replace(scores, split=split), 20))["sdxl"]
    assert found["fresh"] == {"too_small": left_out.SEEN}
    assert found["never_seen"]["without sdxl"]["auc"]["value"] > 0.5


def test_a_generator_that_no_network_saw_has_its_row(run: dict[str, Any]) -> None:
    found = by_name(run["generators"])["talking"]
    assert found["seen_by"] == "no network"
    assert set(found["fresh"]) == {"reference", "all"}
    assert run["generators"][0]["left_out"] == "talking"  # the worst stands first


def test_what_training_makes_itself_was_seen(scores: Scores) -> None:
    from dataclasses import replace

    split = np.where(scores.method == "vae_reconstruction", "val", scores.split)
    moved = replace(scores, split=split)
    assert left_out.unseen_generators(moved) == ["talking", "vae_reconstruction"]
    told = replace(moved, facts={"config": {"data": {"reconstructions": 4}}})
    assert left_out.unseen_generators(told) == ["talking"]


def test_web_packages_that_nobody_saw_are_one_source(scores: Scores) -> None:
    from dataclasses import replace

    names = {"camera-photos": "web-a", "unsplash": "web-b"}
    source = np.array([names.get(name, name) for name in scores.source.tolist()])
    split = np.where(source == "cfp", scores.split, "val")
    found = left_out.unseen_sources(replace(scores, source=source, split=split))
    assert found == {"2 web packages": ["web-a", "web-b"]}


def test_false_alarms_of_a_left_out_source_are_counted_at_the_cut_of_the_others(
    scores: Scores, run: dict[str, Any]
) -> None:
    from assay.evaluation.ranking import fitted_cut

    logits = scores.logits["without cfp"]
    own = ~scores.fake & (scores.source == "cfp")
    others = ~scores.fake & (scores.split != "train") & ~own
    found = by_name(run["real_sources"])["cfp"]
    for rate, name in ((0.01, "false_alarms_at_1"), (0.05, "false_alarms_at_5")):
        wanted = float((logits[own] >= fitted_cut(logits[others], rate)).mean())
        assert found["never_seen"]["without cfp"][name]["value"] == pytest.approx(wanted)
    assert found["fresh"]["worth"]["false_alarms_at_5"]["value"] < 0  # seeing it saves alarms


def test_gains_are_paired_and_their_mean_leaves_out_what_was_left_out(
    scores: Scores, run: dict[str, Any]
) -> None:
    from sklearn.metrics import roc_auc_score

    table = run["worth"]
    gains = table["gains"]["sdxl"]
    others = [name for name in table["forgeries"] if name != "sdxl"]
    wanted = np.mean([gains[name]["value"] for name in others])
    assert gains["mean_of_others"]["value"] == pytest.approx(wanted)
    assert gains["mean_of_others"]["low"] < 0 < gains["mean_of_others"]["high"]
    assert gains["sdxl"]["low"] > 0
    rows = (scores.split != "train") & (~scores.fake | (scores.method == "stylegan2"))
    area = roc_auc_score(scores.fake[rows], scores.logits["lite2"][rows])
    assert table["areas"]["lite2"]["stylegan2"]["value"] == pytest.approx(area)


def test_one_threshold_holds_for_all_and_is_that_of_the_calibration_rows(
    scores: Scores, run: dict[str, Any]
) -> None:
    decision = shipped.decision_of(scores)
    assert "not installed" in decision.origin
    chosen = (scores.split == "calibration") & ~scores.fake
    assert (scores.logits["all"][chosen] >= decision.cuts["far_1"]).mean() <= 0.01
    table = run["shipped"]["val"]
    worst = table["reals"][0]
    assert worst["name"] == "camera-photos"
    which = (scores.split == "val") & (scores.source == "camera-photos") & ~scores.fake
    wanted = (scores.logits["all"][which] >= decision.cuts["far_5"]).mean()
    assert worst["false_alarms"]["far_5"]["value"] == pytest.approx(wanted)
    assert table["fakes"][0]["name"] == "talking"
    part = table["without_unseen"]
    assert part["left_out"] == ["talking"]
    assert part["overall"]["n_fakes"] == table["overall"]["n_fakes"] - 40
    assert part["overall"]["auc"]["value"] > table["overall"]["auc"]["value"]
    before, after = (table["calibration"][w]["brier"]["value"] for w in ("before", "after"))
    assert after < before


def test_the_bundle_of_another_run_lends_no_threshold(scores: Scores) -> None:
    from dataclasses import replace

    other = replace(scores, name="face_blending")
    assert shipped.matching_card(other) is None
    from assay.bundles import load_card

    card = load_card("face_blending")
    facts = {"config": {"version": card.version}, "data_hash": card.raw["training"]["data_hash"]}
    assert shipped.matching_card(replace(other, facts=facts)) is not None


def test_a_run_of_one_network_has_its_tables_too(scores: Scores, folder: Path) -> None:
    from dataclasses import replace

    alone = replace(scores, logits={"all": scores.logits["all"]})
    assert [entry["left_out"] for entry in left_out.generators(alone, 20)] == ["talking"]
    assert left_out.real_sources(alone, 20) == []
    table = left_out.worth(alone, 20)
    assert table["gains"] == {}
    assert "Nothing was left out" in page._worth({"worth": table})
    assert "shipped" in page._networks({"worth": table, "variants": []})


def test_the_page_is_filled_between_its_markers_only(run: dict[str, Any]) -> None:
    result = {
        "made": "2026-01-01T00:00:00+00:00",
        "command": "made",
        "draws": DRAWS,
        "networks": {"made": run},
    }
    parts = page.blocks(result, ("made", "another"))
    text = "prose\n" + "\n".join(f"<!-- begin {n} -->\nold\n<!-- end {n} -->\n" for n in parts)
    full = page.filled(text, parts)
    assert full.startswith("prose\n")
    assert "old" not in full
    assert "begin worth another -->\nNot scored yet." in full
    assert page.filled(full, parts) == full
    for name in (*GENERATORS, "talking"):
        assert f"`{name}`" in full
    with pytest.raises(page.MarkerError, match="begin provenance"):
        page.filled("no marker", parts)


@pytest.mark.parametrize(
    ("cell", "how", "text"),
    [
        ({"value": 0.9471, "low": 0.93, "high": 1.0}, {}, ".947 [.930, 1.000]"),
        ({"value": 0.042, "low": None, "high": None}, {"percent": True}, "4.2 %"),
        (
            {"value": -0.02, "low": -0.03, "high": -0.01},
            {"signed": True},
            "**−.020 [−.030, −.010]**",
        ),
        ({"value": 0.02, "low": -0.03, "high": 0.05}, {"signed": True}, "+.020 [−.030, .050]"),
        ({"too_small": "3 rows"}, {}, "– (3 rows)"),
        (None, {}, "–"),
    ],
)
def test_numbers_are_written_with_their_interval(
    cell: dict[str, Any] | None, how: dict[str, bool], text: str
) -> None:
    assert page.number(cell, **how) == text


def test_figures_are_drawn(run: dict[str, Any], scores: Scores, tmp_path: Path) -> None:
    from held_out.figures import write_figures

    drawn = write_figures({"networks": {"made": run}}, [scores], tmp_path)
    assert {path.name for path in drawn} == {
        f"generalisation-made-{kind}.png" for kind in ("generators", "sources", "shipped")
    }
    assert all(path.stat().st_size > 5000 for path in drawn)


def test_each_detector_is_measured_on_the_fakes_that_it_is_made_for() -> None:
    def row(label: str, method: str, detector: str) -> Row:
        return Row(f"{label}-{method}", label, method, "g", detector=detector)

    rows = [
        row(label, method, detector)
        for label, method in (("real", "cfp"), ("fake", "sdxl"), ("fake", "self_blend"))
        for detector in ("file", "face_blending", "synthetic_picture")
    ]
    methods = {name: [r.method for r in files.on_purpose(rows, name)] for name in files.PURPOSE}
    assert methods == {
        "face_blending": ["cfp", "self_blend"],
        "synthetic_picture": ["cfp", "sdxl"],
        "file": ["cfp", "sdxl", "self_blend"],
    }


def test_the_worst_rows_stand_first_and_each_file_once(scores: Scores) -> None:
    from held_out.failures import worst

    logits = scores.logits["all"]
    rows = np.flatnonzero((scores.split == "val") & ~scores.fake)
    found = worst(scores, rows, -logits)
    assert found[0] == rows[np.argmax(logits[rows])]
    assert len(found) == len({str(scores.path[i]) for i in found}) == 24
    twice = np.concatenate([rows, rows])
    assert worst(scores, twice, -logits) == found


def test_failures_that_are_shown_begin_with_false_alarms_and_one_of_each_forger() -> None:
    from types import SimpleNamespace
    from typing import cast

    from held_out.made_failures import Made, _spread

    def made(what: str, fake: bool, label: str) -> Made:
        verdict = cast(Any, SimpleNamespace(label=label, evidence=()))
        return Made(what, "astronaut", fake, np.zeros((2, 2, 3), np.uint8), verdict)

    missed = [made("a", True, "no_evidence_found") for _ in range(9)]
    rest = [made("b", True, "inconclusive"), made("untouched", False, "some_evidence")]
    right = [made("a", True, "some_evidence"), made("untouched", False, "not_analysable")]
    assert not any(one.wrong for one in right)
    wrong = [one for one in [*missed, *rest, *right] if one.wrong]
    assert len(wrong) == 11
    shown = [one.what for one in _spread(wrong)]
    assert shown[:3] == ["untouched", "a", "b"]
    assert len(shown) == 8


def test_what_is_committed_can_be_rebuilt() -> None:
    """The tables in the repository rest on the scores in the repository."""
    path = generalisation.RESULTS / "generalisation.json"
    if not path.is_file():
        pytest.skip("no results yet")
    result = json.loads(path.read_text(encoding="utf-8"))
    for name, run in result["networks"].items():
        packed = generalisation.RESULTS / f"scores_{name}.csv.gz"
        assert generalisation._sha256(packed) == run["scores"]["sha256"]
        assert packed.stat().st_size < 1.5e6
    text = generalisation.PAGE.read_text(encoding="utf-8")
    assert page.filled(text, page.blocks(result, generalisation.NAMES)) == text


def published_rows() -> list[Row]:
    """Eight pictures by one generator, two each by two others, and twenty genuine twins: the
    detector's row and the file's of each."""
    made = [("flux", n) for n in range(8)] + [(name, n) for name in ("a", "b") for n in range(2)]
    pieces = [("fake", *one) for one in made] + [("real", "webp-x", n) for n in range(20)]
    rows = []
    for label, method, n in pieces:
        path, high = f"{method}-{n}.webp", label == "fake" and n % 4 != 3
        logit = (3.0 if high else -3.0) + n / 100
        base = Row(path=path, label=label, method=method, group=path)
        found = {"p_fake": 0.95 if high else 0.05, "threshold": 0.9, "fired": high}
        rows.append(replace(base, detector="synthetic_picture", logit=logit, **found))
        unsure = label == "real" and n == 0
        verdict = {"status": "abstained"} if unsure else found
        rows.append(replace(base, **verdict))
    return rows


def test_published_generators_are_told_one_by_one_and_together() -> None:
    table = published.tables(published_rows(), DRAWS)
    entries = {entry["generator"]: entry for entry in table["entries"]}
    assert table["entries"][0]["generator"] == "all"
    assert set(entries) == {"all", "flux", published.OTHERS}
    assert entries["all"]["files"] == 12
    assert entries["flux"]["verdicts"] == {"alarm": 6, "no answer": 0, "nothing found": 2}
    assert entries[published.OTHERS]["generators"] == 2
    # Six of eight lie above all genuine ones; the other two among them, above as many as below.
    area = entries["flux"]["separation"]["synthetic_picture"]["auc"]["value"]
    assert area == pytest.approx((6 + 2 * (3 + 0.5) / 20 + (4 / 20)) / 8, abs=0.02)
    assert table["genuine"]["verdicts"] == {"alarm": 0, "no answer": 1, "nothing found": 19}
    assert 0 < table["genuine"]["alarms"]["high"] < 0.2


def test_published_generators_on_the_page() -> None:
    text = page._published(published.tables(published_rows(), DRAWS))
    assert "| flux | 8 |" in text
    assert "| other generators (2) | 4 |" in text
    assert "Of 20 genuine twins 0 were called manipulated" in text
    assert page._published(None) == "Not measured yet."
