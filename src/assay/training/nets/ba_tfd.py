"""BA-TFD: finds the seconds of a clip in which the picture, the sound or both were replaced.

Cai et al., "Do You Really Mean That? Content Driven Audio-Visual Deepfake Dataset and Multimodal
Method for Temporal Forgery Localization", DICTA 2022. A 3D CNN over whole frames and a 2D CNN over
the log-mel spectrogram give 256 features a frame each; a linear classifier judges every frame; a
map over all proposals of up to 40 frames is drawn for each modality, and the two are fused. Written
anew from the paper and the layer sizes of its repository: 5.502 M parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from assay.inputs.clip import ClipInput
from assay.training.localisation_losses import TimeTargets, localisation_loss
from assay.training.nets.boundary_maps import BoundaryModule, MapFusion, best_logit, conv
from assay.training.nets.spec import Fit, NetSpec

BIBTEX = """@inproceedings{cai2022do,
  title={Do You Really Mean That? Content Driven Audio-Visual Deepfake Dataset and Multimodal
         Method for Temporal Forgery Localization},
  author={Cai, Zhixi and Stefanov, Kalin and Dhall, Abhinav and Hayat, Munawar},
  booktitle={International Conference on Digital Image Computing: Techniques and Applications},
  year={2022}
}"""


class Localised(NamedTuple):
    """What a localising network gives. `logit` (n,): of the most suspicious proposal; the maps
    (n, d, t) in (0, 1) score the proposal of d + 1 frames from frame t on; `video_frames` and
    `audio_frames` (n, t) are logits of single frames; `video` and `audio` (n, c, t) features."""

    logit: Tensor
    fused_map: Tensor
    video_map: Tensor
    audio_map: Tensor
    video_frames: Tensor
    audio_frames: Tensor
    video: Tensor
    audio: Tensor


class VideoEncoder(nn.Module):
    """Frames (n, 3, t, s, s) in [0, 1] to features (n, c, t); `size_px` is 48 or a multiple."""

    def __init__(
        self, widths: tuple[int, ...] = (64, 96, 128, 128), n_features: int = 256, size_px: int = 96
    ) -> None:
        super().__init__()
        a, b, c, d = widths
        self.block0 = nn.Sequential(
            conv(3, 3, a, 3, padding=1), conv(3, a, a, 3, padding=1), nn.MaxPool3d((1, 3, 3))
        )
        self.block1 = nn.Sequential(
            conv(3, a, b, 3, padding=1), conv(3, b, b, 3, padding=1), nn.MaxPool3d((1, 2, 2))
        )
        self.block2 = nn.Sequential(
            conv(3, b, c, 3, padding=1), conv(3, c, c, 3, padding=1), nn.MaxPool3d((1, 2, 2))
        )
        self.block3 = nn.Sequential(
            conv(3, c, d, 3, padding=1),
            nn.MaxPool3d((1, 2, 2)),
            conv(3, d, d, 3, padding=1),
            nn.MaxPool3d((1, 2, 2)),
            _ByFrame(),
            conv(1, d * (size_px // 48) ** 2, n_features, 1),
        )

    def forward(self, frames: Tensor) -> Tensor:
        """See the class."""
        found: Tensor = self.block3(self.block2(self.block1(self.block0(frames))))
        return found


class _ByFrame(nn.Module):
    """(n, c, t, h, w) to (n, c * h * w, t)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 1, 3, 4, 2).flatten(1, 3)


class AudioEncoder(nn.Module):
    """Log-mel (n, 64, 4 t) to features (n, 4 * last width, t)."""

    def __init__(self, widths: tuple[int, int, int] = (32, 64, 64)) -> None:
        super().__init__()
        a, b, c = widths
        self.block0 = nn.Sequential(nn.Identity(), conv(2, 1, a, 3, padding=1), nn.MaxPool2d(2))
        self.block1 = nn.Sequential(
            conv(2, a, b, 3, padding=1), conv(2, b, b, 3, padding=1), nn.MaxPool2d(2)
        )
        self.block2 = nn.Sequential(
            conv(2, b, c, (2, 1), padding=(1, 0)),
            nn.MaxPool2d((2, 1)),
            conv(2, c, c, (3, 1), padding=(1, 0)),
            nn.MaxPool2d((2, 1)),
        )

    def forward(self, mel: Tensor) -> Tensor:
        """See the class."""
        found: Tensor = self.block2(self.block1(self.block0(mel[:, None]))).flatten(1, 2)
        return found


class FrameClassifier(nn.Module):
    """Features (n, c, t) to one logit a frame (n, 1, t)."""

    def __init__(self, n_features: int = 256) -> None:
        super().__init__()
        self.lr_layer = conv(1, n_features, 1, 1, active=False)

    def forward(self, features: Tensor) -> Tensor:
        """See the class."""
        found: Tensor = self.lr_layer(features)
        return found


