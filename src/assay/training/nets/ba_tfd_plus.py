"""BA-TFD+: BA-TFD with attention throughout, for finding the forged seconds of a clip.

Cai et al., "Glitch in the Matrix: A Large Scale Benchmark for Content Driven Audio-Visual Forgery
Detection and Localization", Computer Vision and Image Understanding, 2023. MViTv2-B (Li et al.,
CVPR 2022; torchvision's layers) reads the frames, ViT-B (Dosovitskiy et al., 2021; torchvision's)
the log-mel; BSN++'s relation block gives three maps a modality, each fused as in BA-TFD.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from assay.inputs.clip import ClipInput
from assay.training.localisation_losses import TimeTargets, frame_targets_edges, loss_parts_plus
from assay.training.nets.ba_tfd import FrameClassifier, published
from assay.training.nets.boundary_generators import BoundaryGenerator, RelatedBoundaryModule
from assay.training.nets.boundary_maps import MapFusion, best_logit
from assay.training.nets.spec import Fit, NetSpec

BIBTEX = """@article{cai2023glitch,
  title={Glitch in the Matrix: A Large Scale Benchmark for Content Driven Audio-Visual Forgery
         Detection and Localization},
  author={Cai, Zhixi and Ghosh, Shreya and Dhall, Abhinav and Gedeon, Tom and Stefanov, Kalin and
          Hayat, Munawar},
  journal={Computer Vision and Image Understanding},
  year={2023}
}"""
KERNEL, STRIDE, PADDING = (3, 15, 15), (1, 12, 12), (1, 3, 3)


class LocalisedPlus(NamedTuple):
    """As `Localised` of BA-TFD, the maps being means of three; `maps` holds those three (n, 3, d,
    t) of the fusion, the picture and the sound; `edges` the chances (n, 2, t) of beginnings and
    ends of the same three, each seen forwards and backwards, where there are generators;
    `edge_features` the generators' features of both modalities, forwards and backwards."""

    logit: Tensor
    fused_map: Tensor
    video_map: Tensor
    audio_map: Tensor
    video_frames: Tensor
    audio_frames: Tensor
    video: Tensor
    audio: Tensor
    maps: tuple[Tensor, Tensor, Tensor]
    edges: tuple[Tensor, ...] = ()
    edge_features: tuple[Tensor, ...] = ()


class VideoTransformer(nn.Module):
    """Frames (n, 3, t, s, s) in [0, 1] to features (n, c, t) by MViTv2: four stages of blocks, a
    frame's picture shrinking from s / 12 patches a side to one, time never."""

    def __init__(
        self,
        n_frames: int = 512,
        size_px: int = 96,
        n_features: int = 256,
        blocks: Sequence[int] = (2, 3, 16, 3),
        width: int = 96,
    ) -> None:
        super().__init__()
        from torchvision.models.video.mvit import MViT

        self.mvit: Any = MViT(
            spatial_size=(size_px, size_px),
            temporal_size=n_frames,
            block_setting=_settings(blocks, width, n_features),
            residual_pool=True,
            residual_with_cls_embed=False,
            rel_pos_embed=True,
            proj_after_attn=True,
            stochastic_depth_prob=0.2,
            patch_embed_kernel=KERNEL,
            patch_embed_stride=STRIDE,
            patch_embed_padding=PADDING,
        )
        del self.mvit.head

    def forward(self, frames: Tensor) -> Tensor:
        """See the class."""
        mvit = self.mvit
        x = mvit.conv_proj(frames).flatten(2).transpose(1, 2)
        x = mvit.pos_encoding(x)
        thw = (mvit.pos_encoding.temporal_size, *mvit.pos_encoding.spatial_size)
        for block in mvit.blocks:
            x, thw = block(x, thw)
        found: Tensor = mvit.norm(x)[:, 1:]
        # Time never shrinks: with a picture of 96 px one patch a frame is left, else their mean.
        n, _, c = found.shape
        return found.reshape(n, thw[0], -1, c).mean(dim=2).transpose(1, 2)


def _settings(blocks: Sequence[int], width: int, n_features: int) -> list[Any]:
    """Each block's sizes: heads and channels double with every stage, which begins by halving."""
    from torchvision.models.video.mvit import MSBlockConfig

    stages = [stage for stage, count in enumerate(blocks) for _ in range(count)]
    wide = [width * 2**stage for stage in stages]
    found = []
    for number, stage in enumerate(stages):
        halves = number > 0 and stages[number - 1] != stage
        keys = 2 ** (len(blocks) - 1 - stage)
        found.append(
            MSBlockConfig(
                num_heads=2**stage,
                input_channels=wide[max(0, number - 1)],
                output_channels=n_features if number == len(stages) - 1 else wide[number],
                kernel_q=[3, 3, 3],
                kernel_kv=[3, 3, 3],
                stride_q=[1, 2, 2] if halves else [1, 1, 1],
                stride_kv=[1, keys, keys],
            )
        )
    return found


