"""What this program is for and what it is not for: one text for page, API and documentation."""

from __future__ import annotations

from dataclasses import dataclass

TITLE = "Acceptable use"


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it."""

    heading: str
    paragraphs: tuple[str, ...]


SECTIONS = (
    Section(
        "What it is for",
        (
            "assay tests whether a picture, a video or a recording was generated or altered, and "
            "says how sure it is and what it could not test. It is made for people who check "
            "facts, answer appeals, examine evidence, protect accounts or do research.",
        ),
    ),
    Section(
        "What a result is",
        (
            "A result is a measurement with an error rate. It is not proof. That nothing was found "
            "does not make a file genuine.",
            "Do not decide about a person on a result alone: not on employment, credit, "
            "admission, benefits, punishment or publication of an accusation. Someone who knows "
            "the limits named in the report looks first, and the person can object.",
            "Quote a result with its threshold, its error rates, its limits and the versions that "
            "stand in the report.",
        ),
    ),
    Section(
        "What it is not for",
        (
            "Do not use it to find out who someone is, to search for a face in many files, to "
            "follow people, or to build a collection of faces or voices of people.",
            "Do not use it to sort people by origin, health, belief, orientation or emotion: it "
            "measures none of these.",
            "Do not use it to try out forgeries of people who did not agree until they pass. "
            "Training and testing detectors with material that you may use is welcome.",
            "Do not give it files that you may not hold.",
        ),
    ),
    Section(
        "Known footage of a person",
        (
            "A file can be compared with known footage of the person it shows. The service asks "
            "for the purpose each time and writes it into the audit log with the hash of both. It "
            "compares one file with the footage of one person, never in a batch, and not the same "
            "footage with file after file. What it measures of a face is not kept.",
        ),
    ),
    Section(
        "What is recorded",
        (
            "The audit log holds who examined which content (by its hash) when, with which "
            "options and networks, who read or deleted it, and who signed in. Its lines stay when "
            "files and results are deleted.",
        ),
    ),
)


def as_markdown() -> str:
    """The whole text as it stands in docs/acceptable-use.md."""
    parts = [f"# {TITLE}"]
    for section in SECTIONS:
        parts += [f"## {section.heading}", *section.paragraphs]
    return "\n\n".join(parts) + "\n"
