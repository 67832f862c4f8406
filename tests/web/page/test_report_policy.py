"""A report runs our own scripts and no other, whatever it holds."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from assay.report.as_html import to_html
from assay.web.page.report_policy import policy, script_hashes
from tests.report import conftest as verdicts


def digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


@pytest.mark.parametrize(
    "make", [verdicts.timeline_verdict, verdicts.voices_verdict], ids=["film", "sound"]
)
def test_the_script_of_a_report_is_known(make: object) -> None:
    page = to_html(make())  # type: ignore[operator]
    scripts = re.findall(r"<script>(.*?)</script>", page, re.S)
    assert len(scripts) == 1
    assert digest(scripts[0]) in script_hashes()


def test_no_other_script_is_allowed() -> None:
    assert digest("alert(1)") not in script_hashes()
    script = re.search(r"script-src ([^;]*)", policy())
    assert script is not None
    assert all(re.fullmatch(r"'sha256-[A-Za-z0-9+/=]{44}'", one) for one in script[1].split())


def test_a_report_is_framed_by_us_alone_and_reaches_nothing() -> None:
    assert "default-src 'none'" in policy()
    assert "frame-ancestors 'self'" in policy()
    assert "form-action 'none'" in policy()
    assert "http" not in policy()
