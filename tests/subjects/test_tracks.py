from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from assay.subjects import tracks
from assay.subjects.faces import Face
from assay.subjects.landmarks import Mesh
from assay.subjects.tracks import TrackBuilder, colour_histogram
from tests.real_faces import frame, grey, pasted, portrait_of_size, textured

BACKGROUNDS = {"blue": (20, 30, 160), "red": (170, 40, 30)}


@dataclass(frozen=True)
class Person:
    """Somebody in a made scene: who, where (centre), how large, and how sure the mesh is.

    `turned` is how alike the embedding stays to this person's own: a turned head lowers it.
    """

    who: int
    x: float
    y: float = 200.0
    side: float = 80.0
    score: float = 1.0
    turned: float = 1.0


@pytest.fixture
def scenes(monkeypatch: pytest.MonkeyPatch) -> list[list[Person]]:
    """Frame number n shows scene n: faces, meshes and embeddings are told, not found."""
    told: list[list[Person]] = []
    seen: list[Person] = []

    def find_faces(rgb: np.ndarray, *, thorough: bool = True) -> list[Face]:
        seen[:] = sorted(told.pop(0), key=lambda person: -person.side)
        points = np.zeros((6, 2), np.float32)
        return [Face(np.array([n, 0, n + 1, 1], np.float32), points, 1.0) for n in range(len(seen))]

    def find_landmarks(rgb: np.ndarray, face: Face) -> Mesh:
        person = seen[int(face.box_px[0])]
        spread = np.random.default_rng(0).uniform(-0.5, 0.5, (468, 2))
        spread[:2] = (-0.5, -0.5), (0.5, 0.5)
        points = np.array([person.x, person.y]) + spread * person.side
        return Mesh(points.astype(np.float32), person.score)

    def embed_face(rgb: np.ndarray, landmarks_px: np.ndarray) -> np.ndarray:
        centre = (landmarks_px[0] + landmarks_px[1]) / 2
        person = min(seen, key=lambda p: abs(p.x - centre[0]) + abs(p.y - centre[1]))
        own, noise = np.eye(192)[[person.who, 100 + person.who]]
        vector = person.turned * own + np.sqrt(1 - person.turned**2) * noise
        return np.asarray(vector, np.float32)

    monkeypatch.setattr(tracks, "find_faces", find_faces)
    monkeypatch.setattr(tracks, "find_landmarks", find_landmarks)
    monkeypatch.setattr(tracks, "embed_face", embed_face)
    return told


def follow(
    scenes: list[list[Person]],
    told: Sequence[Sequence[Person]],
    backgrounds: Sequence[str] = (),
    **settings: int,
) -> TrackBuilder:
    scenes.extend(list(scene) for scene in told)
    builder = TrackBuilder(**settings)
    for n in range(len(told)):
        name = backgrounds[n] if backgrounds else "blue"
        builder.add(frame(np.full((400, 640, 3), BACKGROUNDS[name], np.uint8), n))
    return builder


def centres(builder: TrackBuilder) -> dict[int, list[int]]:
    found, _ = builder.finish()
    return {t.track_id: t.boxes_px[:, [0, 2]].mean(axis=1).round().tolist() for t in found}


def test_people_who_walk_keep_their_tracks(scenes: list[list[Person]]) -> None:
    told = [[Person(0, 100 + 8 * n), Person(1, 500 - 8 * n)] for n in range(5)]
    assert centres(follow(scenes, told)) == {
        1: [100, 108, 116, 124, 132],
        2: [500, 492, 484, 476, 468],
    }


def test_two_people_who_change_places_over_a_cut_stay_two(scenes: list[list[Person]]) -> None:
    told = [[Person(0, 150), Person(1, 450)]] * 2 + [[Person(0, 450), Person(1, 150)]] * 2
    builder = follow(scenes, told, ["blue", "blue", "red", "red"])
    assert centres(builder) == {1: [150, 150, 450, 450], 2: [450, 450, 150, 150]}
    assert builder.cuts_s == [pytest.approx(0.4)]


def test_two_people_who_change_places_unnoticed_stay_two(scenes: list[list[Person]]) -> None:
    told = [[Person(0, 150), Person(1, 450)], [Person(0, 450), Person(1, 150)]]
    assert centres(follow(scenes, told)) == {1: [150, 450], 2: [450, 150]}


def test_another_person_at_the_same_place_is_another_track(scenes: list[list[Person]]) -> None:
    builder = follow(scenes, [[Person(0, 200)], [Person(1, 200)]])
    assert centres(builder) == {1: [200], 2: [200]}


def test_a_turned_head_is_known_by_its_place_within_a_shot_only(
    scenes: list[list[Person]],
) -> None:
    told = [[Person(0, 200)], [Person(0, 204, turned=0.3)]]
    assert len(follow(scenes, told).finish()[0]) == 1
    assert len(follow(scenes, told, ["blue", "red"]).finish()[0]) == 2


def test_who_leaves_and_returns_is_known_again(scenes: list[list[Person]]) -> None:
    builder = follow(scenes, [[Person(0, 200)], [], [Person(0, 520, 90)]])
    found, views = builder.finish()
    assert [track.track_id for track in found] == [1]
    assert found[0].times_s == pytest.approx([0.0, 0.4])
    assert len(views[1]) == 2


