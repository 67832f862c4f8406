import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import assay.report
from assay import types as t
from assay.errors import UsageError
from assay.report import overlays
from assay.report.as_html import report_name, to_html, write_report
from assay.sound import SoundSegment

VOID = {"meta", "img", "br", "link", "input"}
CSS = (Path(assay.report.__file__).parent / "templates" / "report.css").read_text("utf-8")


KINDS = ("image/jpeg", "image/png", "audio/mpeg", "video/webm")
EMBEDDED = tuple(f"data:{kind};base64," for kind in KINDS)


class Page(HTMLParser):
    """Tags in order, with balance checked and text kept."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in ("style", "script"):
            self.text += data

    def named(self, tag: str) -> list[dict]:
        return [attrs for name, attrs in self.tags if name == tag]


def test_page_is_whole_and_stands_alone(verdict: t.Verdict) -> None:
    html = to_html(verdict)
    page = Page(html)
    assert html.startswith("<!doctype html>")
    assert page.named("html") == [{"lang": "en"}]
    assert len(page.named("h1")) == 1
    for tag in ("link", "iframe", "object", "form", "a"):
        assert page.named(tag) == []
    played = verdict.sound is not None or verdict.timeline is not None
    viewed = any(finding.region for one in verdict.evidence for finding in one.findings)
    assert len(page.named("script")) == (played or (viewed and is_picture(verdict)))
    assert page.named("script") in ([], [{}])
    for attrs in (attrs for _, attrs in page.tags):
        assert not any(name.startswith("on") for name in attrs)
        assert "src" not in attrs or attrs["src"].startswith(EMBEDDED)
        assert "href" not in attrs or attrs["href"].startswith(("#", *EMBEDDED))
    assert not re.search(r"url\((?!#)|@import|https?://(?!www\.w3\.org/2000/svg\")", html)
    assert "default-src 'none'" in html


def is_picture(verdict: t.Verdict) -> bool:
    return verdict.media is not None and verdict.media.kind == "image"


def test_headings_never_skip_a_level(verdict: t.Verdict) -> None:
    levels = [int(tag[1]) for tag, _ in Page(to_html(verdict)).tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_pictures_and_plots_speak_to_those_who_do_not_see(verdict: t.Verdict) -> None:
    page = Page(to_html(verdict))
    assert all(len(image["alt"]) > 15 for image in page.named("img"))
    for svg in page.named("svg"):
        assert svg.get("aria-hidden") == "true" or len(svg["aria-label"]) > 20
    labels = [attrs["aria-labelledby"] for attrs in page.named("section")]
    ids = {attrs["id"] for _, attrs in page.tags if "id" in attrs}
    assert set(labels) <= ids


def test_the_answer_and_its_numbers_are_there(make: dict) -> None:
    text = Page(to_html(make["image"]())).text
    for part in (
        "Strong evidence that a face in the picture was altered", "To quote", "p_fake 0.97",
        "threshold 0.62", "What this does not mean", "Edits outside the faces.", "0.91–0.99",
        "Adobe Photoshop 25.1 (Macintosh)", "Cropped a little", "Face size (px)", "EOS R6",
        "2,041 held-out genuine", "0.05\u00a0% of genuine media score", "Apache-2.0",
        make["image"]().media.sha256, "assay detect 'press-photo.jpg' --operating-point far_1",
        "much of the score comes from here",
    ):  # fmt: skip
        assert part in text, part


def test_video_has_a_timeline_in_minutes(make: dict) -> None:
    page = Page(to_html(make["video"]()))
    assert "0:25" in page.text
    assert "13 of 32 moments reach the threshold 0.62" in page.text
    assert len([1 for path in page.named("path") if path.get("class") == "pt above"]) == 13
    assert len(page.named("polyline")) == 3


def test_why_no_map_is_shown(make: dict) -> None:
    assert "an unmeasured map misleads" in Page(to_html(make["clear"]())).text
    assert "No heat map: nothing was scored." in Page(to_html(make["faceless"]())).text
    without = make["video"](evidence=())
    assert "the detectors that ran draw none" in Page(to_html(without)).text


def test_a_declined_file_shows_no_score(make: dict) -> None:
    for kind in ("faceless", "audio", "failed"):
        html = to_html(make[kind]())
        assert 'class="gauge"' not in html
        assert "0.5<" not in html


NASTY = '"><script>alert(1)</script><img src=x onerror=alert(1)>\x1b\u202e\x00\udcff{{7*7}}\n'


def test_everything_from_the_file_is_escaped(make: dict) -> None:
    finding = t.Finding(NASTY, NASTY, NASTY, "strong", {NASTY: NASTY, "n": {NASTY: [NASTY]}})
    evidence = t.Evidence(
        NASTY, NASTY, NASTY, NASTY, "scored", logit=0.0, p_fake=0.9, threshold=0.5, track_id=1,
        findings=(finding,), licence=NASTY, spans=(t.Span(0, 0, 0, 0.1), t.Span(1, 1, 0, 0.9)),
    )  # fmt: skip
    verdict = make["video"](
        NASTY, path=NASTY, evidence=(evidence,), reasons=(t.Reason(NASTY, NASTY),),
        quality={NASTY: NASTY}, limits=(NASTY,), bundles={NASTY: NASTY}, rerun=NASTY,
        coverage=t.Coverage(1, 1, None, 0, (NASTY,), (NASTY,)), device=NASTY, assay_version=NASTY,
        provenance=t.Provenance("invalid", NASTY, {NASTY: NASTY}),
        stability=t.Stability({NASTY: 0.5}, 0, 0.1), in_domain_reasons=(t.Reason(NASTY, NASTY),),
        operating_point=t.OperatingPoint(NASTY, 0.5, 0.01, None, NASTY),
        media=t.Media(NASTY, NASTY, "0" * 64, 1, "video", NASTY, NASTY, NASTY, NASTY,
                      duration_s=2.0, notes=(NASTY,)),
    )  # fmt: skip
    html = to_html(verdict)
    html.encode("utf-8")
    page = Page(html)
    assert page.named("script") == []
    assert all(image.get("src") != "x" and "onerror" not in image for image in page.named("img"))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", html)
    assert "49" not in re.sub(r"<script>", "", page.text).split("{{7*7}}")[0]
    assert page.text.count("<script>alert(1)</script>") > 20
    assert report_name(verdict).isascii()
    assert not re.search(r"[<>\"'/\s]", report_name(verdict))


def test_hostile_amounts_stay_under_four_megabytes(make: dict) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1280, 1280, 3), dtype=np.uint8)
    findings = tuple(
        t.Finding(f"c{i}", "t", "m" * 500, "info", {f"k{j}": "v" * 100_000 for j in range(200)})
        for i in range(200)
    )
    spans = tuple(t.Span(i / 50, i / 50, 0.0, 0.5) for i in range(5000))
    evidence = [
        t.Evidence(
            "d", "1", "f", f"face {i}", "scored", logit=0.0, p_fake=0.5, track_id=i, spans=spans
        )
        for i in range(64)
    ]
    evidence.append(t.Evidence("m", "1", "f", "file", "reported", findings=findings))
    verdict = make["video"](
        evidence=tuple(evidence), pictures=tuple(t.Picture(i, i, noise, 1.0) for i in range(8)),
        faces=tuple(t.FaceMark(i, i % 8, (0.0, 0.0, 900.0, 900.0), 0.5) for i in range(64)),
    )  # fmt: skip
    assert len(to_html(verdict).encode("utf-8")) < 4_000_000


def test_report_is_written_under_a_safe_name(make: dict, tmp_path: Path) -> None:
    verdict = make["image"]("../../etc/pass wd\n.jpg")
    path = write_report(verdict, tmp_path / "new" / "folder")
    assert path.parent == tmp_path / "new" / "folder"
    assert path.name == f"etc_pass_wd_.jpg-{verdict.media.sha256[:12]}.html"
    assert path.read_text("utf-8") == to_html(verdict)
    assert write_report(verdict, path.parent) == path
    assert [child.name for child in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("name", ["", "...", "漢字", "\udcff", "x" * 255, "CON", "-rf"])
def test_odd_names_are_written(make: dict, tmp_path: Path, name: str) -> None:
    for kind in ("image", "failed"):
        path = write_report(make[kind](name or " "), tmp_path)
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*\.html", path.name)
        assert len(path.name) < 100


def test_two_failed_files_of_one_name_do_not_overwrite_each_other(
    make: dict, tmp_path: Path
) -> None:
    first = write_report(make["failed"](path="/a/missing.mp4"), tmp_path)
    assert first != write_report(make["failed"](path="/b/missing.mp4"), tmp_path)


def test_a_folder_that_is_a_file_is_a_usage_error(make: dict, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="cannot be written to"):
        write_report(make["failed"](), tmp_path / "file")


def luminance(colour: str) -> float:
    colour = "".join(c * 2 for c in colour) if len(colour) == 3 else colour
    channels = [int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_is_aa(scheme: str) -> None:
    light, dark = CSS.split("@media screen and (prefers-color-scheme: dark)")
    block = light if scheme == "light" else dark.split("\n}\n")[0]
    names = dict(re.findall(r"--(ground|sheet|tint|ink|soft|hit|cool): #([0-9a-f]{3,6})", block))
    accents = re.findall(r"--accent: #([0-9a-f]{3,6})", block)
    assert len(names) == 7
    assert len(accents) == 5
    pairs = [(names[ink], names[ground]) for ink in ("ink", "soft", "hit", "cool")
             for ground in ("ground", "sheet", "tint")]  # fmt: skip
    pairs += [(accent, names["sheet"]) for accent in accents]
    for ink, ground in pairs:
        low, high = sorted((luminance(ink), luminance(ground)))
        assert (high + 0.05) / (low + 0.05) >= 4.5, (ink, ground)


def test_the_provenance_finding_is_told_once(make: dict) -> None:
    told = t.Finding("provenance_none", "No Content Credentials", "None; most carry none.")
    evidence = t.Evidence("provenance", "1", "p", "file", "reported", findings=(told,))
    verdict = make["faceless"](
        evidence=(evidence,), provenance=t.Provenance("none", "None; most carry none.")
    )
    assert Page(to_html(verdict)).text.count("None; most carry none.") == 1


def test_the_labels_drawn_on_pictures_are_readable_and_match_the_legend() -> None:
    for rgb in (overlays.ABOVE_RGB, overlays.BELOW_RGB, overlays.UNSCORED_RGB):
        colour = "{:02x}{:02x}{:02x}".format(*rgb)
        assert 1.05 / (luminance(colour) + 0.05) >= 4.5
        assert f"#{colour}" in CSS


def test_the_report_states_what_was_measured_of_the_maps(make: dict) -> None:
    html = to_html(make["landscape"]())
    sentence = "tested against known forgeries"
    assert Page(html).text.count(sentence) == 1
    assert "81 % of 120 forgeries" in Page(html).text
    verdict = make["landscape"]()
    failed = {"heatmap": {"faithful": False, "score_falls_more_by_map": 0.5, "n": 9}}
    whole = replace(verdict.evidence[0], details=failed, heatmaps=())
    text = Page(to_html(replace(verdict, evidence=(whole,)))).text
    assert "No heat map of synthetic_picture is shown, because its maps failed the test" in text
    assert "much of the score comes from here" not in text


def test_a_picture_without_a_face_has_its_windows_and_their_key(make: dict) -> None:
    text = Page(to_html(make["landscape"]())).text
    for words in ("3\xa0windows read by synthetic picture", "reaches the threshold", "picture"):
        assert words in text
    assert "the whole picture scored in 3\xa0windows" in text


def test_a_reason_of_the_domain_is_told_once(make: dict) -> None:
    far = t.Reason("unfamiliar", "The picture is unlike the others.")
    beside = t.Reason("picture_too_small", "The picture is small.")
    verdict = make["landscape"](reasons=(far,), in_domain=False, in_domain_reasons=(far, beside))
    text = Page(to_html(verdict)).text
    assert text.count(far.text) == 1
    assert text.count(beside.text) == 1


def test_only_our_own_script_may_run_and_only_where_there_is_something_to_play(make: dict) -> None:
    html = to_html(make["voices"]())
    (policy,) = re.findall(r'Security-Policy" content="([^"]+)"', html)
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.S)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "unsafe-inline' 'sha256" not in policy
    assert "script-src 'unsafe" not in policy
    silent = to_html(make["voices"](sound=replace(make["voices"]().sound, clips=())))
    assert "script" not in silent.replace("runs no script", "")
    assert "media-src" not in silent


def test_a_recording_is_drawn_with_its_scores_marks_and_player(make: dict) -> None:
    page = Page(to_html(make["voices"]()))
    for part in (
        "The sound", "Voice 1, voice synthesis", "Highest 0.93 at 0:00.5–0:03.0",
        "2 of 2\xa0segments reach the threshold 0.62", "not judged: too short", "not judged: music",
        "0:06.1: The background changes at once (voice splice)", "Pitch (Hz), voice 1",
        "band edge: 7,200\xa0Hz", "which whoever gets the page can hear", "--no-embed-sound",
    ):  # fmt: skip
        assert part in page.text, part
    (audio,) = page.named("audio")
    assert audio["src"].startswith("data:audio/mpeg;base64,")
    assert "controls" in audio
    buttons = page.named("button")
    assert all("disabled" in one and len(one["aria-label"]) > 5 for one in buttons)
    states = [one["class"] for one in buttons if one["class"].startswith("seg")]
    assert states.count("seg above") == 2
    assert states.count("seg below") == 1
    assert states.count("seg unjudged") == 2
    assert "Over time" not in page.text


def test_a_sound_that_may_not_be_held_is_not_held_and_says_so(make: dict) -> None:
    sound = replace(make["voices"]().sound, clips=(), not_playable="not_wanted")
    html = to_html(make["voices"](sound=sound))
    page = Page(html)
    assert page.named("audio") == []
    assert "data:audio" not in html
    assert "embedding switched off" in page.text
    assert "runs no script" in page.text
    assert not any("data-at" in one for one in page.named("button"))


def test_hostile_evidence_of_a_sound_is_escaped_and_drawn_where_it_can_be(make: dict) -> None:
    times = [float("nan"), -1, 1e308, "x", None, 3, [1]]
    finding = t.Finding(NASTY, NASTY, NASTY, "strong", {"times_s": times, "start_s": NASTY})
    plots = [
        {"times_s": NASTY, "f0_hz": [1]}, {"times_s": [0, 1], "f0_hz": [NASTY, 2]}, NASTY, 7,
        {"times_s": [0, 1], NASTY: [1.0, 2.0], f"{NASTY}_s": [0.5]}, {"frequencies_hz": [0, 0]},
        {"times_s": [1, 0], "f0_hz": [1, 1]}, {"times_s": [0, 1], "f0_hz": [float("nan")] * 2},
    ]  # fmt: skip
    evidence = tuple(
        t.Evidence(NASTY, "1", "f", NASTY, "reported", speaker_id=1, findings=(finding,),
                   details={"plot": plot})
        for plot in plots
    )  # fmt: skip
    odd = (
        t.Span(float("nan"), 4.0, 0.0, 0.9),
        t.Span(1.0, 2.0, 0.0, float("inf")),
        t.Span(-5, 99, 0, 1),
    )
    scored = replace(evidence[0], status="scored", logit=0.0, p_fake=0.9, threshold=0.5, spans=odd)
    reasons = (t.Reason(NASTY, NASTY),)
    segments = (SoundSegment(5.0, 6.0, 9, reasons), SoundSegment(900.0, 901.0, 9))
    sound = replace(make["voices"]().sound, segments=segments, reasons=reasons)
    html = to_html(make["voices"](NASTY, evidence=(scored, *evidence), sound=sound))
    page = Page(html)
    assert page.named("script") == [{}]
    assert not any("onerror" in one for one in page.named("img"))
    numbers = re.findall(r' (?:style|data-at|d)="([^"]*)"', html)
    assert not any(word in one for one in numbers for word in ("nan", "inf", "e+"))


def test_hostile_amounts_of_sound_stay_bounded(make: dict) -> None:
    rng = np.random.default_rng(0)
    noise = t.Waveform(rng.uniform(-1, 1, 60 * 16_000).astype(np.float32), 16_000)
    from tests.report.conftest import a_sound, a_voice

    segments = tuple(SoundSegment(i * 0.03, i * 0.03 + 0.02, i % 40) for i in range(2000))
    voices = tuple(
        a_voice(n, *((i * 0.03, i * 0.03 + 0.03, 0.9) for i in range(2000))) for n in range(40)
    )
    verdict = make["voices"](evidence=voices, sound=a_sound(noise, segments=segments))
    assert len(to_html(verdict).encode()) < 3_000_000


def test_a_video_in_time_has_a_player_lanes_and_moments(make: dict) -> None:
    html = to_html(make["timeline"]())
    page = Page(html)
    for part in (
        "The video in time", "Most suspicious moments", "Temporal consistency",
        "Eye opening ratio, face 1, blinking", "cuts at 0:02.0", "which whoever gets the page can",
        "--no-embed-video", "A threshold is measured for a face as a whole",
    ):  # fmt: skip
        assert part in page.text, part
    (video,) = page.named("video")
    assert video["src"].startswith("data:video/webm;base64,")
    assert "controls" in video, "it plays without the script"
    assert "muted" in video
    assert len(video["aria-label"]) > 20
    jumps = [one for one in page.named("button") if "data-to" in one]
    assert len(jumps) > 4
    assert all("disabled" in one and len(one["aria-label"]) > 10 for one in jumps)
    (scrub,) = page.named("input")[:1]
    assert scrub["aria-label"]
    assert "Over time" not in page.text, "the chart shows the whole video"


def test_the_policy_names_the_one_script_of_film_and_sound(make: dict) -> None:
    both = replace(make["timeline"](), sound=make["voices"]().sound)
    for verdict in (make["timeline"](), both):
        html = to_html(verdict)
        (policy,) = re.findall(r'Security-Policy" content="([^"]+)"', html)
        (script,) = re.findall(r"<script>(.*?)</script>", html, re.S)
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"script-src 'sha256-{digest}'" in policy
        assert "media-src data:" in policy
        assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]


def test_a_video_that_may_not_be_held_is_drawn_without_it(make: dict) -> None:
    verdict = make["timeline"]()
    held = replace(verdict.timeline, footage=None, not_shown="not_wanted")
    html = to_html(replace(verdict, timeline=held))
    page = Page(html)
    assert page.named("video") == []
    assert page.named("script") == []
    assert "data:video" not in html
    assert "media-src" not in html
    assert "embedding switched off" in page.text
    assert "runs no script" in page.text
    assert not any("data-to" in one for one in page.named("button"))
    assert "Temporal consistency" in page.text


def test_where_only_parts_are_shown_the_whole_is_drawn_too(make: dict) -> None:
    verdict = make["timeline"]()
    part = replace(verdict.timeline, pieces_s=((1.0, 2.0),))
    assert "Over time" in Page(to_html(replace(verdict, timeline=part))).text


def test_hostile_words_of_a_timeline_are_escaped(make: dict) -> None:
    verdict = make["timeline"]()
    finding = t.Finding(NASTY, NASTY, NASTY, "strong", {"times_s": [1.0, 2.0]})
    plot = {"times_s": [0.0, 1.0, 2.0], NASTY: [1.0, 2.0, 3.0], f"{NASTY}_s": [0.5]}
    evidence = tuple(
        replace(one, detector=NASTY, family=NASTY, subject=NASTY, findings=(finding,),
                details={"plot": plot})
        for one in verdict.evidence
    )  # fmt: skip
    held = verdict.timeline
    stretches = tuple(replace(s, detector=NASTY, subject=NASTY) for s in held.stretches)
    marks = tuple(replace(m, title=NASTY, detector=NASTY, subject=NASTY) for m in held.marks)
    moments = tuple(replace(m, subject=NASTY, causes=(*stretches, *marks)) for m in held.moments)
    timeline = replace(held, stretches=stretches, marks=marks, moments=moments)
    html = to_html(replace(verdict, evidence=evidence, timeline=timeline))
    page = Page(html)
    assert page.named("script") == [{}]
    assert not any("onerror" in attrs for _, attrs in page.tags)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", html)


def test_a_page_with_everything_stays_under_five_megabytes(make: dict) -> None:
    from assay.report.footage import MAX_BYTES, Film, Piece

    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (1280, 1280, 3), dtype=np.uint8)
    film = Film(bytes(MAX_BYTES), (600, 300), 30.0, (Piece(0.0, 4.0, 0.0),))
    verdict = make["timeline"]()
    spans = tuple(t.Span(i / 500, i / 500, 0.0, (i % 9) / 9) for i in range(2000))
    times = [i / 500 for i in range(2000)]
    plot = {"times_s": times, **{f"q{i}_px": list(rng.random(2000)) for i in range(3)}}
    evidence = tuple(
        replace(verdict.evidence[0], detector=f"d{k}", subject=f"face {n}", track_id=n, spans=spans,
                details={"plot": plot})
        for n in range(1, 8) for k in range(8)
    )  # fmt: skip
    first = replace(verdict.timeline.moments[0], crop=noise[:256, :256])
    minute = t.Waveform(rng.uniform(-1, 1, 60 * 16_000).astype(np.float32), 16_000)
    from tests.report.conftest import a_sound

    full = replace(
        verdict, evidence=evidence, sound=a_sound(minute),
        timeline=replace(verdict.timeline, moments=(first,) * 12),
        pictures=tuple(t.Picture(i, i / 2, noise, 1.0) for i in range(8)),
        faces=tuple(t.FaceMark(i, i / 2, (0.0, 0.0, 900.0, 900.0), 0.5) for i in range(8)),
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("assay.report.video_chart.as_film", lambda *_: film)
        assert len(to_html(full).encode()) < 5_000_000


def test_what_was_found_in_the_file_is_told_with_its_innocent_causes(make: dict) -> None:
    page = Page(to_html(make["forensic"]()))
    for part in (
        "The file itself", "Noise of one place differs", "strong trace", "Also caused by:",
        "A place out of focus.", "Shown by 0 of 61 pristine camera files.",
        "Box 1 in the picture: x 64–192, y 42–168 px.",
        "the same as at x 32–160, y 252–357 px (dashed)",
        "Signed and intact, but the signer is not on the trust list", "signingCredential.untrusted",
        "declares AI generation", "does not hold", "a part of it", "the version before",
        "A sky was added.", "Trust list date", "carries a strong trace: Noise",
    ):  # fmt: skip
        assert part in page.text, part
    titles = ["Noise of one place", "The same content lies", "Saved by an editing", "A camera is"]
    places = [page.text.index(title) for title in titles if title in page.text]
    assert len(places) == 4


def test_each_view_carries_its_weakness_and_lies_over_the_picture_without_script(
    make: dict,
) -> None:
    page = Page(to_html(make["forensic"]()))
    assert page.text.count("What it cannot show:") == 4
    for words in ("Flat places of genuine pictures stand out too.", "A preview can be old"):
        assert words in page.text
    images = page.named("image")
    assert len(images) == 4, "the examined picture is embedded once, and each map once"
    assert all(image["href"].startswith(EMBEDDED) for image in images)
    layers = [image for image in images if image.get("class", "").startswith("map")]
    assert [image.get("filter") for image in layers] == ["url(#heat)", None, "url(#heat)"]
    defined = {attrs["id"] for _, attrs in page.tags if "id" in attrs}
    used = [use["href"].removeprefix("#") for use in page.named("use")]
    assert len(used) >= 6
    assert set(used) <= defined
    referred = re.findall(r"url\(#([\w-]+)\)", " ".join(map(str, page.tags)))
    assert set(referred) <= defined
    figures = [attrs for attrs in page.named("figure") if "plate" in attrs.get("class", "")]
    assert not any("hidden" in attrs for attrs in figures)
    hidden = [a for _, a in page.tags if a.get("class") in ("pick", "desk")]
    assert len(hidden) == 2
    assert all("hidden" in attrs for attrs in hidden), "controls need the script"


def test_every_control_of_the_forensic_view_has_a_name(make: dict) -> None:
    html = to_html(make["forensic"]())
    desk = html[html.index('<div class="desk"') : html.index("<footer")]
    for control in re.findall(r"<(?:input|select)[^>]*>", desk):
        before = desk[: desk.index(control)]
        inside_label = before.rfind("<label") > before.rfind("</label>")
        assert "aria-label" in control or inside_label, control
    page = Page(html)
    buttons = [one for one in page.named("button") if "data-view" in one]
    assert [one["data-view"] for one in buttons] == ["marked_places", "view-1", "view-2", "view-3"]
    assert all(one["aria-pressed"] == "false" for one in buttons)


def test_values_are_folded_so_that_a_place_is_not_seen_at_once(make: dict) -> None:
    place = t.Finding("gps", "A place is written down", "m", "notable", {"gps": "48.1371, 11.5754"})
    evidence = t.Evidence("metadata", "1", "metadata", "file", "reported", findings=(place,))
    html = to_html(make["faceless"](evidence=(evidence,)))
    before = html[: html.index("48.1371")]
    assert before.rfind("<details") > before.rfind("</details>")
    assert "<details open" not in before[before.rfind("<details") :]


def test_hostile_words_of_views_and_manifests_are_escaped(make: dict) -> None:
    verdict = make["forensic"]()
    finding = replace(
        verdict.evidence[2].findings[0], title=NASTY, meaning=NASTY, code=NASTY,
        innocent_causes=(NASTY,), measured_on=NASTY, values={NASTY: NASTY},
    )  # fmt: skip
    view = replace(
        verdict.evidence[2].views[0], name=NASTY, title=NASTY, caption=NASTY, weakness=NASTY
    )
    aside = replace(view, values=None, rgb=np.zeros((4, 4, 3), np.uint8), over=False)
    one = replace(verdict.evidence[2], detector=NASTY, findings=(finding,), views=(view, aside))
    keys = ("action", "software", "when", "digital_source_type", "description")
    action = dict.fromkeys(keys, NASTY)
    node = {
        "title": NASTY, "format": NASTY, "relationship": NASTY, "claim_generator": NASTY,
        "issuer": NASTY, "signed_at": NASTY, "actions": [action], "left_out": [NASTY],
        "validation": {"state": NASTY, "codes": [NASTY]},
    }  # fmt: skip
    tree = {**node, "ingredients": [node]}
    held = t.Provenance("invalid", NASTY, {"tree": tree, NASTY: NASTY}, (NASTY,))
    reasons = (t.Reason("file_findings", NASTY),)
    html = to_html(replace(verdict, evidence=(one,), provenance=held, reasons=reasons))
    page = Page(html)
    assert page.named("script") == [{}]
    assert not any("onerror" in attrs for _, attrs in page.tags)
    assert not any(image.get("src") == "x" for image in page.named("img"))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", html)
    assert page.text.count("<script>alert(1)</script>") > 25


def test_pages_with_views_are_bounded_and_the_same_each_time(make: dict) -> None:
    verdict = make["forensic"]()
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (1280, 1280, 3), dtype=np.uint8)
    view = replace(verdict.evidence[2].views[0], values=rng.random((1200, 1200), dtype=np.float32),
                   links_px=((0.0, 0.0, 9.0, 9.0),) * 100_000)  # fmt: skip
    crowded = replace(verdict.evidence[2], views=(view,) * 30)
    full = replace(
        verdict, evidence=(crowded,), pictures=(t.Picture(0, 0.0, noise, 1.0),),
        faces=tuple(t.FaceMark(i, 0, (0.0, 0.0, 900.0, 900.0), 0.5) for i in range(9)),
    )  # fmt: skip
    html = to_html(full)
    assert len(html.encode()) < 4_000_000
    assert "18\u00a0further views" in html
    assert html == to_html(full)


def test_the_policy_lets_the_forensic_script_run_and_nothing_be_loaded(make: dict) -> None:
    html = to_html(make["forensic"]())
    (policy,) = re.findall(r'Security-Policy" content="([^"]+)"', html)
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.S)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "media-src" not in policy
    assert not re.search(r"\b(fetch|XMLHttpRequest|import|eval|innerHTML|WebSocket)\b", script)
