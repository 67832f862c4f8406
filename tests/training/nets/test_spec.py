from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.errors import ConfigError  # noqa: E402
from assay.training.nets import discover, net_named  # noqa: E402


def test_networks_are_found_by_walking_and_named_nets_by_name() -> None:
    nets = discover()
    assert list(nets) == sorted(nets)
    assert net_named("simple_cnn") is not None
    assert net_named("simple_cnn").name == "simple_cnn"


def test_an_unknown_network_is_told_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError) as caught:
        net_named("simpel_cnn")
    assert "simple_cnn" in (caught.value.remedy or "")
