"""Provenance: the four states, what they say, and that nothing leaves the machine."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from assay.case import Case
from assay.detectors import Detector, provenance
from assay.media import content_credentials, remote_manifest
from assay.media.trust_list import ANCHORS_VARIABLE
from assay.options import Options
from assay.types import Evidence
from tests.media.tag_makers import FORENSIC, Signer, jpeg, media_at, png, with_segment

pytest.importorskip("cryptography")


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer()


@pytest.fixture(autouse=True)
def _no_trust_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ANCHORS_VARIABLE, raising=False)


def examined(path: Path, **options: Any) -> Evidence:
    (evidence,) = provenance.DETECTOR().examine(Case(media_at(path), Options(**options)))
    assert evidence.status == "reported"
    for finding in evidence.findings:
        assert finding.severity == "info" or finding.innocent_causes, finding.code
    json.dumps(evidence.details["provenance"])
    return evidence


DIGITAL = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCreation"


def state(evidence: Evidence) -> str:
    return str(evidence.details["provenance"]["state"])


def codes(evidence: Evidence) -> dict[str, str]:
    return {
        finding.code.removeprefix("provenance_"): finding.severity for finding in evidence.findings
    }


def written(tmp_path: Path, data: bytes, name: str = "picture.jpg") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def test_it_is_a_detector() -> None:
    assert isinstance(provenance.DETECTOR(), Detector)


def test_without_a_manifest_the_state_is_none_and_not_suspicious(tmp_path: Path) -> None:
    evidence = examined(written(tmp_path, jpeg()))
    assert state(evidence) == "none"
    assert codes(evidence) == {"none": "info"}
    assert "not suspicious" in evidence.findings[0].meaning


def test_signed_without_a_trust_list_is_untrusted_and_says_so(
    tmp_path: Path, signer: Signer
) -> None:
    evidence = examined(written(tmp_path, signer.sign(jpeg())))
    assert state(evidence) == "valid_untrusted"
    assert "no trust list" in evidence.findings[0].meaning
    values = evidence.details["provenance"]["values"]
    assert values["issuer"] == "Assay Test"
    assert values["claim_generator"].startswith("assay tests 1")
    assert values["actions"] == [{"action": "c2pa.created", "digital_source_type": DIGITAL}]
    assert values["validation_codes"]["failure"] == ["signingCredential.untrusted"]


def test_values_are_cleaned_of_what_could_redraw_a_terminal(tmp_path: Path, signer: Signer) -> None:
    evidence = examined(written(tmp_path, signer.sign(jpeg())))
    assert evidence.details["provenance"]["values"]["title"] == "a test picture"


def test_signed_by_an_anchor_of_the_trust_list_is_trusted(
    tmp_path: Path, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    anchors = written(tmp_path, signer.anchors_pem, "anchors.pem")
    monkeypatch.setenv(ANCHORS_VARIABLE, str(anchors))
    trusted = examined(written(tmp_path, signer.sign(jpeg())))
    stranger = examined(written(tmp_path, Signer().sign(jpeg()), "stranger.jpg"))
    assert state(trusted) == "valid_trusted"
    assert codes(trusted) == {"valid_trusted": "info"}
    assert state(stranger) == "valid_untrusted"
    assert "not on the trust list" in stranger.findings[0].meaning


@pytest.mark.parametrize("content", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA"])
def test_a_bad_trust_list_is_reported_and_trusts_nobody(
    tmp_path: Path, signer: Signer, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    anchors = written(tmp_path, content, "anchors.pem")
    monkeypatch.setenv(ANCHORS_VARIABLE, str(anchors))
    evidence = examined(written(tmp_path, signer.sign(jpeg())))
    assert state(evidence) == "valid_untrusted"
    assert codes(evidence)["trust_list_unusable"] == "notable"


def test_a_changed_picture_is_invalid_and_says_why(tmp_path: Path, signer: Signer) -> None:
    data = bytearray(signer.sign(jpeg()))
    data[-40] ^= 0x10
    evidence = examined(written(tmp_path, bytes(data)))
    assert state(evidence) == "invalid"
    assert codes(evidence)["invalid"] == "strong"
    assert "changed after it was signed" in evidence.findings[0].meaning


def test_a_changed_statement_is_invalid(tmp_path: Path, signer: Signer) -> None:
    data = signer.sign(jpeg())
    assert data.count(b"c2pa.created") == 1
    evidence = examined(written(tmp_path, data.replace(b"c2pa.created", b"c2pa.opened\x20")))
    assert state(evidence) == "invalid"
    assert codes(evidence)["invalid"] == "strong"


@pytest.mark.parametrize(
    ("source_type", "code", "severity"),
    [
        ("trainedAlgorithmicMedia", "declares_ai_generation", "strong"),
        ("compositeWithTrainedAlgorithmicMedia", "declares_ai_elements", "strong"),
        ("digitalCapture", "declares_capture", "info"),
    ],
)
def test_what_the_signer_declares_is_a_finding(
    tmp_path: Path, signer: Signer, source_type: str, code: str, severity: str
) -> None:
    evidence = examined(
        written(tmp_path, signer.sign(png(), source_type, "", "image/png"), "a.png")
    )
    assert codes(evidence) == {"valid_untrusted": "info", code: severity}


def test_a_declaration_that_does_not_hold_is_no_warning(tmp_path: Path, signer: Signer) -> None:
    data = bytearray(signer.sign(jpeg(), "trainedAlgorithmicMedia"))
    data[-40] ^= 0x10
    assert codes(examined(written(tmp_path, bytes(data))))["declares_ai_generation"] == "notable"


@pytest.fixture
def server() -> Iterator[tuple[int, list[object]]]:
    visits: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            while True:
                try:
                    connection, address = listener.accept()
                except OSError:
                    return
                visits.append(address)
                with connection:
                    connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        yield listener.getsockname()[1], visits
        # accept() in the thread ends when the listener is shut down.
        listener.shutdown(socket.SHUT_RDWR)


def test_a_remote_manifest_is_named_and_never_fetched(
    tmp_path: Path, signer: Signer, server: tuple[int, list[object]]
) -> None:
    port, visits = server
    address = f"http://127.0.0.1:{port}/manifest.c2pa"
    evidence = examined(written(tmp_path, signer.sign(jpeg(), remote=address)))
    assert state(evidence) == "none"
    assert codes(evidence) == {"remote_only": "notable"}
    assert evidence.findings[0].values["remote_address"] == address
    assert visits == []


@pytest.mark.parametrize("kept", ["verify", "core"])
def test_each_of_the_two_locks_keeps_the_network_shut(
    tmp_path: Path,
    signer: Signer,
    server: tuple[int, list[object]],
    monkeypatch: pytest.MonkeyPatch,
    kept: str,
) -> None:
    port, visits = server
    path = written(tmp_path, signer.sign(jpeg(), remote=f"http://127.0.0.1:{port}/manifest.c2pa"))
    monkeypatch.setattr(content_credentials, "OFFLINE", {kept: content_credentials.OFFLINE[kept]})
    assert state(examined(path)) == "none"
    assert visits == []


def test_without_the_locks_the_library_would_go_out(
    tmp_path: Path,
    signer: Signer,
    server: tuple[int, list[object]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control: were this not so, the tests above could not fail."""
    port, visits = server
    path = written(tmp_path, signer.sign(jpeg(), remote=f"http://127.0.0.1:{port}/manifest.c2pa"))
    monkeypatch.setattr(content_credentials, "OFFLINE", {})
    examined(path)
    assert len(visits) >= 1


