"""MelGAN, the vocoder inside ttskit.

The weights are a whole pickled object: loading it runs the package's code, as importing it would.
Its acoustic network, Mellotron, needs minutes for a sentence and is not used.
"""

from __future__ import annotations

import importlib.util
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from assay.training.datasets.speech_makers import Maker, Sound
from assay.training.datasets.speech_makers.neural import absent, packed
from assay.training.datasets.speech_makers.vocoders import (
    HOP,
    MEL_RATE_HZ,
    MELS,
    mel_spectrum,
)

SILENCE, TAIL_FRAMES = -11.5129, 10
LICENCE = "ttskit MIT; trained on Chinese speech of the Baker corpus (non-commercial)"


@lru_cache(maxsize=1)
def _network() -> Any:
    import torch

    spec = importlib.util.find_spec("ttskit")
    folder = Path(str(spec.origin)).parent if spec else Path()
    sys.path.insert(0, str(folder))  # the pickle names its subfolder as a package
    try:
        path = folder / "resource" / "model" / "melgan.kuangdd.pt"
        network = torch.load(path, map_location="cpu", weights_only=False)
        network.eval()  # MelGAN's gives nothing back
        return network
    finally:
        sys.path.remove(str(folder))


def _vocoded(mel: Any) -> Sound:
    """The natural logarithm of a mel spectrum to 8 kHz, (1, 80, frames), as sound at 22 kHz."""
    import torch

    quiet = torch.full((1, MELS, TAIL_FRAMES), SILENCE)
    with torch.inference_mode():
        samples = _network()(torch.cat([mel, quiet], dim=2))
    return Sound(samples.numpy().reshape(-1)[: -HOP * TAIL_FRAMES], MEL_RATE_HZ)


class MelGan:
    """MelGAN (Kumar et al. 2019)."""

    name = "melgan"
    licence = LICENCE

    def missing(self) -> str:
        """Empty, or the first package that is not there."""
        return absent("ttskit", "torch")

    def source(self) -> str:
        """The package of the weights."""
        return f"{packed('ttskit')}: melgan.kuangdd.pt"

    def copy(self, sound: Sound, seed: int) -> Sound:
        """At 22 kHz."""
        import torch

        return _vocoded(torch.from_numpy(np.log(mel_spectrum(sound, 8000.0)))[None])


MAKERS: tuple[Maker, ...] = (MelGan(),)
