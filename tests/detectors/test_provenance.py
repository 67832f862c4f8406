"""Provenance: the four states, what they say, and that nothing leaves the machine."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.case import Case
from assay.detectors import Detector, provenance
from assay.media import content_credentials
from assay.options import Options
from assay.types import Evidence
from tests.media.tag_makers import FORENSIC, Signer, jpeg, media_at, png, with_segment

pytest.importorskip("cryptography")


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer()


@pytest.fixture(autouse=True)
def _no_trust_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(content_credentials.ANCHORS_VARIABLE, raising=False)


def examined(path: Path, **options: Any) -> Evidence:
    (evidence,) = provenance.DETECTOR().examine(Case(media_at(path), Options(**options)))
    assert evidence.status == "reported"
    json.dumps(evidence.details["provenance"])
    return evidence


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
    assert values["actions"] == [{"action": "c2pa.created"}]
    assert values["validation_codes"]["failure"] == ["signingCredential.untrusted"]


def test_values_are_cleaned_of_what_could_redraw_a_terminal(tmp_path: Path, signer: Signer) -> None:
    evidence = examined(written(tmp_path, signer.sign(jpeg())))
    assert evidence.details["provenance"]["values"]["title"] == "a test picture"


def test_signed_by_an_anchor_of_the_trust_list_is_trusted(
    tmp_path: Path, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    anchors = written(tmp_path, signer.anchors_pem, "anchors.pem")
    monkeypatch.setenv(content_credentials.ANCHORS_VARIABLE, str(anchors))
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
    monkeypatch.setenv(content_credentials.ANCHORS_VARIABLE, str(anchors))
    evidence = examined(written(tmp_path, signer.sign(jpeg())))
    assert state(evidence) == "valid_untrusted"
    assert codes(evidence)["trust_list_unusable"] == "strong"


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
    assert state(examined(path)) == EXPECTED[name]
