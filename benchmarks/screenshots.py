"""Look at reports in headless Chromium: desktop, phone, dark, and A4.

    assay detect FILE --report reports/ && python benchmarks/screenshots.py reports/ shots/

Writes `<report>-desktop.png`, `-desktop-dark`, `-phone`, `-phone-dark` and `<report>.pdf`. Needs
a `chromium` on the path; nothing else.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
]
DARK = "--blink-settings=preferredColorScheme=0"
HEIGHT_PX = 4200
PHONE_PX = 390
# Headless windows are at least 500 px wide, so a phone is a frame inside one.
PHONE_PAGE = (
    '<body style="margin:0;background:#777">'
    '<iframe src="{url}" style="border:0;width:{width}px;height:{height}px"></iframe>'
)


def chromium(url: str, *flags: str) -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = ["chromium", *QUIET, f"--user-data-dir={profile}", *flags, url]
        subprocess.run(command, check=True, capture_output=True, timeout=120)


def shoot(report: Path, folder: Path) -> None:
    url = report.resolve().as_uri()
    phone = folder / f"{report.stem}-phone.html"
    phone.write_text(PHONE_PAGE.format(url=url, width=PHONE_PX, height=HEIGHT_PX))
    for view, page, width in (("desktop", url, 1280), ("phone", phone.resolve().as_uri(), 500)):
        for scheme, flags in (("", ()), ("-dark", (DARK,))):
            shot = folder / f"{report.stem}-{view}{scheme}.png"
            size = f"--window-size={width},{HEIGHT_PX}"
            chromium(page, size, f"--screenshot={shot.resolve()}", *flags)
    phone.unlink()
    pdf = folder / f"{report.stem}.pdf"
    chromium(url, "--no-pdf-header-footer", f"--print-to-pdf={pdf.resolve()}")


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    reports, folder = Path(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for report in sorted(reports.glob("*.html")) if reports.is_dir() else [reports]:
        shoot(report, folder)


if __name__ == "__main__":
    main()
