from __future__ import annotations

import subprocess
import sys

import assay


def test_the_package_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "assay", "--version"], capture_output=True, text=True, check=True
    )
    assert assay.__version__ in done.stdout
