from __future__ import annotations

import logging
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("lightning", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.training import callbacks, loop  # noqa: E402
from assay.training.callbacks import keep_depthwise_exact, quiet_lightning  # noqa: E402
from assay.training.loop import Member, PairModule, fit  # noqa: E402
from tests.real_faces import ROOT  # noqa: E402
from tests.training.tiny_run import TinyNet, TinySource, schedule  # noqa: E402


def test_depthwise_convolutions_stay_exact_under_autocast() -> None:
    net = TinyNet()
    names = list(net.state_dict())
    x = torch.randn(2, 8, 16, 16)
    exact = net.depthwise(x)
    keep_depthwise_exact(net)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found, other = net.depthwise(x), net.first(torch.randn(2, 3, 16, 16))
    assert found.dtype == torch.float32
    assert other.dtype == torch.bfloat16
    assert torch.equal(found, exact)
    assert list(net.state_dict()) == names


class Heavy(TinySource):
    """Pictures of which no second copy may be made."""

    def __deepcopy__(self, memo: object) -> Heavy:
        raise MemoryError("the pictures were copied")


def test_the_average_copies_networks_and_no_pictures(tmp_path: Path) -> None:
    source = Heavy()
    run = PairModule([Member("all", TinyNet())], source, source, schedule(2))
    fit(run, tmp_path)
    assert run.global_step == 2
    assert run.source is run.checks is source


def test_warnings_about_training_itself_are_heard() -> None:
    logger = logging.getLogger("lightning.pytorch")
    before = logger.level
    with pytest.warns(UserWarning, match="loss"):
        warn_quietly("the loss is odd")
    assert logger.level == before


def warn_quietly(message: str) -> None:
    with quiet_lightning():
        assert logging.getLogger("lightning.pytorch.trainer").getEffectiveLevel() == logging.WARNING
        warnings.warn(message, UserWarning, stacklevel=1)


LINE = r"step \d of 6, 0\.\d minutes(, (loss|accuracy|auc|pair_order) \d\.\d{3})*"
PROGRAM = """
import sys
from pathlib import Path
from assay.training.loop import Member, PairModule, fit
from tests.training.tiny_run import TinyNet, TinySource, schedule
fit(PairModule([Member("all", TinyNet())], TinySource(), TinySource(), schedule(6)),
    Path(sys.argv[1]))
"""


def test_a_log_file_gets_lines_of_numbers_and_nothing_else(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "run")],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert [line for line in lines if not re.fullmatch(LINE, line)] == []
    assert len(lines) == 3  # one for each check
    assert all("auc" in line and "loss" in line for line in lines)


def test_once_a_minute_there_is_a_line_between_the_checks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(callbacks, "EVERY_S", 0.0)  # a minute passes in no time
    source = TinySource()
    fit(PairModule([Member("all", TinyNet())], source, source, schedule(6)), tmp_path)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 6 + 3
    assert all(re.fullmatch(LINE, line) for line in lines)


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_gets_lightnings_bar_instead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    with quiet_lightning():
        trainer = loop._trainer(schedule(), tmp_path)
    assert (trainer.progress_bar_callback is not None) is terminal
    told = [c for c in trainer.callbacks if isinstance(c, callbacks.TellProgress)]
    assert bool(told) is not terminal
