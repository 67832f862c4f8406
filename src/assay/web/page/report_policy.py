"""What a stored report may do in a browser: show what it holds, and run our own scripts, no other.

The page names its scripts by hash in a policy of its own. But a report was written by the process
that decoded a hostile file: here the server says which scripts there are, whatever the page holds.
"""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from itertools import product

from assay.report import forensic_view, sound_chart, video_chart


@lru_cache(maxsize=1)
def policy() -> str:
    """The Content-Security-Policy of a report within the page."""
    scripts = " ".join(f"'sha256-{digest}'" for digest in script_hashes())
    return (
        "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; "
        f"script-src {scripts}; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
    )


def script_hashes() -> list[str]:
    """The sha256 (base64) of each script that a report of this version may carry."""
    parts = (
        str(sound_chart.player_script()),
        str(video_chart.player_script()),
        str(forensic_view.view_script()),
    )
    found = []
    for held in product((True, False), repeat=len(parts)):
        script = "\n".join(part for part, is_held in zip(parts, held, strict=True) if is_held)
        if script:
            digest = hashlib.sha256(script.encode("utf-8")).digest()
            found.append(base64.b64encode(digest).decode("ascii"))
    return found
