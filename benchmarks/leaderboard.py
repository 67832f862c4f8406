"""`python benchmarks/leaderboard.py`: train, import and measure networks; write the leaderboard.

On the labelled media (ASSAY_SHARED) where they are there, else on a stand-in that shows that every
step runs and says nothing of any network. Everything goes through the commands that a user has:
`assay train`, `assay models import`, `assay evaluate`, `assay leaderboard`. What lies in
runs/board is kept, so a broken-off run goes on. An hour or two on two cores; --quick takes minutes.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from board import data

from assay.errors import ConfigError
from assay.training.shared import shared_folder

ROOT = Path(__file__).resolve().parents[1]
WORK, STAND_IN = Path("runs/board"), Path("runs/board_stand_in")
RESULTS = ROOT / "benchmarks" / "results" / "board"
SHIPPED = ("face_blending", "voice_synthesis")
STORED = ("result.json", "refs.bib")


@dataclass(frozen=True, slots=True)
class Training:
    """One `assay train`: the network, the manifest's name and what is changed of its recipe."""

    net: str
    on: str
    more: tuple[str, ...] = ()
    name: str = ""

    @property
    def run(self) -> str:
        """The name of its run."""
        return self.name or self.net


@dataclass(frozen=True, slots=True)
class Configured:
    """One `assay train` by a file of configs/, which names its manifest and its folder itself."""

    config: str
    run: str
    on: str


@dataclass(frozen=True, slots=True)
class Peer:
    """One `assay models import` of a checkpoint of others, calibrated on validation items where
    that does not take long."""

    net: str
    checkpoint: str
    on: str
    name: str
    calibrated: bool = True


