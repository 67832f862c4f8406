"""Every word of the page, by key, in one place: a translation is another set of these tables.

Values are put in by name (`{n}`) and are escaped where a page prints them. Keys that begin with
`script.` are handed to the script.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

FRAME = {
    "frame.brand": "assay",
    "frame.title": "{title} – assay",
    "frame.skip": "Skip to the content",
    "frame.nav": "Main",
    "frame.home": "Examine",
    "frame.history": "History",
    "frame.cases": "Cases",
    "frame.about": "About",
    "frame.sign_out": "Sign out",
    "frame.use": "Acceptable use",
    "frame.footer": "A score is a measurement with an error rate, not a proof.",
    "frame.version": "assay {version}",
    "problem.title": "That did not work",
    "problem.missing": "There is nothing here",
    "problem.back": "Back to the start",
    "problem.code": "Status {status}, code {code}",
}

HOME = {
    "home.title": "Examine a file",
    "home.lead": (
        "Give a picture, a video or a recording of a person. You get what speaks for manipulation, "
        "how sure that is, and what was not tested."
    ),
    "home.choose": "Files to examine",
    "home.drop": "Drop them here, paste them, or choose them.",
    "home.limit": "Pictures, video and sound; up to {n} files at once, {size} each.",
    "home.url": "Or the address of a file",
    "home.send": "Examine",
    "home.options": "Options",
    "home.point": "Accepted false alarms",
    "home.point_hint": "How many genuine files may be flagged, as measured.",
    "home.range": "Only this passage",
    "home.range_hint": "For video and sound, from and to.",
    "home.frames": "Frames of a video",
    "home.frames_hint": "Examined at most; more take longer.",
    "home.switches": "Further options",
    "home.stability": "Quick: leave out the test under harmless changes",
    "home.embed_video": "Leave the film out of the report",
    "home.priority": "It can wait: after the files of others",
    "home.again": "Examine anew, even where the same was examined before",
    "home.reference": "Known footage of the person",
    "home.reference_hint": (
        "One file to compare faces with, in this examination alone. No list of faces is kept."
    ),
    "home.purpose": "Purpose of the comparison",
    "home.purpose_hint": "Needed with known footage; it is written into the audit log.",
    "home.sending": "Sent files",
    "home.recent": "Recent examinations",
    "home.all": "All examinations",
    "home.none": "Nothing was examined yet.",
    "point.far_0.1": "0.1 % – few, finds less",
    "point.far_1": "1 %",
    "point.far_5": "5 % – more, finds more",
    "refused.title": "Not every file was taken",
    "refused.others": "Those that were",
    "kept.until_deleted": "Files and results stay here until you delete them.",
    "kept.for": "Files and results are deleted after {time}.",
    "kept.privacy": "Files are deleted right after their examination.",
    "kept.days": "{n} days",
    "kept.hours": "{n} hours",
    "kept.minutes": "{n} minutes",
}

EXAMINATION = {
    "label.strong_evidence": "Strong evidence",
    "label.some_evidence": "Some evidence",
    "label.inconclusive": "Inconclusive",
    "label.no_evidence_found": "No evidence found",
    "label.not_analysable": "Not analysable",
    "status.queued": "Waiting",
    "status.running": "Being examined",
    "status.finished": "Finished",
    "status.set_aside": "Set aside",
    "status.cancelled": "Cancelled",
    "list.name": "File",
    "list.verdict": "Verdict",
    "list.p_fake": "p_fake",
    "list.size": "Size",
    "list.when": "Sent",
    "list.outdated": "older version",
    "list.other_names": "and {n} more names",
    "examination.file": "The file",
    "examination.waits": "Waiting for its turn",
    "examination.runs": "Being examined",
    "examination.retried": "An attempt came to nothing: {fault} It is tried again.",
    "examination.steps": "Steps",
    "examination.no_script": "This page loads itself again every few seconds.",
    "examination.leave": "You may leave this page; the examination goes on.",
    "examination.cancel": "Cancel",
    "examination.cancelling": "It is being cancelled.",
    "examination.cancelled": "Cancelled before there was a result",
    "examination.scale": "p_fake {value}",
    "examination.threshold": "threshold {value}",
    "examination.quote": "To quote",
    "examination.copy": "Copy",
    "examination.next": "What to do next",
    "examination.not_meant": "What this does not mean",
    "examination.why": "Why this answer",
    "examination.outside": (
        "The file is unlike those on which the error rates were measured; they may not hold for it."
    ),
    "examination.false_alarms": "of genuine files reach the threshold",
    "examination.interval": "90 % interval of p_fake",
    "examination.jump": "On this page",
    "examination.player": "In time",
    "examination.lane": "{title} {subject}: {n} values, the highest {most}; {cut}.",
    "examination.lane_cut": "threshold {cut}",
    "examination.lane_uncut": "no threshold",
    "examination.lanes_left_out": "{n} further rows are in the report.",
    "examination.position": "Place in time, in seconds",
    "examination.seek": "Click into a row, or move the slider, to go there.",
    "examination.moments": "Moments worth a look",
    "examination.moment": "{start} to {end}",
    "examination.no_moments": "No moment stands out.",
    "examination.unplayable": "This browser cannot play the file; it can be downloaded below.",
    "examination.gone": "The file itself was deleted; the result stays.",
    "examination.pictures": "Pictures and maps",
    "examination.maps": "Map",
    "examination.no_map": "None",
    "examination.strength": "Strength of the map",
    "examination.wipe": "Uncover the picture from the left",
    "examination.map_means": (
        "Colour marks where the score comes from, not what was changed. Only maps whose "
        "faithfulness was measured are shown."
    ),
    "examination.report": "The whole report",
    "examination.open_report": "Open it alone",
    "examination.get": "Downloads",
    "examination.get_report": "Report (HTML)",
    "examination.get_result": "Result (JSON)",
    "examination.get_media": "The file ({size})",
    "examination.get_artifacts": "Pictures and maps ({n})",
    "examination.feedback": "Was this right?",
    "examination.feedback_hint": (
        "Your answer is kept with the scores, so that thresholds can be measured anew. It does not "
        "change this result."
    ),
    "feedback.right": "Right",
    "feedback.false_alarm": "False alarm",
    "feedback.missed": "Missed",
    "feedback.withdraw": "Take it back",
    "examination.right_hint": "the verdict fits",
    "examination.false_alarm_hint": "it is genuine",
    "examination.missed_hint": "it is manipulated",
    "examination.comment": "How do you know? (optional)",
    "examination.said": "You said: {kind}.",
    "examination.cases": "Cases",
    "examination.in_cases": "It is in:",
    "examination.case": "Add to a case",
    "examination.new_case": "New case",
    "examination.case_title": "Title of the new case",
    "examination.add": "Add",
    "examination.again": "Examine again",
    "examination.again_hint": "The same file with the same options and the networks of today.",
    "examination.outdated": (
        "Another version of assay or of its networks gave this result. Examined again, it may "
        "differ."
    ),
    "examination.previous": "The examination before",
    "examination.newer": "A newer examination of this file",
    "examination.changed": "What changed",
    "examination.same": "Nothing that counts changed.",
    "examination.before": "Before",
    "examination.after": "Now",
    "examination.what": "What",
    "examination.delete": "Delete",
    "examination.delete_hint": (
        "The file, its result and its report are deleted for good. What stays is a line in the "
        "audit log with its hash."
    ),
    "examination.delete_now": "Delete for good",
    "change.operating_point": "Accepted false alarms",
    "change.assay_version": "Version of assay",
    "change.version": "{name}: version",
    "change.network": "{name}: network",
    "change.there": "examined",
    "change.missing": "–",
    "fact.sha256": "SHA-256",
    "fact.size": "Size",
    "fact.type": "Content",
    "fact.sent": "Sent",
    "fact.finished": "Examined",
    "fact.other_names": "Also sent as",
    "fact.source": "From",
    "fact.options": "Options",
    "fact.reference": "Compared with",
    "fact.purpose": "Purpose",
    "fact.attempts": "Attempts",
    "fact.rerun": "To repeat it",
    "fact.id": "Number",
    "fact.engine": "Engine",
}

HISTORY = {
    "history.title": "History",
    "history.text": "Search",
    "history.text_hint": "Name, SHA-256 or number",
    "history.label": "Verdict",
    "history.status": "State",
    "history.since": "From",
    "history.until": "To",
    "history.any": "Any",
    "history.outdated": "Only those of an older version",
    "history.search": "Search",
    "history.clear": "Show all",
    "history.none": "Nothing fits the search.",
    "history.pages": "Pages",
    "history.newest": "Newest",
    "history.older": "Older",
    "history.again": "Examine all of them again",
    "history.again_about": "assay or one of its networks has changed since these were examined. "
    "Each result then shows what changed; files compared with known footage are left out.",
    "history.batch": "{n} files that were sent together.",
}

ABOUT = {
    "about.title": "About",
    "about.lead": (
        "To assay is to test a metal for what it truly is. This service tests whether a picture, a "
        "video or a recording of a person was manipulated, says how sure it is, shows why, and "
        "says what it could not test."
    ),
    "about.labels": "What the verdicts mean",
    "meaning.strong_evidence": (
        "Two independent kinds of evidence reach their thresholds, or one that fewer than 0.1 % of "
        "genuine files reach."
    ),
    "meaning.some_evidence": "A lead. Genuine files reach this level too.",
    "meaning.inconclusive": "The measurements do not allow an answer.",
    "meaning.no_evidence_found": "Nothing was found in what was tested. It is no proof of origin.",
    "meaning.not_analysable": "Nothing could be scored; the reason is given.",
    "about.number": "What the number means",
    "about.manifest": (
        "Only a valid and trusted signature of the maker authenticates a file. It is shown beside "
        "the score and is never part of it."
    ),
    "about.files": "What happens to your files",
    "about.local": "They stay on the machine of this service.",
    "about.network": "An examination may fetch a signed manifest that a file names, if asked to.",
    "about.no_network": "No examination opens a connection to anywhere.",
    "about.audit": "Who examined which hash, when and with which networks is written into a log.",
    "about.faces": "No list of faces is kept, and faces cannot be searched.",
    "about.keys": "Keys",
    "about.key_tab": "From one control to the next; the first leads past the menu.",
    "about.key_paste": "On the first page: examine a copied picture or file.",
    "about.key_play": "At the slider of the timeline: back and on.",
    "about.key_map": "At a slider of the map: change it.",
    "about.machine": "For programs",
    "about.api": "Everything here can be done over HTTP.",
    "about.openapi": "Description of the API (OpenAPI)",
    "about.engine": "What examines",
    "about.version": "Version of assay",
    "about.fingerprint": "Fingerprint of version and networks",
}

CASES: dict[str, str] = {
    "cases.title": "Cases",
    "cases.lead": "A case keeps files that belong together, with your notes and tags. "
    "It leaves as one ZIP.",
    "cases.search": "Search titles, notes and tags",
    "cases.find": "Search",
    "cases.all": "Show all",
    "cases.name": "Title",
    "cases.tags": "Tags",
    "cases.tags_hint": "With commas between them.",
    "cases.n_files": "Files",
    "cases.changed": "Changed",
    "cases.pages": "Pages",
    "cases.older": "Older",
    "cases.none": "There is no case yet.",
    "cases.none_found": "No case holds these words.",
    "cases.begin": "Begin a case",
    "cases.notes": "Notes",
    "cases.begun": "Begun",
    "cases.then_changed": "· changed",
    "cases.change": "Change title, tags and notes",
    "cases.keep": "Save",
    "cases.files": "Files ({n})",
    "cases.file": "File",
    "cases.verdict": "Verdict",
    "cases.p_fake": "p_fake",
    "cases.note": "Note",
    "cases.add_note": "Add a note",
    "cases.change_note": "Change the note",
    "cases.note_on": "Note on {name}",
    "cases.remove": "Take out",
    "cases.empty": "No file yet. Open a file's page and put it into this case.",
    "cases.export": "Export",
    "cases.export_told": "One ZIP with the reports, results and pictures of all files, a manifest "
    "with hashes, versions and the lines of the audit log, and SHA256SUMS to check it by.",
    "cases.export_media": "with the examined files ({n} are kept)",
    "cases.export_go": "Download the ZIP",
    "cases.delete": "Delete this case",
    "cases.delete_told": "Title, tags and notes are gone then. The files and their results stay.",
    "cases.delete_go": "Delete the case",
}

SIGN_IN: dict[str, str] = {
    "sign_in.title": "Sign in",
    "sign_in.lead": "This service asks who you are. Sign in with a key that its operator gave you.",
    "sign_in.key": "Key",
    "sign_in.enter": "Sign in",
    "sign_in.wrong": "This key is not valid, or not any more.",
    "sign_in.wait": "There were too many wrong keys. Try again in {n} s.",
    "sign_in.where": "Keys begin with assay_. The operator makes one with: assay keys create.",
}

SCRIPT = {
    "script.sending": "Sending",
    "script.waits": "Waiting",
    "script.runs": "Being examined: {step}",
    "script.runs_bare": "Being examined",
    "script.cancelled": "Cancelled",
    "script.too_large": "It is larger than {size}.",
    "script.too_many": "More than {n} files were given; the rest was left out.",
    "script.folder": "A folder cannot be dropped: choose the files in it.",
    "script.nothing": "Choose a file first.",
    "script.failed": "It could not be sent. Is the service still running?",
    "script.verdict": "{name}: {verdict}",
    "script.finished": "The examination is finished.",
    "script.copied": "Copied.",
    "script.slow": "No news from the service for a while; trying again.",
    "script.of": "{done} of {total}",
    "script.label.strong_evidence": "Strong evidence",
    "script.label.some_evidence": "Some evidence",
    "script.label.inconclusive": "Inconclusive",
    "script.label.no_evidence_found": "No evidence found",
    "script.label.not_analysable": "Not analysable",
    "script.step.faces": "Finding faces",
    "script.step.motion": "Following faces frame by frame",
    "script.step.speech": "Finding speech",
    "script.step.stability": "Trying harmless changes",
    "script.step.decide": "Deciding",
    "script.step.report": "Writing the report",
}

SECTIONS = (FRAME, HOME, EXAMINATION, HISTORY, ABOUT, CASES, SIGN_IN, SCRIPT)
TEXTS: Mapping[str, str] = MappingProxyType(
    {key: text for section in SECTIONS for key, text in section.items()}
)


def say(key: str, **values: object) -> str:
    """The text of this key with the values put in. Raises KeyError where there is none."""
    text = TEXTS[key]
    return text.format(**values) if values else text


def for_script() -> dict[str, str]:
    """What the script says, by key."""
    return {key: text for key, text in TEXTS.items() if key.startswith("script.")}