class BaTfd(nn.Module):
    """uint8 frames (n, t, s, s, 3) and log-mel (n, 64, 4 t) in; see Localised for what comes out.

    `stride` takes each so-manieth frame only: t / stride moments are judged, `max_duration` and
    the maps count in those, and the sound's features are averaged to them. The published sizes
    need 883 GMACs for the pictures of one clip; `video_widths` and `boundary_widths` shrink that.
    """

    def __init__(
        self,
        n_frames: int = 512,
        stride: int = 1,
        size_px: int = 96,
        max_duration: int = 40,
        video_widths: tuple[int, ...] = (64, 96, 128, 128),
        audio_widths: tuple[int, int, int] = (32, 64, 64),
        boundary_widths: tuple[int, int] = (512, 128),
        n_samples: int = 10,
    ) -> None:
        super().__init__()
        self.stride = stride
        n_features = 4 * audio_widths[-1]
        n_moments = n_frames // stride
        self.video_encoder = VideoEncoder(video_widths, n_features, size_px)
        self.audio_encoder = AudioEncoder(audio_widths)
        self.video_frame_classifier = FrameClassifier(n_features)
        self.audio_frame_classifier = FrameClassifier(n_features)
        sizes = (n_features + 1, boundary_widths, n_samples, n_moments, max_duration)
        self.video_boundary_module = BoundaryModule(*sizes)
        self.audio_boundary_module = BoundaryModule(*sizes)
        self.fusion = MapFusion(n_features + 1, n_features + 1, max_duration)

    def forward(self, frames: Tensor, mel: Tensor) -> Localised:
        """See the class."""
        video, audio = self.features(frames, mel)
        video_frames = self.video_frame_classifier(video)
        audio_frames = self.audio_frame_classifier(audio)
        seen = torch.cat([video, video_frames], dim=1)
        heard = torch.cat([audio, audio_frames], dim=1)
        video_map = self.video_boundary_module(seen)
        audio_map = self.audio_boundary_module(heard)
        fused = self.fusion(seen, heard, video_map, audio_map)
        logit = best_logit(fused)
        marks = (video_frames[:, 0], audio_frames[:, 0])
        return Localised(logit, fused, video_map, audio_map, *marks, video, audio)

    def features(self, frames: Tensor, mel: Tensor) -> tuple[Tensor, Tensor]:
        """Both modalities' features (n, c, t / stride)."""
        dtype = next(self.parameters()).dtype
        pictures = frames[:, :: self.stride].permute(0, 4, 1, 2, 3).to(dtype) / 255.0
        audio = self.audio_encoder(mel.to(dtype))
        if self.stride > 1:
            audio = nn.functional.avg_pool1d(audio, self.stride)
        return self.video_encoder(pictures), audio

    def loss(self, outputs: Localised, batch: TimeTargets) -> Tensor:
        """The paper's loss; see localisation_loss."""
        return localisation_loss(outputs, batch)


def published(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The repository's tensors under the names of BaTfd; its own sampling goes along as a flag."""
    found = {name.removeprefix("model."): value for name, value in tensors.items()}
    flag = torch.tensor(True)
    for side in ("video", "audio"):
        found[f"{side}_boundary_module.bm_layer.as_published"] = flag
    return found


NETS = (
    NetSpec(
        name="ba_tfd",
        title="BA-TFD: boundary-aware temporal forgery detection",
        paper="Cai et al., Do You Really Mean That? (LAV-DF), DICTA 2022, arXiv 2204.06228",
        kind="clip",
        recipe=ClipInput(),
        build=BaTfd,
        n_parameters=5_502_420,
        n_macs=948_008_009_728,
        fit=Fit(
            epochs=500,
            batch=4,
            optimiser="adam",
            learning_rate=1e-5,
            betas=(0.5, 0.9),
            weight_decay=1e-4,
            decay="plateau",
            factor=0.5,
            every=3,
            loss="own",
            margin=0.99,
            balanced=False,
            n_frames=512,
        ),
        n_frames=512,
        max_faces=1,
        source="github.com/ControlNet/LAV-DF @51b8d91",
        checkpoint="the repository's Lightning checkpoint, its `state_dict`",
        checkpoint_licence="CC BY-NC 4.0 (the repository's)",
        published=published,
        bibtex=BIBTEX,
        differs=(
            "frames are shrunk by area, the paper's by a bicubic filter without antialiasing",
            "a proposal is sampled to begin + duration + 1, as in BMN; in the repository to "
            "duration + 1 (its checkpoints bring a flag that restores that)",
            "the paper gives no score of a whole clip: here it is the logit of the fused map's "
            "highest value",
            "no published checkpoint was read: its names are those of the repository's code",
        ),
    ),
)
