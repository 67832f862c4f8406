"""The network that was trained and the network that ships give the same numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("onnx", reason="the train extra is not installed")
pytest.importorskip("timm", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.bundles.network import Network  # noqa: E402
from assay.detectors.face_blending import FaceBlending  # noqa: E402
from assay.inputs.face import crop_face  # noqa: E402
from assay.training.export import MAX_DIFFERENCE, Exported, export_onnx, whitened  # noqa: E402
from assay.training.nets.face_blending import FaceBlendingNet  # noqa: E402
from tests.real_faces import golden_landmarks, portrait, textured  # noqa: E402

RECIPE = FaceBlending.input


def crops() -> np.ndarray:
    """A face, texture, black, white and noise, cut by the detector's recipe."""
    landmarks = golden_landmarks()
    box = np.r_[landmarks.min(axis=0), landmarks.max(axis=0)].astype(np.float32)
    noise = np.random.default_rng(0).integers(0, 256, (600, 512, 3)).astype(np.uint8)
    flat = [np.full((600, 512, 3), value, np.uint8) for value in (0, 255)]
    pictures = [portrait(), textured(), *flat, noise]
    return np.stack([crop_face(rgb, box, RECIPE) for rgb in pictures])


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Exported, Path, float]:
    torch.manual_seed(3)
    net = FaceBlendingNet(pretrained=False)
    # Running means and variances as after training, not the 0 and 1 of a fresh network.
    net.train()
    with torch.no_grad():
        net(torch.from_numpy(crops()))
    path = tmp_path_factory.mktemp("exported") / "network.onnx"
    metadata = {"recipe_fingerprint": RECIPE.fingerprint}
    side = RECIPE.size_px
    shipped = whitened(net, np.stack([textured(side, side, seed) for seed in range(60)]))
    return shipped, path, export_onnx(shipped, path, RECIPE.size_px, metadata)


def test_export_measures_its_own_parity(exported: tuple[Exported, Path, float]) -> None:
    assert exported[2] <= MAX_DIFFERENCE == 1e-4


def test_torch_and_onnx_runtime_agree_on_crops(
    exported: tuple[Exported, Path, float],
) -> None:
    shipped, path, _ = exported
    pictures = crops()
    with torch.no_grad():
        trained = shipped.net.eval()(torch.from_numpy(pictures))
        features = shipped(torch.from_numpy(pictures))[2].numpy()
    found = Network(path).run(pictures)
    assert np.abs(found["logit"] - trained.logit.numpy()).max() <= 1e-4
    assert np.abs(found["mask"] - torch.sigmoid(trained.mask).numpy()).max() <= 1e-4
    largest = max(1.0, float(np.abs(features).max()))
    assert np.abs(found["features"] - features).max() <= 1e-4 * largest
    assert np.ptp(found["logit"]) > 1e-3  # numbers that do not depend on the picture prove nothing
    assert found["mask"].shape == (len(pictures), RECIPE.size_px // 8, RECIPE.size_px // 8)


def test_the_batch_does_not_change_a_score(exported: tuple[Exported, Path, float]) -> None:
    network = Network(exported[1])
    pictures = crops()
    together = network.run(pictures)["logit"]
    alone = np.concatenate([network.run(picture[None])["logit"] for picture in pictures])
    assert np.abs(together - alone).max() <= 1e-4


def test_the_graph_starts_at_uint8_and_carries_its_recipe(
    exported: tuple[Exported, Path, float],
) -> None:
    import onnx

    graph = onnx.load(str(exported[1])).graph
    assert graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert Network(exported[1]).metadata["recipe_fingerprint"] == RECIPE.fingerprint


def test_the_picture_itself_is_not_resized_inside_the_graph(
    exported: tuple[Exported, Path, float],
) -> None:
    import onnx

    nodes = onnx.load(str(exported[1])).graph.node
    still_the_picture = {"pictures"}
    for node in nodes:  # in the order they run
        if node.op_type != "Conv" and still_the_picture & set(node.input):
            assert node.op_type not in ("Resize", "Upsample")
            still_the_picture |= set(node.output)
    assert any(node.op_type == "Conv" and node.input[0] in still_the_picture for node in nodes)
    assert any(node.op_type == "Resize" for node in nodes)  # the map's levels are brought together
