from __future__ import annotations

from collections.abc import Callable

import pytest
import typer

from assay import __version__
from assay.cli import exits
from assay.errors import BundleMissingError, ConfigError, MissingFileError

from .conftest import Answer, make_verdict


def ended(command: Callable[..., None], **named: object) -> int:
    with pytest.raises(typer.Exit) as caught:
        exits.guarded(command)(**named)
    return caught.value.exit_code


def raising(error: BaseException) -> Callable[..., None]:
    def command(debug: bool = False) -> None:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (ConfigError("No.", remedy="Do this."), 2, "assay: No. Do this.\n"),
        (MissingFileError("Gone."), 3, "Gone. Check the spelling"),
        (BundleMissingError("No net."), 4, "No net. Reinstall"),
        (KeyError("x"), 4, "internal error: KeyError"),
        (KeyboardInterrupt(), 130, "stopped"),
        (BrokenPipeError(), 141, ""),
        (SystemExit(1), 141, ""),
    ],
)
def test_every_ending_has_its_code(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, says: str
) -> None:
    assert ended(raising(error)) == code
    err = capsys.readouterr().err
    assert says in err
    assert "Traceback" not in err


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    ended(raising(KeyError("x")), debug=True)
    assert "Traceback" in capsys.readouterr().err


def test_what_is_said_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    exits.say("evil\x1b[2J\nname\udcff")
    assert capsys.readouterr().err == "assay: evil\\x1b[2J\\nname\\xff\n"


@pytest.mark.parametrize(
    ("codes", "code"),
    [([], 0), ([0], 0), ([0, 3], 3), ([3, 1, 0], 1), ([1, 4, 3], 4)],
)
def test_the_order_of_the_codes(codes: list[int], code: int) -> None:
    assert exits.worst(codes) == code


def test_what_could_not_be_scored_is_never_a_clean_bill() -> None:
    declined = make_verdict("a", "not_analysable", exit_code=0)
    assert exits.exit_code(declined, "never") == 3


def test_version_and_help(assay: Callable[..., Answer]) -> None:
    assert assay("--version").out == f"assay {__version__}\n"
    answer = assay("--help")
    assert answer.code == 0
    for command in ("detect", "models", "detectors", "schema", "doctor", "train"):
        assert f"  {command} " in answer.out
        assert assay(command, "--help").code == 0


def test_an_unknown_command_is_wrong_usage(assay: Callable[..., Answer]) -> None:
    assert assay("detekt").code == 2
