import re
from dataclasses import replace
from typing import get_args

import pytest

from assay import types as t
from assay.report import findings, next_steps, provenance, wording

FORBIDDEN = re.compile(r"\b(real|authentic\w*|deepfakes?|proven|certainly)\b", re.IGNORECASE)


def all_strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in all_strings(item)]
    return []


def test_no_sentence_promises_what_a_score_cannot() -> None:
    held = [
        value
        for room in (wording, findings, next_steps, provenance)
        for value in vars(room).values()
    ]
    texts = [text for value in held for text in all_strings(value)]
    texts = [text for text in texts if text != wording.__doc__]
    assert len(texts) > 60
    assert [text for text in texts if FORBIDDEN.search(text)] == []


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (wording.LABELS, t.Label), (wording._NOT_MEANT, t.Label), (next_steps.STEPS, t.Label),
        (wording.STATUSES, t.EvidenceStatus), (wording.KINDS, t.ForgeryKind),
        (wording._CLAUSES, t.ForgeryKind), (provenance.STATES, t.ProvenanceState),
        (findings.SEVERITY_WORDS, t.Severity), (wording.MEDIA, t.MediaKind),
    ],
)  # fmt: skip
def test_every_word_of_the_types_has_its_sentence(words: dict, names: object) -> None:
    assert set(get_args(names)) <= set(words)


def test_answer_is_one_complete_sentence(verdict: t.Verdict) -> None:
    sentence = wording.answer(verdict)
    assert sentence.startswith("assay 0.1.0 ")
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert verdict.name in sentence


def test_answer_states_score_threshold_and_error_rate(make: dict) -> None:
    sentence = wording.answer(make["image"]())
    assert "strong evidence that a face in the picture “press-photo.jpg” was altered" in sentence
    assert "p_fake 0.97, threshold 0.62, at which 0.98\u00a0% of genuine files" in sentence
    assert "could not assess the recording" in wording.answer(make["audio"]())
    assert "could not open" in wording.answer(make["failed"]())


def test_two_kinds_are_both_named(make: dict) -> None:
    headline = wording.headline(make["image"](kind=("lip_synced", "voice_generated")))
    assert "lips in the picture" in headline
    assert "and that a voice" in headline


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("no_face", "No face was found."),
        ("some_new_code", "Some new code."),
        ("face_too_small: The face is 20 pixels wide.", "The face is 20 pixels wide."),
        ("not analysable: no voice detector", "not analysable: no voice detector"),
        ("silence: The sound is silent.", "The sound is silent."),
        ("A sentence stays.", "A sentence stays."),
    ],
)
def test_codes_become_sentences(said: str, sentence: str) -> None:
    assert wording.sentence_for(said) == sentence


def test_units_follow_the_name() -> None:
    assert wording.measure_name("face_size_px") == "Face size (px)"
    assert wording.measure_name("blocks") == "Blocks"
    assert wording.measure_name("jpeg_quality") == "JPEG quality"


def test_a_threshold_of_one_is_none(make: dict) -> None:
    point = t.OperatingPoint("far_0.1", 1.0, 0.001, None, "too few files")
    verdict = make["clear"](operating_point=point)
    assert wording.threshold(verdict) is None
    assert "No threshold (far_0.1)" in (wording.operating_point_sentence(verdict) or "")
    assert "threshold" not in wording.answer(verdict)


def test_the_file_as_it_is_counts_as_no_change(make: dict) -> None:
    assert (wording.stability_sentence(make["image"]()) or "").startswith("None of 4\u00a0harmless")
    assert (wording.stability_sentence(make["video"]()) or "").startswith("1 of 2\u00a0harmless")


def test_agreement_in_words(make: dict) -> None:
    two = t.Agreement(1, 2, 1, 1, True)
    sentence = wording.agreement_sentence(make["image"](agreement=two)) or ""
    assert sentence.startswith("1 of 2 detectors that gave a score")
    assert sentence.endswith("1 did not apply; 1 failed. They contradict each other.")
    assert (
        wording.agreement_sentence(make["faceless"]())
        == "No detector gave a score; 1 did not apply."
    )


def test_an_unfamiliar_subject_is_said_in_its_line(make: dict) -> None:
    whole = make["landscape"]().evidence[0]
    assert wording.UNFAMILIAR not in wording.evidence_sentence(whole)
    far = replace(whole, details={"domain_distance": 3.0, "domain_limit": 2.0})
    assert wording.evidence_sentence(far).endswith(wording.UNFAMILIAR)


def test_strong_findings_of_the_file_are_in_the_answer(make: dict) -> None:
    verdict = make["forensic"]()
    answer = wording.answer(verdict)
    assert "could not reach a conclusion (p_fake 0.06" in answer
    assert answer.endswith("carries a strong trace: Noise of one place differs.")
    declined = make["faceless"](
        reasons=(t.Reason("no_face", ""), t.Reason("file_findings", "Nothing was scored, but x.\n"))
    )
    told = "(No face was found). Nothing was scored, but x.\\n."
    assert wording.answer(declined).endswith(told)