class AudioTransformer(nn.Module):
    """Log-mel (n, bands, 4 t) to features (n, c, t): a column of four each is a token of ViT."""

    def __init__(
        self,
        n_moments: int = 512,
        n_features: int = 256,
        layers: int = 12,
        heads: int = 12,
        width: int = 768,
        n_mels: int = 64,
        columns: int = 4,
    ) -> None:
        super().__init__()
        from torchvision.models.vision_transformer import Encoder

        self.block = Encoder(n_moments, layers, heads, width, 4 * width, 0.0, 0.0)
        self.input_proj: Any = nn.Module()
        self.input_proj.conv = nn.Conv2d(1, width, (n_mels, columns), (n_mels, columns))
        self.output_proj = nn.Linear(width, n_features)

    def forward(self, mel: Tensor) -> Tensor:
        """See the class."""
        tokens = self.input_proj.conv(mel[:, None])[:, :, 0].transpose(1, 2)
        found: Tensor = self.output_proj(self.block(tokens)).transpose(1, 2)
        return found


class BaTfdPlus(nn.Module):
    """uint8 frames (n, t, s, s, 3) and log-mel (n, 64, 4 t) in; see LocalisedPlus for what comes
    out. `stride` as in BaTfd: a token of sound is then so much longer. With `use_generators` the
    boundary generators take part, which the published configuration leaves out (weight 0): they
    are built, and wait.
    """

    def __init__(
        self,
        n_frames: int = 512,
        stride: int = 1,
        size_px: int = 96,
        max_duration: int = 40,
        n_features: int = 256,
        video_blocks: Sequence[int] = (2, 3, 16, 3),
        video_width: int = 96,
        audio_layers: int = 12,
        audio_heads: int = 12,
        audio_width: int = 768,
        boundary_widths: tuple[int, int] = (512, 128),
        generator_width: int = 512,
        n_samples: int = 10,
        use_generators: bool = False,
    ) -> None:
        super().__init__()
        self.stride, self.use_generators = stride, use_generators
        n = n_frames // stride
        wide = n_features + 1
        self.video_encoder = VideoTransformer(n, size_px, n_features, video_blocks, video_width)
        self.audio_encoder = AudioTransformer(
            n, n_features, audio_layers, audio_heads, audio_width, columns=4 * stride
        )
        self.video_frame_classifier = FrameClassifier(n_features)
        self.audio_frame_classifier = FrameClassifier(n_features)
        self.video_comp_boundary_generator = BoundaryGenerator(wide, generator_width)
        self.audio_comp_boundary_generator = BoundaryGenerator(wide, generator_width)
        sizes = (wide, boundary_widths, n_samples, n, max_duration)
        self.video_boundary_module = RelatedBoundaryModule(*sizes)
        self.audio_boundary_module = RelatedBoundaryModule(*sizes)
        if use_generators:
            self.cbg_fusion_start = MapFusion(wide, wide, 1)
            self.cbg_fusion_end = MapFusion(wide, wide, 1)
        self.prb_fusion_p = MapFusion(wide, wide, max_duration)
        self.prb_fusion_c = MapFusion(wide, wide, max_duration)
        self.prb_fusion_p_c = MapFusion(wide, wide, max_duration)

    def forward(self, frames: Tensor, mel: Tensor) -> LocalisedPlus:
        """See the class."""
        seen, heard = self.features(frames, mel)
        video_maps = self.video_boundary_module(seen)
        audio_maps = self.audio_boundary_module(heard)
        fusions = (self.prb_fusion_p, self.prb_fusion_c, self.prb_fusion_p_c)
        fused = [
            fuse(seen, heard, v, a)
            for fuse, v, a in zip(fusions, video_maps, audio_maps, strict=True)
        ]
        maps = (torch.stack(fused, 1), torch.stack(video_maps, 1), torch.stack(audio_maps, 1))
        means = [three.mean(dim=1) for three in maps]
        logit = best_logit(means[0])
        edges: tuple[Tensor, ...] = ()
        features: tuple[Tensor, ...] = ()
        if self.use_generators:
            edges, features = self._edges(seen, heard)
            behind = self.features(frames.flip(1), mel.flip(2))
            more, again = self._edges(*behind)
            edges, features = edges + more, features + again
        return LocalisedPlus(
            logit,
            means[0],
            means[1],
            means[2],
            seen[:, -1],
            heard[:, -1],
            seen[:, :-1],
            heard[:, :-1],
            maps,
            edges,
            features,
        )

    def features(self, frames: Tensor, mel: Tensor) -> tuple[Tensor, Tensor]:
        """Both modalities' features with the frames' logits behind them (n, c + 1, t)."""
        dtype = self.audio_encoder.output_proj.weight.dtype
        pictures = frames[:, :: self.stride].permute(0, 4, 1, 2, 3).to(dtype) / 255.0
        video, audio = self.video_encoder(pictures), self.audio_encoder(mel.to(dtype))
        return (
            torch.cat([video, self.video_frame_classifier(video)], dim=1),
            torch.cat([audio, self.audio_frame_classifier(audio)], dim=1),
        )

    def _edges(self, seen: Tensor, heard: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Beginnings and ends (n, 2, t) of the fusion, the picture and the sound; features."""
        video, video_features = self.video_comp_boundary_generator(seen)
        audio, audio_features = self.audio_comp_boundary_generator(heard)
        start = self.cbg_fusion_start(seen, heard, video[:, :1], audio[:, :1])
        end = self.cbg_fusion_end(seen, heard, video[:, 1:], audio[:, 1:])
        return (torch.cat([start, end], 1), video, audio), (video_features, audio_features)

    def boundaries(self, outputs: LocalisedPlus) -> tuple[Tensor, Tensor] | None:
        """The chances (n, t) that a forgery begins, and ends, at a moment: the geometric means of
        both directions; None without generators."""
        if not outputs.edges:
            return None
        forward, backward = outputs.edges[0], outputs.edges[3].flip(2)
        # Seen backwards a forgery begins where it ends.
        return (forward[:, 0] * backward[:, 1]).sqrt(), (forward[:, 1] * backward[:, 0]).sqrt()

    def loss(self, outputs: LocalisedPlus, batch: TimeTargets) -> Tensor:
        """BA-TFD's loss with three maps each, and the generators' where they take part."""
        parts = loss_parts_plus(outputs, batch)
        if outputs.edges:
            parts["edges"] = edge_loss(outputs, batch)
        return sum(parts.values(), torch.zeros(()))


def edge_loss(outputs: LocalisedPlus, batch: TimeTargets, feature_weight: float = 0.01) -> Tensor:
    """Mean square difference of beginnings and ends, seen forwards and backwards, and of both
    directions' features; the fusion's counts once, a modality's half."""
    either = torch.maximum(batch.video_frames, batch.audio_frames)
    total = torch.zeros(())
    own = (torch.arange(either.shape[1])[None] < batch.n_valid[:, None]).float()[:, None]
    rows = (either, batch.video_frames, batch.audio_frames)
    for number, (frames, weight) in enumerate(zip(rows, (1.0, 0.5, 0.5), strict=True)):
        wanted = frame_targets_edges(frames)
        forward = outputs.edges[number]
        backward = outputs.edges[number + 3].flip(2).flip(1)
        for found in (forward, backward):
            each = ((found - wanted) ** 2 * own).sum(dim=(1, 2)) / batch.n_valid
            total = total + weight * each.mean()
    for number in range(2):
        ahead, back = outputs.edge_features[number], outputs.edge_features[number + 2].flip(2)
        total = total + 0.5 * feature_weight * functional.mse_loss(ahead * own, back * own)
    return total


NETS = (
    NetSpec(
        name="ba_tfd_plus",
        title="BA-TFD+: BA-TFD with transformers",
        paper="Cai et al., Glitch in the Matrix, CVIU 2023, arXiv 2305.01979",
        kind="clip",
        recipe=ClipInput(),
        build=BaTfdPlus,
        n_parameters=152_898_140,
        n_macs=338_140_451_840,
        fit=Fit(
            epochs=500,
            batch=4,
            optimiser="adam",
            learning_rate=1e-5,
            betas=(0.5, 0.9),
            weight_decay=1e-4,
            decay="exponential",
            factor=0.992,
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
            "beginnings and ends are taught as one moment to either side of a frame that changes; "
            "the repository's anchors there are of another length (its configuration leaves them "
            "out)",
            "the paper gives no score of a whole clip: here it is the logit of the fused map's "
            "highest value",
            "no published checkpoint was read: its names are those of the repository's code",
        ),
    ),
)
