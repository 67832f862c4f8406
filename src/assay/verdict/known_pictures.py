"""Read what is known before any file is examined: footage of a person, pictures of a camera."""

from __future__ import annotations

from functools import partial

from assay.case import Progress, silent
from assay.errors import AssayError, UsageError
from assay.options import Options
from assay.verdict.run import bounded


def read_known_pictures(options: Options, progress: Progress = silent) -> None:
    """Read `options.reference` and `options.camera`, so that no file's time pays for them.

    Both are kept for the next file. Raises UsageError where one cannot be used, TimeLimitError
    where a hostile one hangs.
    """
    if options.reference is None and options.camera is None:
        return
    from assay.inputs.camera_folder import read_camera
    from assay.inputs.reference import read_reference

    limit_s = options.time_limit_s
    for step, place, read in (
        ("reference", options.reference, read_reference),
        ("camera", options.camera, read_camera),
    ):
        if place is None:
            continue
        progress(step, 0, 1)
        try:
            # It stops by itself when the time is up; only a file that hangs needs the second half.
            bounded(partial(read, place, limit_s), 2 * limit_s, f"Reading the {step}")
        except AssayError:
            raise
        except Exception as error:
            said = " ".join(str(error).split())[:200]
            raise UsageError(f"The {step} {place!r} cannot be read: {said}.") from error
