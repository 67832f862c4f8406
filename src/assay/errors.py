"""The error tree: what went wrong, what was expected, what to do about it.

AssayError                     exit  http  code
├── UsageError                   2   400   wrong_usage
│   └── ConfigError              2   400   wrong_configuration
├── InputError                   3   422   input_unusable
│   ├── MissingFileError         3   404   file_missing
│   ├── NotAFileError            3   422   not_a_file
│   ├── UnreadableError          3   403   file_unreadable
│   ├── EmptyFileError           3   422   file_empty
│   ├── UnsupportedMediaError    3   415   media_unsupported
│   ├── DamagedMediaError        3   422   media_damaged
│   ├── EncryptedMediaError      3   422   media_encrypted
│   ├── TooLargeError            3   413   media_too_large
│   ├── EmptyBoxError            3   422   box_empty
│   ├── NoFaceError              3   422   no_face
│   ├── TimeLimitError           3   408   time_limit
│   └── MemoryLimitError         3   413   memory_limit
└── InstallationError            4   503   installation_broken
    ├── BrokenDetectorError      4   503   detector_broken
    ├── DuplicateDetectorError   4   503   detector_duplicated
    ├── BundleMissingError       4   503   bundle_missing
    └── BundleMismatchError      4   503   bundle_mismatch
"""

from __future__ import annotations


class AssayError(Exception):
    """Anything assay refuses to do; carries a code for machines and a remedy for people."""

    code = "assay_error"
    exit_code = 4
    http_status = 500
    remedy = ""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        if remedy:
            self.remedy = remedy

    def as_text(self) -> str:
        """One or two sentences for a person: what happened, then what to do."""
        return f"{self} {self.remedy}".strip()


class UsageError(AssayError):
    """The call itself is wrong."""

    code, exit_code, http_status = "wrong_usage", 2, 400


class ConfigError(UsageError):
    """A setting is unknown or has a value that cannot be used."""

    code = "wrong_configuration"


class InputError(AssayError):
    """One file cannot be examined; the other files of the call go on."""

    code, exit_code, http_status = "input_unusable", 3, 422


class MissingFileError(InputError):
    """There is nothing at this path."""

    code, http_status = "file_missing", 404
    remedy = "Check the spelling of the path."


class NotAFileError(InputError):
    """The path names a socket, a device or a directory where a file is needed."""

    code = "not_a_file"
    remedy = "Give a regular file."


class UnreadableError(InputError):
    """The file exists and may not be read."""

    code, http_status = "file_unreadable", 403
    remedy = "Check the file's permissions."


class EmptyFileError(InputError):
    """The file has no bytes."""

    code = "file_empty"
    remedy = "Fetch or copy the file again."


class UnsupportedMediaError(InputError):
    """The content is of no kind that assay opens."""

    code, http_status = "media_unsupported", 415
    remedy = "Convert it to JPEG, PNG, MP4 or WAV from the best copy you have."


class DamagedMediaError(InputError):
    """The content begins like a known kind and cannot be decoded."""

    code = "media_damaged"
    remedy = "Fetch or copy the file again; it may be truncated."


class EncryptedMediaError(InputError):
    """The content is encrypted."""

    code = "media_encrypted"
    remedy = "Remove the protection and try again."


class TooLargeError(InputError):
    """Decoding would need more memory than the limit allows."""

    code, http_status = "media_too_large", 413
    remedy = "Raise max_megapixels if you trust the file, or give a smaller copy."


class EmptyBoxError(InputError):
    """A box without area was to be cut."""

    code = "box_empty"


class NoFaceError(InputError):
    """A face was needed and none was found."""

    code = "no_face"
    remedy = "Give a picture in which a face is seen from the front or the side."


class TimeLimitError(InputError):
    """The examination of one file took longer than its limit."""

    code, http_status = "time_limit", 408
    remedy = "Raise time_limit_s or narrow time_range."


class MemoryLimitError(InputError):
    """The examination of one file needed more memory than there is for it."""

    code, http_status = "memory_limit", 413
    remedy = "Lower max_megapixels, frames or max_sound_s, or give a smaller copy."


class InstallationError(AssayError):
    """The installation itself is broken; no file can be trusted to come out right."""

    code, exit_code, http_status = "installation_broken", 4, 503
    remedy = "Reinstall assay, then run `assay doctor`."


class BrokenDetectorError(InstallationError):
    """A detector's file, or a package that adds one, cannot be loaded."""

    code = "detector_broken"
    remedy = "Repair or uninstall it, then run `assay doctor`."


class DuplicateDetectorError(InstallationError):
    """Two detectors carry one name."""

    code = "detector_duplicated"


class BundleMissingError(InstallationError):
    """A model bundle is not there."""

    code = "bundle_missing"


class BundleMismatchError(InstallationError):
    """A bundle's bytes or recipe differ from what its card or its detector states."""

    code = "bundle_mismatch"
