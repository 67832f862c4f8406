from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("pyarrow", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.errors import ConfigError  # noqa: E402
from assay.evaluation.foreign_scores import StoredModel, stored_models  # noqa: E402
from assay.evaluation.items import Item  # noqa: E402
from assay.evaluation.models import Work  # noqa: E402
from assay.evaluation.predictions import write_predictions  # noqa: E402
from assay.training.datasets.records import Record  # noqa: E402

from .made_models import made_rows  # noqa: E402

WORK = Work(Path("cache"), Path("parts"))


def items(tmp_path: Path) -> list[Item]:
    records = [
        Record("made", f"{label}/{i}.mp4", "video", label, split="val")  # type: ignore[arg-type]
        for label in ("fake", "real")
        for i in range(3)
    ]
    return [Item(record, record.path, tmp_path) for record in records]


def written(tmp_path: Path, text: str) -> list[StoredModel]:
    path = tmp_path / "theirs.csv"
    path.write_bytes(text.encode())
    return stored_models(path)


def test_scores_are_laid_beside_the_items(tmp_path: Path) -> None:
    text = "\ufeffpath,score,label\r\nfake/0.mp4,3.5,spoof\r\nreal/0.mp4,,real\r\n"
    text += "other.mp4,1,fake\r\n"
    model = written(tmp_path, text)[0]
    rows = list(model.score(items(tmp_path), WORK))
    assert model.about.scale == "score"
    assert [(r.status, r.logit) for r in rows[:2]] == [("scored", 3.5), ("abstained", None)]
    assert rows[1].reason.startswith("no_score: The file of scores does not hold")
    assert rows[3].reason == "no_score: The file gives none."
    assert [(n.code, n.n) for n in model.notices(items(tmp_path))] == [("not_in_data", 1)]


def test_scores_between_0_and_1_are_probabilities_and_systems_are_models(tmp_path: Path) -> None:
    text = "path,score,system\nfake/0.mp4,0.9,a\nreal/0.mp4,0.2,a\nfake/0.mp4,7,b\n"
    a, b = written(tmp_path, text)
    assert (a.about.name, a.about.scale, b.about.scale) == ("a", "probability", "score")
    assert next(iter(a.score(items(tmp_path), WORK))).p_fake == 0.9


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,label\na,real\n", "needs the columns path and score"),
        ("path,score\n", "holds no scores"),
        ("path,score\na,nan\n", "line 2: 'nan' is not finite"),
        ("path,score\na,1\na,2\n", "more than one score for a"),
        ("path,score\na,high\n", "line 2: 'high' is no number"),
        ("path,score,label\na,1,1\n", "neither real nor fake"),
        ("path,p_fake\na,1.5\n", "outside"),
        ("path,score\n,1\n", "path is empty"),
    ],
)
def test_broken_files_name_the_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        written(tmp_path, text)


def test_a_label_the_wrong_way_round_and_no_item_in_common_are_refused(tmp_path: Path) -> None:
    model = written(tmp_path, "path,score,label\nfake/0.mp4,1,real\n")[0]
    with pytest.raises(ConfigError, match=r"calls fake/0\.mp4 real, the manifest calls it fake"):
        list(model.score(items(tmp_path), WORK))
    model = written(tmp_path, "path,score\nelsewhere,1\n")[0]
    with pytest.raises(ConfigError, match="scores none of the items"):
        list(model.notices(items(tmp_path)))


def test_a_matrix_comes_back_with_its_frames(tmp_path: Path) -> None:
    entry = {"name": "m", "scale": "logit", "net": "tiny", "trained_on": [{"set": "x"}]}
    path = write_predictions(made_rows(n=3), tmp_path / "p.parquet", {"models": [entry]})
    model = stored_models(path)[0]
    rows = list(model.score(items(tmp_path), WORK))
    assert (model.about.scale, model.about.net) == ("logit", "tiny")
    assert model.about.trained_on == ({"set": "x"},)
    assert [(r.logit, r.level) for r in rows] == [(r.logit, r.level) for r in made_rows(n=3)]