def test_the_most_prominent_comes_first(scenes: list[list[Person]]) -> None:
    told = [[Person(0, 500, side=90)]] + [[Person(1, 150), Person(0, 500, side=90)]] * 1
    told += [[Person(1, 150)]] * 4
    found, _ = follow(scenes, told).finish()
    assert [track.track_id for track in found] == [2, 1]
    assert [len(track.times_s) for track in found] == [5, 2]


def test_more_people_than_the_limit_are_counted(scenes: list[list[Person]]) -> None:
    crowd = [Person(n, 40 + 60 * n, side=50 - n) for n in range(9)]
    builder = follow(scenes, [crowd], max_faces=4)
    found, views = builder.finish()
    assert len(found) == len(views) == 4
    assert sorted(track.boxes_px[0, 0] for track in found) == pytest.approx(
        [crowd[n].x - crowd[n].side / 2 for n in range(4)]
    )
    assert builder.n_faces_left_out == 5


def test_somebody_new_is_left_out_when_the_limit_is_reached(scenes: list[list[Person]]) -> None:
    told = [[Person(0, 150), Person(1, 450)], [Person(2, 300)]]
    builder = follow(scenes, told, max_faces=2)
    assert len(builder.finish()[0]) == 2
    assert builder.n_faces_left_out == 1


@pytest.mark.parametrize(
    "person", [Person(0, 200, score=0.3), Person(0, -90), Person(0, 200, 460), Person(0, 9, 9, 1)]
)
def test_what_the_mesh_does_not_confirm_is_nobody(
    scenes: list[list[Person]], person: Person
) -> None:
    assert follow(scenes, [[person]]).finish() == ((), {})


def test_one_face_found_twice_is_one_person(scenes: list[list[Person]]) -> None:
    assert len(follow(scenes, [[Person(0, 200), Person(0, 204, 203)]]).finish()[0]) == 1


def test_the_search_is_thorough_at_first_at_cuts_and_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(tracks, "find_faces", lambda rgb, *, thorough: asked.append(thorough) or [])
    builder = TrackBuilder()
    for n in range(12):
        name = "blue" if n < 3 else "red"
        builder.add(frame(np.full((90, 160, 3), BACKGROUNDS[name], np.uint8), n))
    assert [n for n, thorough in enumerate(asked) if thorough] == [0, 3, 8]


def test_a_colour_histogram_sums_to_one_and_tells_shots_apart() -> None:
    blue, red = (
        colour_histogram(np.full((50, 70, 3), value, np.uint8)) for value in BACKGROUNDS.values()
    )
    assert blue.shape == (512,)
    assert blue.sum() == pytest.approx(1.0)
    assert np.abs(blue - red).sum() == pytest.approx(2.0)
    same = colour_histogram(textured(300, 400, seed=1)) - colour_histogram(textured(300, 400))
    assert np.abs(same).sum() / 2 < tracks.CUT_DISTANCE
    assert colour_histogram(np.zeros((1, 1, 3), np.uint8)).sum() == pytest.approx(1.0)


@pytest.mark.parametrize("shape", [(1, 1), (360, 640)])
def test_black_frames_hold_nobody(shape: tuple[int, int]) -> None:
    builder = TrackBuilder()
    builder.add(frame(np.zeros((*shape, 3), np.uint8)))
    assert builder.finish() == ((), {})
    assert builder.n_faces_left_out == 0


def test_no_face_no_track() -> None:
    builder = TrackBuilder()
    builder.add(frame(textured(240, 320)))
    assert builder.finish() == ((), {})


def two_shots() -> list[np.ndarray]:
    """Hopper left, the astronaut right; after a cut they have changed places."""
    people = [portrait_of_size(90, name)[0] for name in ("grace_hopper", "astronaut")]
    shots = []
    for value, order in ((128, (0, 1)), (40, (1, 0))):
        scene = grey(720, 1280, value)
        for n, who in enumerate(order):
            scene = pasted(scene, people[who], (80 + 640 * n, 200))
        shots += [scene, scene]
    return shots


def test_two_real_people_stay_two_when_they_change_places_over_a_cut() -> None:
    builder = TrackBuilder()
    for n, rgb in enumerate(two_shots()):
        builder.add(frame(rgb, n))
    found, views = builder.finish()
    assert len(found) == 2
    assert builder.cuts_s == [pytest.approx(0.4)]
    for track in found:
        sides = track.boxes_px[:, [0, 2]].mean(axis=1) < 640
        assert sides.tolist() in ([True, True, False, False], [False, False, True, True])
        assert len(views[track.track_id]) == 4
        assert track.landmarks_px.shape == (4, 468, 2)


def test_a_crowd_of_500_is_cut_to_the_limit_and_counted() -> None:
    small, _ = portrait_of_size(32)
    head = small[8:60, 16:62]
    crowd = grey()
    places = [(x, y) for y in range(10, 1020, 50) for x in range(20, 1850, 74)][:500]
    for place in places:
        crowd = pasted(crowd, head, place)
    builder = TrackBuilder(max_faces=6)
    builder.add(frame(crowd))
    found, views = builder.finish()
    assert 1 <= len(found) <= 6
    assert sum(len(of_track) for of_track in views.values()) <= 6
    assert 400 <= builder.n_faces_left_out + len(found) <= len(places)
