"""Pictures and the maps over them."""

from __future__ import annotations

from assay.web.page.pictures import laid


def artifact(path: str) -> dict[str, str]:
    return {"kind": "any", "path": path, "caption": f"About {path}."}


def test_maps_belong_to_their_picture() -> None:
    names = ("picture-1.jpg", "overlay-1-1.png", "overlay-1-2.png", "picture-2.jpg", "01-x-y.png")
    found = laid("id", [artifact(name) for name in names])
    assert [one.picture.address for one in found] == [
        "/v1/examinations/id/artifacts/1",
        "/v1/examinations/id/artifacts/4",
    ]
    assert [len(one.maps) for one in found] == [2, 0]
    assert found[0].maps[1].caption == "About overlay-1-2.png."


def test_a_map_without_its_picture_is_not_shown() -> None:
    assert laid("id", [artifact("overlay-3-1.png"), artifact("x/picture-1.jpg")]) == []