@dataclass(frozen=True, slots=True)
class Measurement:
    """One `assay evaluate`: what it is called, its manifest, the models and the protocol."""

    name: str
    on: str
    protocol: str
    models: tuple[str, ...]
    more: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Board:
    """All of it."""

    manifests: dict[str, Path]
    trainings: tuple[Training | Configured, ...]
    peers: tuple[Peer, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    stand_in: bool = False


# Short runs, what two cores do in an hour. At its own rate of .001 the small CNN gave every one of
# these faces the same answer.
FACES = (
    Training("simple_cnn", "faces", ("--epochs", "6", "--learning-rate", "0.0002")),
    Training("meso4", "faces", ("--epochs", "6", "--learning-rate", "0.001")),
)
TRUNK = Configured("face_trunk_on_forged_faces.toml", "face_trunk", "faces")
VOICES = (Training("lcnn", "voices", ("--epochs", "4")),)
PEERS = (
    Peer("meso4", "Meso4_DF.h5", "faces", "meso4_published_df"),
    Peer("meso4", "Meso4_F2F.h5", "faces", "meso4_published_f2f"),
    Peer("mesoinception4", "MesoInception_DF.h5", "faces", "mesoinception4_published_df"),
    Peer("mesoinception4", "MesoInception_F2F.h5", "faces", "mesoinception4_published_f2f"),
    Peer("aasist", "AASIST.pth", "voices", "aasist_published", calibrated=False),
)


def labelled_board(work: Path, cache: Path) -> Board:
    """On the labelled media."""
    manifests = {
        "faces": data.faces(work, cache),
        "videos": data.videos(work, cache),
        "voices": data.voices(work, cache),
    }
    return Board(manifests, (*FACES, TRUNK, *VOICES), PEERS, measurements())


def measurements() -> tuple[Measurement, ...]:
    """What is measured of them: on unseen people, and on unseen forgers."""
    of_faces = tuple(t.run for t in (*FACES, TRUNK))
    of_faces += tuple(p.name for p in PEERS if p.on == "faces")
    of_voices = tuple(t.run for t in VOICES) + tuple(p.name for p in PEERS if p.on == "voices")
    final = ("--split", "test", "--final")
    # face_blending learned from other people of the faces' sources, and from most of these clips:
    # the videos are no test of it.
    return (
        Measurement("faces-test", "faces", "within", (*of_faces, "face_blending"), final),
        # Cards of ours name sets, not forgers: which of these they have seen is not in them.
        Measurement("faces-unseen", "faces", "leave-one-generator-out", of_faces, final),
        Measurement("voices-test", "voices", "within", (*of_voices, "voice_synthesis"), final),
        Measurement("videos-test", "videos", "within", of_faces, final),
    )


def stand_in_board(work: Path) -> Board:
    """On a machine without labelled media: two small networks on warped portraits."""
    portraits = [ROOT / "examples" / f"{name}.jpg" for name in ("grace_hopper", "astronaut")]
    manifests = {"stand-in": data.stand_in(work, portraits)}
    trainings = tuple(
        Training(net, "stand-in", ("--epochs", "2")) for net in ("simple_cnn", "meso4")
    )
    models = tuple(training.run for training in trainings)
    final = ("--split", "test", "--final")
    measurements = (Measurement("stand-in-test", "stand-in", "within", models, final),)
    return Board(manifests, trainings, (), measurements, stand_in=True)


def commands_of(board: Board, work: Path, cache: Path) -> Iterator[tuple[Path, list[str]]]:
    """Each command with the file that shows it is done."""
    shared = ["--cache", str(cache / "prepared")]
    for one in board.trainings:
        out, card = work / "runs" / one.run, _bundle(work, one.run) / "card.json"
        if isinstance(one, Configured):
            yield card, ["train", str(ROOT / "configs" / one.config)]
            continue
        of = ["--data", str(board.manifests[one.on]), "--out", str(out)]
        yield card, ["train", one.net, *of, *shared, *one.more]
    for peer in board.peers:
        out = _bundle(work, peer.name)
        checkpoint = shared_folder() / "weights" / "peers" / peer.checkpoint
        of = ["--calibrate", str(board.manifests[peer.on]), *shared] if peer.calibrated else []
        command = ["models", "import", peer.net, str(checkpoint), "--out", str(out), *of]
        yield out / "card.json", command
    for measured in board.measurements:
        out = work / "results" / measured.name
        named = [w for m in measured.models for w in ("--model", _model(work, m))]
        of = ["--data", str(board.manifests[measured.on]), "--protocol", measured.protocol]
        more = ["--out", str(out), *shared, *measured.more]
        yield out / "result.json", ["evaluate", *named, *of, *more]


def _bundle(work: Path, model: str) -> Path:
    return work / "runs" / model / "bundle"


def _model(work: Path, name: str) -> str:
    """A bundle's folder, or the name of a detector that ships."""
    return name if name in SHIPPED else str(_bundle(work, name))


def run(command: list[str], log: Path) -> None:
    """Run one `assay` command; SystemExit where it fails."""
    print("assay", *command, flush=True)
    started = time.monotonic()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as file:
        done = subprocess.run([sys.executable, "-m", "assay", *command], stdout=file, stderr=file)
    if done.returncode:
        last = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
        raise SystemExit(f"It ended with exit code {done.returncode}:\n{last}")
    print(f"  {time.monotonic() - started:.0f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path("cache"))
    parser.add_argument("--out", type=Path, help="where the page is written")
    parser.add_argument("--quick", action="store_true", help="the stand-in, even with the media")
    given = parser.parse_args()
    board = _board(given.quick, given.cache)
    work = STAND_IN if board.stand_in else WORK
    for done, command in commands_of(board, work, given.cache):
        if not done.is_file():
            run(command, work / "log.txt")
    results = work / "results"
    if not board.stand_in:
        _store(results)
    out = given.out or (work / "page" if board.stand_in else ROOT / "docs" / "leaderboard")
    run(["leaderboard", str(results), "--out", str(out)], work / "log.txt")
    print(f"The page: {out / 'index.html'}")


def _board(quick: bool, cache: Path) -> Board:
    if not quick and _media_are_there():
        WORK.mkdir(parents=True, exist_ok=True)
        return labelled_board(WORK, cache)
    print("A stand-in is used in the place of labelled media: its numbers mean nothing.")
    STAND_IN.mkdir(parents=True, exist_ok=True)
    return stand_in_board(STAND_IN)


def _media_are_there() -> bool:
    try:
        shared_folder()
    except ConfigError:
        return False
    return True


def _store(results: Path) -> None:
    """Keep what the page is made of beside the other results."""
    for folder in sorted(path for path in results.iterdir() if path.is_dir()):
        kept = RESULTS / folder.name
        kept.mkdir(parents=True, exist_ok=True)
        for name in STORED:
            if (folder / name).is_file():
                shutil.copyfile(folder / name, kept / name)


if __name__ == "__main__":
    main()
