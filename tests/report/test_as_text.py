import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from assay import types as t
from assay.report.as_text import print_verdicts
from assay.report.wording import LABELS

NASTY = "\x1b]0;owned\x07[bold red]x[/] [link=http://evil]y[/link]\r\n\x9b2J\u202e\udcff.jpg"


def printed(verdicts: list[t.Verdict], width: int = 100, colours: bool = False) -> str:
    out = io.StringIO()
    print_verdicts(
        verdicts, Console(file=out, width=width, force_terminal=colours, legacy_windows=False)
    )
    return out.getvalue()


def words(text: str) -> str:
    return re.sub(r"[\s│]+", " ", text)


def test_card_holds_the_whole_answer(make: dict) -> None:
    text = words(printed([make["image"]()]))
    for part in (
        "Strong evidence that a face in the picture was altered", "It does not say who changed",
        "p_fake 0.97", "90 % interval 0.91–0.99", "Threshold 0.62 (far_1): 0.98 % of genuine files",
        "Face blending", "face 2", "Not tested", "Edits outside the faces.", "Provenance",
        "Next step", "Saved by an editing program", "None of 4 harmless changes",
    ):  # fmt: skip
        assert part in text


def test_every_verdict_prints_within_the_width(verdict: t.Verdict) -> None:
    for width in (60, 80, 120):
        lines = printed([verdict], width).splitlines()
        assert len(lines) > 5
        assert max(map(len, lines)) <= width


def test_card_of_a_failure_gives_the_remedy_and_no_number(make: dict) -> None:
    text = words(printed([make["failed"]()]))
    assert "Check the spelling of the path." in text
    assert "p_fake" not in text


@pytest.mark.parametrize("colours", [False, True])
@pytest.mark.parametrize("n", [1, 2])
def test_nothing_from_the_file_reaches_the_terminal_raw(make: dict, colours: bool, n: int) -> None:
    finding = t.Finding(NASTY, NASTY, NASTY, "strong", {NASTY: NASTY})
    evidence = t.Evidence(NASTY, NASTY, NASTY, NASTY, "reported", findings=(finding,))
    abstained = t.Evidence("d", "1", "f", NASTY, "abstained", reason=NASTY)
    verdict = make["faceless"](
        NASTY, evidence=(evidence, abstained), reasons=(t.Reason("code", NASTY),),
        limits=(NASTY,), coverage=t.Coverage(1, 1, None, 0, (NASTY,), (NASTY,)),
        provenance=t.Provenance("invalid", NASTY, {NASTY: NASTY}),
    )  # fmt: skip
    text = printed([verdict] * n, colours=colours)
    text.encode("utf-8")
    left = re.sub(r"\x1b\[[0-9;]*m", "", text)  # rich's own colours
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", left)
    assert "[bold red]" in left
    assert "\x1b]8" not in text


def test_many_files_make_a_table_and_a_sum(make: dict) -> None:
    text = words(printed([maker() for maker in make.values()], 120))
    assert "11 files: 2 strong evidence, 3 some evidence, 2 inconclusive" in text
    assert "3 not analysable." in text
    assert "not analysable – –" in text
    for maker in make.values():
        assert maker().name in text


def test_nothing_to_print() -> None:
    assert printed([]) == ""


def test_no_word_promises_too_much(verdict: t.Verdict) -> None:
    text = words(printed([verdict]))
    assert not re.search(r"\b(real|authentic)\b", text, re.IGNORECASE)
    assert LABELS[verdict.label].split()[0] in text


def test_the_card_of_a_recording_tells_each_voice_and_the_seconds(make: dict) -> None:
    text = words(printed([make["voices"]()], 110))
    for part in (
        "Voice 1, voice synthesis: Highest 0.93 at 0:00.5–0:03.0; 2 of 2 segments reach the "
        "threshold 0.62.",
        "1 segment not judged (too short)",
        "Voice 3: 1 segment not judged (music).",
        "0:03.5–0:05.5: The pitch hardly varies (voice prosody).",
        "0:06.1: The background changes at once (voice splice).",
    ):  # fmt: skip
        assert part in text, part


def test_the_card_tells_findings_by_severity_with_their_first_innocent_cause(make: dict) -> None:
    text = words(printed([make["forensic"]()], 110))
    for part in (
        "Strong trace. Noise of one place differs: It was processed otherwise. In the picture: x "
        "64–192, y 42–168 px. Also caused by: a place out of focus.",
        "Worth a look. The same content lies at two places",
        "A camera is named (Canon, EOS R6): The file names a camera.",
        "Codes: signingCredential.untrusted",
        "montage.jpg, made by Editor 3.1, signed by Example Press, signed at 2026-01-02",
        "[declares AI-made parts]",
        "└─ a part of it: sky.png [declares AI generation] [does not hold]",
        "└─ the version before: street.jpg",
        "Read what was found in the file and what else causes it",
    ):  # fmt: skip
        assert part in text, part
    places = [text.index(title) for title in ("Strong trace.", "Worth a look.", "A camera is")]
    assert places == sorted(places)


def test_a_line_of_many_tells_the_files_own_trace_before_why_nothing_was_scored(make: dict) -> None:
    bare = make["faceless"]()
    told = t.Reason("file_findings", "Nothing was scored, but it carries a strong trace.")
    traced = replace(bare, reasons=(*bare.reasons, told))
    text = words(printed([bare, traced], width=140))
    assert "it carries a strong trace" in text
    assert text.count("No face was found") == 1


def test_rows_with_weight_come_first_and_none_is_left_out_unsaid(make: dict) -> None:
    held = make["image"]()
    quiet = t.Evidence("quiet", "1", "f", "file", "reported")
    marked = replace(
        quiet, detector="marked", findings=(t.Finding("c", "T", "m", "notable", {}, ("x",)),)
    )
    rows = [replace(quiet, detector=f"quiet_{n}") for n in range(30)]
    text = words(printed([replace(held, evidence=(*rows, marked, *held.evidence))]))
    assert text.index("Face blending") < text.index("Marked") < text.index("Quiet 0")
    assert "Reports 1 finding worth a look, without a score." in text
    assert f"and {31 + len(held.evidence) - 24} more" in text
