from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("pyarrow", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.evaluation.models import About  # noqa: E402
from assay.evaluation.references import entries_of, references, write_references  # noqa: E402


def test_entries_are_taken_whole_and_once(tmp_path: Path) -> None:
    text = "@misc{a1,\n title={A {nested} one}}\nnoise @article{b-2, year = 2019}\n@misc{broken, {"
    assert [key for key, _ in entries_of(text)] == ["a1", "b-2"]
    model = About("m", "h", "s", "logit", net="assay", bibtex=text)
    found = references(["made"], [model, model])
    assert list(found) == ["a1", "b-2"]
    written = write_references(found, tmp_path / "refs.bib").read_text()
    assert written.count("@") == 2
    assert "noise" not in written


def test_sets_are_cited_as_their_readers_say() -> None:
    from assay.training.datasets.readers import discover

    cited = {name for name, reader in discover().items() if reader.about.bibtex}
    assert cited
    name = sorted(cited)[0]
    assert list(references([name], [])) == [
        key for key, _ in sorted(entries_of(discover()[name].about.bibtex))
    ]
    assert references(["nobody's set"], []) == {}
