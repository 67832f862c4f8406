"""How the two pictures with an invisible watermark were made, by the package of their makers.

pip install --no-deps invisible-watermark==0.2.0 PyWavelets opencv-python-headless onnxruntime
python -m tests.golden.invisible_watermarks
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from assay.inputs.wavelet_watermark import MESSAGES
from tests.inputs.made_watermarks import scene

HERE = Path(__file__).parent


def made(index: int, floats: bool) -> np.ndarray:
    from imwatermark import WatermarkEncoder

    encoder = WatermarkEncoder()
    encoder.set_watermark("bits", list(MESSAGES[index].bits))
    picture = scene(264)[..., ::-1].copy()
    marked = encoder.encode(picture.astype(np.float32) if floats else picture, "dwtDct")
    return np.clip(np.rint(marked[..., ::-1]), 0, 255).astype(np.uint8)


if __name__ == "__main__":
    Image.fromarray(made(4, True)).save(HERE / "watermark_sdxl_floats.png", optimize=True)
    Image.fromarray(made(0, False)).save(HERE / "watermark_sdv1_levels.png", optimize=True)
