"""A sound's waveform and spectrogram as the page embeds them, and the same in words."""

from __future__ import annotations

import base64
import io
import math
from typing import TYPE_CHECKING

from assay.report import wording
from assay.sound import Sound

if TYPE_CHECKING:
    from markupsafe import Markup

    from assay.types import FloatArray

WAVE_HEIGHT = 100
QUIETEST_PEAK = 0.02
GREYS = 0xF8  # 32 greys look the same and halve the picture


def wave(envelope: FloatArray) -> tuple[float, Markup]:
    """The peak, and the envelope as an outline: SVG path data in a box of 1000 by 100."""
    import numpy as np
    from markupsafe import Markup

    peak = float(np.abs(envelope).max())
    scale = 0.5 * WAVE_HEIGHT * 0.98 / max(peak, QUIETEST_PEAK)
    n = len(envelope)
    xs = (np.arange(n) + 0.5) * (1000 / n) if n > 1 else np.array([500.0])
    low, high = (0.5 * WAVE_HEIGHT - scale * envelope[:, side] for side in (0, 1))
    low = np.maximum(low, high + 0.4)  # a silent stretch stays a line
    there = "L".join(f"{x:.5g} {y:.3g}" for x, y in zip(xs, high, strict=True))
    back = "L".join(f"{x:.5g} {y:.3g}" for x, y in zip(xs[::-1], low[::-1], strict=True))
    return peak, Markup(f"M{there}L{back}Z")


def wave_text(sound: Sound, peak: float) -> str:
    """How long the sound is and how loud at its loudest."""
    lasts = f"Waveform of {wording.clock(sound.duration_s, tenths=True)}"
    if peak <= 0:
        return f"{lasts}: silent."
    return f"{lasts}; full height is {20 * math.log10(max(peak, QUIETEST_PEAK)):.0f} dBFS."


def spectrogram_text(sound: Sound) -> str:
    """What the spectrogram spans, and where the sample rate ends it."""
    text = f"Spectrogram, 0 to {sound.top_hz / 1000:.0f} kHz; darker is louder, over 80 dB."
    half = sound.sample_rate_hz / 2
    if half < 0.97 * sound.top_hz:
        text += f" Above {half / 1000:.3g} kHz this sound can hold nothing."
    return text


def spectrogram_png(sound: Sound) -> Markup:
    """The spectrogram in greys, loud is black; the page turns it over in the dark."""
    from markupsafe import Markup
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(255 - (sound.spectrogram[::-1] & GREYS)).save(out, "PNG", optimize=True)
    return Markup("data:image/png;base64,") + base64.b64encode(out.getvalue()).decode("ascii")
