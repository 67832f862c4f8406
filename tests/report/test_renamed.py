from __future__ import annotations

import json
from dataclasses import replace

from tests.report.conftest import abstained, image_verdict

from assay.report.as_html import to_html
from assay.report.as_json import as_dict
from assay.report.renamed import renamed
from assay.types import Reason

PATH = "/data/work/tmp1/file.jpg"


def stored():
    verdict = image_verdict("file.jpg")
    coverage = verdict.coverage
    return replace(
        verdict,
        path=PATH,
        media=replace(verdict.media, path=PATH),
        reasons=(Reason("a", f"{PATH!r} is odd."),),
        in_domain_reasons=(Reason("b", f"Of {PATH}."),),
        evidence=(*verdict.evidence, abstained(f"It could not read {PATH}.")),
        coverage=replace(coverage, not_tested=(f"Parts of {PATH}.",)),
        limits=(f"A limit of {PATH}.",),
        rerun=f"assay detect {PATH}",
    )


def test_the_copys_path_is_nowhere() -> None:
    verdict = renamed(stored(), PATH, "holiday <1>.jpg", "'holiday <1>.jpg'")
    assert PATH not in to_html(verdict)
    told = as_dict(verdict)
    assert "/data" not in json.dumps(told)
    assert told["input"]["name"] == "holiday <1>.jpg"
    assert told["reasons"][0]["text"] == "'holiday <1>.jpg' is odd."
    assert told["runtime"]["rerun"] == "assay detect 'holiday <1>.jpg'"
    assert verdict.media is not None
    assert verdict.media.sha256 == stored().media.sha256


def test_what_does_not_name_the_path_stays() -> None:
    verdict = image_verdict()
    told = renamed(verdict, PATH, "other.jpg")
    assert told.evidence == verdict.evidence
    assert (told.p_fake, told.reasons, told.rerun) == (
        verdict.p_fake,
        verdict.reasons,
        verdict.rerun,
    )