def test_a_sidecar_is_named_and_not_read(tmp_path: Path, signer: Signer) -> None:
    written(tmp_path, b"anything", "picture.c2pa")
    evidence = examined(written(tmp_path, jpeg()))
    assert state(evidence) == "none"
    assert codes(evidence) == {"none": "info", "sidecar_ignored": "info"}


def test_a_name_of_255_bytes_does_not_stop_it(tmp_path: Path) -> None:
    assert state(examined(written(tmp_path, jpeg(), "n" * 251 + ".jpg"))) == "none"


def test_an_unreadable_manifest_is_invalid_with_the_readers_reason(
    tmp_path: Path, signer: Signer
) -> None:
    data = signer.sign(jpeg())
    evidence = examined(written(tmp_path, data[: len(data) // 2]))
    assert state(evidence) == "invalid"
    assert codes(evidence) == {"unreadable": "notable"}
    assert evidence.findings[0].values["reader_message"]


@pytest.mark.parametrize(
    "data", [b"x", b"\xff\xd8\xff", b"\x1aE\xdf\xa3" * 50, b"RIFF\xff\xff\xff\xff"]
)
def test_bytes_that_hold_no_manifest_are_none_whatever_the_reader_says(
    tmp_path: Path, data: bytes
) -> None:
    assert state(examined(written(tmp_path, data, "clip.mkv"))) == "none"


def test_any_error_of_the_library_becomes_a_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object) -> None:
        raise RuntimeError("the library is broken")

    monkeypatch.setattr(provenance, "read_store", broken)
    mark = content_credentials.STORE_MARK
    holding = written(tmp_path, with_segment(jpeg(), 0xEB, mark), "holding.jpg")
    assert state(examined(written(tmp_path, jpeg()))) == "none"
    assert state(examined(holding)) == "invalid"


def test_a_report_that_is_nonsense_does_not_stop_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nonsense = {"manifests": ["a", 3], "active_manifest": {}, "validation_results": "x"}
    monkeypatch.setattr(provenance, "read_store", lambda *_: (nonsense, "Invalid"))
    assert state(examined(written(tmp_path, jpeg()))) == "invalid"


def test_no_time_left_is_not_checked(tmp_path: Path, signer: Signer) -> None:
    evidence = examined(written(tmp_path, signer.sign(jpeg())), detector_time_limit_s=1e-9)
    assert state(evidence) == "not_checked"


def told_by_the_library(path: Path, anchors: bytes = b"") -> str:
    """The state by c2pa-python alone, asked without any of assay's code."""
    import c2pa

    settings: dict[str, Any] = {"verify": {"remote_manifest_fetch": False, "verify_trust": True}}
    if anchors:
        settings["trust"] = {"trust_anchors": anchors.decode()}
    form = "image/png" if path.suffix == ".png" else "image/jpeg"
    with c2pa.Context.from_dict(settings) as context, path.open("rb") as file:
        try:
            with c2pa.Reader(form, file, None, context) as reader:
                found = reader.get_validation_state()
        except c2pa.C2paError.ManifestNotFound:
            return "none"
        except c2pa.C2paError as problem:
            return "none" if str(problem).startswith("Remote") else "invalid"
    states = {"Trusted": "valid_trusted", "Valid": "valid_untrusted", "Invalid": "invalid"}
    return states[str(found)]


def with_a_changed_pixel(signer: Signer) -> bytes:
    data = bytearray(signer.sign(jpeg()))
    data[-40] ^= 0x10
    return bytes(data)


def with_a_changed_statement(signer: Signer) -> bytes:
    return signer.sign(jpeg()).replace(b"c2pa.created", b"c2pa.opened\x20")


def without_its_source(signer: Signer) -> bytes:
    source = signer.sign(jpeg(seed=5))
    data = bytearray(signer.sign(jpeg(), sources=(("source.jpg", source),)))
    label = bytes(data).index(b"urn:c2pa:")  # the source's manifest comes first
    data[label + 12] ^= 1
    return bytes(data)


def of_an_expired_signer(_signer: Signer) -> bytes:
    data = Signer(valid_s=2).sign(jpeg())
    time.sleep(3)  # nobody signs with a certificate that has run out, so it runs out after
    return data


def of_a_stranger(_signer: Signer) -> bytes:
    return Signer().sign(jpeg())


def cut_short(signer: Signer) -> bytes:
    data = signer.sign(jpeg())
    return data[: len(data) // 2]


MADE = (
    (lambda signer: signer.sign(jpeg()), "valid_trusted", ()),
    (of_a_stranger, "valid_untrusted", ("signingCredential.untrusted",)),
    (with_a_changed_pixel, "invalid", ("assertion.dataHash.mismatch",)),
    (
        with_a_changed_statement,
        "invalid",
        ("assertion.hashedURI.mismatch", "assertion.action.malformed"),
    ),
    (without_its_source, "invalid", ("ingredient.manifest.missing",)),
    (
        of_an_expired_signer,
        "invalid",
        ("signingCredential.untrusted", "signingCredential.expired"),
    ),
    (cut_short, "invalid", ()),
    (lambda _signer: jpeg(), "none", ()),
)


@pytest.mark.parametrize(("make", "expected", "against"), MADE)
def test_each_state_is_what_the_library_says_with_its_codes(
    tmp_path: Path,
    signer: Signer,
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[Signer], bytes],
    expected: str,
    against: tuple[str, ...],
) -> None:
    anchors = written(tmp_path, signer.anchors_pem, "anchors.pem")
    monkeypatch.setenv(ANCHORS_VARIABLE, str(anchors))
    path = written(tmp_path, make(signer))
    evidence = examined(path)
    assert state(evidence) == expected == told_by_the_library(path, signer.anchors_pem)
    assert tuple(evidence.details["provenance"]["codes"]) == against


@pytest.mark.parametrize(
    ("make", "severity"),
    [
        (with_a_changed_pixel, "strong"),
        (with_a_changed_statement, "strong"),
        (without_its_source, "notable"),
        (of_an_expired_signer, "notable"),
    ],
)
def test_only_what_changed_after_signing_is_strong(
    tmp_path: Path, signer: Signer, make: Callable[[Signer], bytes], severity: str
) -> None:
    assert codes(examined(written(tmp_path, make(signer))))["invalid"] == severity


def test_the_tree_holds_the_sources_with_what_was_done(tmp_path: Path, signer: Signer) -> None:
    first = signer.sign(jpeg(seed=5), "trainedAlgorithmicMedia")
    second = signer.sign(jpeg(seed=6), sources=(("first.jpg", first), ("plain.jpg", jpeg())))
    evidence = examined(written(tmp_path, signer.sign(jpeg(), sources=(("second.jpg", second),))))
    tree = evidence.details["provenance"]["values"]["tree"]
    assert (tree["title"], tree["issuer"]) == ("a test picture", "Assay Test")
    assert tree["validation"] == {
        "state": "valid_untrusted",
        "codes": ["signingCredential.untrusted"],
    }
    assert tree["actions"] == [{"action": "c2pa.created", "digital_source_type": DIGITAL}]
    (middle,) = tree["ingredients"]
    assert (middle["title"], middle["relationship"]) == ("second.jpg", "componentOf")
    leaf, plain = middle["ingredients"]
    assert leaf["actions"][0]["digital_source_type"].endswith("/trainedAlgorithmicMedia")
    assert leaf["validation"]["state"] == "valid_untrusted"
    assert plain == {
        "title": "plain.jpg",
        "format": "image/jpeg",
        "relationship": "componentOf",
        "validation": {"state": "none"},
    }
    assert all("tree" not in finding.values for finding in evidence.findings)
    assert codes(evidence)["source_declares_ai"] == "strong"


def test_a_missing_source_is_told_at_its_place_in_the_tree(tmp_path: Path, signer: Signer) -> None:
    values = examined(written(tmp_path, without_its_source(signer))).details["provenance"]["values"]
    (source,) = values["tree"]["ingredients"]
    assert source["validation"] == {"state": "invalid", "codes": ["ingredient.manifest.missing"]}


def test_the_trust_list_is_told_with_its_date(
    tmp_path: Path, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    anchors = written(tmp_path, signer.anchors_pem, "anchors.pem")
    monkeypatch.setenv(ANCHORS_VARIABLE, str(anchors))
    evidence = examined(written(tmp_path, signer.sign(jpeg())))
    told = evidence.details["provenance"]["values"]["trust_list"]
    assert told["name"] == "anchors.pem"
    assert told["sha256"] == hashlib.sha256(signer.anchors_pem).hexdigest()
    assert (told["n_anchors"], told["date_of"]) == (1, "newest certificate")
    assert told["age_days"] in (1, 2)
    assert "trust_list_old" not in codes(evidence)


def test_a_list_older_than_a_year_is_hinted_at(
    tmp_path: Path, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = Signer(begun_days_ago=500)
    monkeypatch.setenv(ANCHORS_VARIABLE, str(written(tmp_path, old.anchors_pem, "anchors.pem")))
    evidence = examined(written(tmp_path, old.sign(jpeg())))
    assert state(evidence) == "valid_trusted"
    assert codes(evidence)["trust_list_old"] == "info"
    assert "500 days ago" in evidence.findings[-1].meaning
    # Where there is no manifest, no list was used.
    assert codes(examined(written(tmp_path, jpeg(), "plain.jpg"))) == {"none": "info"}


class Answers(BaseHTTPRequestHandler):
    """A local server: /store gives the manifest, the other paths fail in their own ways."""

    store = b""
    visits: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.visits.append(self.path)
        body, status = self.store, 200
        if self.path == "/gone":
            body, status = b"", 404
        if self.path == "/nonsense":
            body = b"<html>not a manifest</html>"
        if self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", "/store" if self.path == "/moved" else self.path)
            self.end_headers()
            return
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *_arguments: object) -> None:
        """Nothing to the terminal."""


@pytest.fixture
def shelf() -> Iterator[str]:
    Answers.visits.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def _loopback_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_manifest, "is_public", lambda address: address == "127.0.0.1")


@pytest.mark.usefixtures("_loopback_allowed")
@pytest.mark.parametrize("place", ["/store", "/moved"])
def test_with_leave_a_remote_manifest_is_fetched_and_checked(
    tmp_path: Path, signer: Signer, shelf: str, place: str
) -> None:
    data, Answers.store = signer.signed(jpeg(), remote=shelf + place)
    path = written(tmp_path, data)
    evidence = examined(path, allow_network=True)
    assert state(evidence) == "valid_untrusted"
    assert codes(evidence) == {"valid_untrusted": "info", "remote_fetched": "info"}
    values = evidence.details["provenance"]["values"]
    assert values["remote"] == {
        "address": shelf + place,
        "came_from": f"{shelf}/store",
        "n_bytes": len(Answers.store),
    }
    assert values["tree"]["issuer"] == "Assay Test"
    assert shelf in evidence.findings[-1].meaning
    changed = bytearray(data)
    changed[-40] ^= 0x10
    broken = examined(written(tmp_path, bytes(changed), "b.jpg"), allow_network=True)
    assert state(broken) == "invalid"
    assert broken.details["provenance"]["codes"][-1] == "assertion.dataHash.mismatch"


@pytest.mark.usefixtures("_loopback_allowed")
@pytest.mark.parametrize(
    ("place", "failure"),
    [
        ("/gone", "status"),
        ("/nonsense", "unreadable"),
        ("/moved/in/circles", "redirects"),
    ],
)
def test_a_failed_fetch_proves_nothing_and_says_why(
    tmp_path: Path, signer: Signer, shelf: str, place: str, failure: str
) -> None:
    path = written(tmp_path, signer.sign(jpeg(), remote=shelf + place))
    evidence = examined(path, allow_network=True)
    assert state(evidence) == "none"
    assert codes(evidence) == {"remote_only": "notable"}
    assert evidence.findings[0].values["fetch_failure"] == failure
    assert Answers.visits


def test_with_leave_this_machine_is_still_not_called(
    tmp_path: Path, signer: Signer, shelf: str
) -> None:
    path = written(tmp_path, signer.sign(jpeg(), remote=f"{shelf}/store"))
    evidence = examined(path, allow_network=True)
    assert evidence.findings[0].values["fetch_failure"] == "private_address"
    assert Answers.visits == []


@pytest.mark.usefixtures("_loopback_allowed")
def test_without_leave_nothing_is_requested(tmp_path: Path, signer: Signer, shelf: str) -> None:
    path = written(tmp_path, signer.sign(jpeg(), remote=f"{shelf}/store"))
    evidence = examined(path)
    assert state(evidence) == "none"
    assert "--allow-network" in evidence.findings[0].meaning
    assert Answers.visits == []


def test_an_address_with_url_in_it_is_told_whole(tmp_path: Path, signer: Signer) -> None:
    address = "http://example.com/url /curl url".replace(" ", "%20")
    evidence = examined(written(tmp_path, signer.sign(jpeg(), remote=address)))
    assert evidence.findings[0].values["remote_address"] == address


def test_no_file_is_modified(tmp_path: Path, signer: Signer) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for n, (make, _, _) in enumerate(MADE):
        if make is not of_an_expired_signer:
            written(folder, make(signer), f"{n}.jpg")
    written(folder, b"anything", "0.c2pa")

    def seen() -> list[tuple[str, bytes, int]]:
        paths = sorted(folder.iterdir())
        return [(path.name, path.read_bytes(), path.stat().st_mtime_ns) for path in paths]

    before = seen()
    for path in sorted(folder.glob("*.jpg")):
        examined(path)
    assert seen() == before


EXPECTED = {
    "train-C.jpg": "valid_untrusted",
    "train-CA.jpg": "valid_untrusted",
    "train-CACAE-uri-CA.jpg": "valid_untrusted",
    "train-CA_ct.jpg": "valid_untrusted",
    "train-C_with_CAWG_data.jpg": "valid_untrusted",
    "train-E-sig-CA.jpg": "invalid",
    "train-IMG_0003.jpg": "none",
    "train-P1000827.jpg": "none",
    "train-XCA.jpg": "invalid",
    "train-adobe-20220124-E-clm-CAICAI.jpg": "invalid",
    "train-cloud.jpg": "none",
    "train-cloudx.jpg": "none",
    "train-earth_apollo17.jpg": "none",
    "train-legacy_ingredient_hash.jpg": "valid_untrusted",
    "train-libpng-test_with_url.png": "none",
    "train-no_alg.jpg": "invalid",
    "train-no_manifest.jpg": "none",
    "train-ocsp.jpg": "valid_untrusted",
    "train-ocsp_with_assertion.jpg": "valid_untrusted",
    "train-prerelease.jpg": "invalid",
    "train-sample1.png": "none",
    "train-update_manifest.jpg": "valid_untrusted",
}


@pytest.mark.shared
@pytest.mark.parametrize("name", EXPECTED)
def test_the_state_of_each_shared_file(name: str) -> None:
    path = FORENSIC / "c2pa" / name
    if not path.is_file():
        pytest.skip("the shared media folder is not there")
    assert state(examined(path)) == EXPECTED[name] == told_by_the_library(path)
