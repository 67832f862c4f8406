from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("torchvision", reason="the train extra is not installed")
pytestmark = pytest.mark.train

import numpy as np  # noqa: E402
import torch  # noqa: E402

from assay.training.nets.boundary_maps import (  # noqa: E402
    BoundaryModule,
    MapFusion,
    ProposalSampling,
    best_logit,
)


def by_loops(features: np.ndarray, n_samples: int, most: int, published: bool) -> np.ndarray:
    """What BMN's sampling gives, one proposal and one place at a time."""
    channels, n = features.shape
    out = np.zeros((channels, n_samples, most, n))
    for begin in range(n - 1):
        for duration in range(min(n - 1 - begin, most)):
            end = duration + 1 + (0 if published else begin)
            length = end - begin
            first, last = begin - length * 0.5, end + length * 0.5
            for k in range(n_samples):
                place = first + k * (last - first) / (n_samples - 1)
                if not 0 <= place <= n - 1:
                    continue
                left, right = int(np.floor(place)), int(np.ceil(place))
                if left == right:
                    out[:, k, duration, begin] = features[:, left] * (2 if published else 1)
                else:
                    share = place - left
                    out[:, k, duration, begin] = (1 - share) * features[:, left] + share * features[
                        :, right
                    ]
    return out


@pytest.mark.parametrize("published", [False, True])
def test_proposals_are_read_where_bmn_reads_them(published: bool) -> None:
    sampling = ProposalSampling(12, 5, 6)
    sampling.load_state_dict({"as_published": torch.tensor(published)})
    features = torch.randn(1, 3, 12, generator=torch.Generator().manual_seed(1))
    found = sampling(features)[0].numpy()
    assert np.allclose(found, by_loops(features[0].numpy(), 5, 6, published), atol=1e-5)


def test_only_the_flag_is_kept_in_a_checkpoint() -> None:
    assert list(ProposalSampling(12, 5, 6).state_dict()) == ["as_published"]


def test_a_proposal_does_not_see_what_lies_beyond_its_surroundings() -> None:
    module = BoundaryModule(2, (4, 4), 4, 16, 3).eval()
    features = torch.zeros(1, 2, 16)
    changed = features.clone()
    changed[:, :, 14] = 5
    apart = (module(changed) - module(features)).abs()[0, 0]
    assert apart[:10].max() == 0
    assert apart[12:].max() > 0


def test_fusion_is_a_weighed_mean_of_both_maps() -> None:
    torch.manual_seed(0)
    fusion = MapFusion(5, 5, 3)
    one, other = torch.rand(2, 3, 8), torch.rand(2, 3, 8)
    fused = fusion(torch.randn(2, 5, 8), torch.randn(2, 5, 8), one, other)
    assert (fused >= torch.minimum(one, other) - 1e-6).all()
    assert (fused <= torch.maximum(one, other) + 1e-6).all()
    assert not torch.allclose(fused, (one + other) / 2)


def test_the_best_proposal_lies_in_the_clip() -> None:
    scores = torch.zeros(1, 4, 10)
    scores[0, 3, 5], scores[0, 3, 6], scores[0, 0, 9] = 0.7, 0.9, 0.9
    assert float(torch.sigmoid(best_logit(scores))) == pytest.approx(0.7, abs=1e-5)
