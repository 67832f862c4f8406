"""What a network is asked beside its score: which method made a forgery, and that features of one
kind lie together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from assay.training.loop import Schedule
    from assay.training.nets.trunk import Outputs

TEMPERATURE = 0.1


def also_asked(outputs: Outputs, methods: Tensor, schedule: Schedule) -> Tensor:
    """The weighted losses of one batch beside that of the score; 0 where the schedule asks none.

    The genuine half comes first, then its forgeries; `methods` (n,) are the forgeries' codes.
    """
    total = outputs.logit.new_zeros((), dtype=torch.float32)
    n = len(methods)
    if schedule.method_weight and outputs.methods is not None:
        said = outputs.methods[n:].float()
        total = total + schedule.method_weight * nn.functional.cross_entropy(said, methods)
    if schedule.contrast_weight:
        fake = torch.arange(2 * n, device=methods.device) >= n
        total = total + schedule.contrast_weight * supervised_contrast(outputs.pooled, fake)
    return total


def supervised_contrast(features: Tensor, labels: Tensor) -> Tensor:
    """Features (n, d) of one label nearer to each other than to those of another.

    Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020. A clip and its own copy have
    different labels, so that what they share (the speaker, the words) does not help.
    """
    directions = nn.functional.normalize(features.float(), dim=1)
    likeness = directions @ directions.T / TEMPERATURE
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    likeness = likeness.masked_fill(itself, -torch.inf)
    alike = (labels[:, None] == labels[None]) & ~itself
    shares = likeness - torch.logsumexp(likeness, dim=1, keepdim=True)
    found = torch.where(alike, shares, torch.zeros_like(shares)).sum(dim=1)
    return -(found / alike.sum(dim=1).clamp(min=1)).mean()
