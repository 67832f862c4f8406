"""From a claimed row to the job of an examining process: paths, options, limits."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from assay.options import Options
from assay.web.jobs.scratch import with_ending
from assay.web.option_fields import as_shown, options_of
from assay.web.settings import Settings
from assay.web.store.database import Store
from assay.web.store.queue import Claimed

ERRORS = "stderr.txt"


def job_of(settings: Settings, store: Store, held: Claimed, temp: Path) -> dict[str, Any]:
    """What `host` and `examiner` need; `temp` is empty and this examination's alone.

    Raises ConfigError where the stored options are none of this version's.
    """
    folder = store.result_folder(held.id, held.claim)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    stored = store.media_path(held.sha256)
    path = with_ending(temp, "file", held.name, stored)
    others, reference = [[str(stored.absolute()), held.name]], None
    if held.reference_sha256 is not None:
        name = held.reference_name or "reference"
        known = store.media_path(held.reference_sha256)
        reference = str(with_ending(temp, "reference", name, known))
        others += [[reference, name], [str(known.absolute()), name]]
    options = _within(options_of(held.options), settings)
    shown = options_of(as_shown(held.options))
    return {
        "path": str(path),
        "name": held.name,
        "other_names": others,
        "sha256": held.sha256,
        "folder": str(folder.absolute()),
        "temp": str(temp.absolute()),
        "errors": str(temp.absolute() / ERRORS),
        "options": _as_json(replace(options, reference=reference)),
        "told_options": _as_json(replace(shown, reference=held.reference_name)),
        "time_limit_s": options.time_limit_s,
        "memory_limit_bytes": settings.memory_limit_bytes,
        "allow_network": options.allow_network,
        "keep_pictures": not settings.privacy,
        "readable": [*(path for path, _ in others), *(options.bundles or ())],
        "writable": [str(folder.absolute()), str(temp.absolute())],
    }


def _within(options: Options, settings: Settings) -> Options:
    """The options within what the operator allows today, whatever was allowed when they came."""
    bundles = tuple(one for one in options.bundles or () if one in settings.bundles) or None
    held = not settings.privacy  # else a report would keep the sound or the film that is to go
    return replace(
        options,
        time_limit_s=min(options.time_limit_s, settings.time_limit_s),
        allow_network=options.allow_network and settings.allow_network,
        bundles=bundles,
        embed_sound=options.embed_sound and held,
        embed_video=options.embed_video and held,
        threads=options.threads or _share(settings.n_workers),
    )


def _share(n_workers: int) -> int:
    """How many threads each worker's networks take, so that all together take every core once."""
    return 0 if n_workers == 1 else max(1, (os.cpu_count() or 1) // n_workers)


def _as_json(options: Options) -> Mapping[str, Any]:
    default = Options()
    held = {field.name: getattr(options, field.name) for field in fields(Options)}
    set_ = {name: value for name, value in held.items() if value != getattr(default, name)}
    return {name: list(one) if isinstance(one, tuple) else one for name, one in set_.items()}
