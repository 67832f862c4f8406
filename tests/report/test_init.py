import subprocess
import sys

import pytest

import assay.report


def test_import_is_light() -> None:
    code = (
        "import sys, assay.report; from assay.report import to_line, schema; schema();"
        "heavy = {'jinja2', 'rich', 'cv2', 'numpy', 'PIL'} & set(sys.modules); print(sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_resolves() -> None:
    for name in assay.report.__all__:
        assert callable(getattr(assay.report, name))
    with pytest.raises(AttributeError):
        assay.report.as_pdf  # noqa: B018
