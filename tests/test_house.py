"""The house rules that a machine can check; CONTRIBUTING.md tells them in words."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "assay"
MODULES = sorted(PACKAGE.rglob("*.py"))

# Who may know whom: a room imports its own rank and those before it, never a later one.
# `bundles` stands before `subjects` because the face finder's networks are bundles too.
RANKS = (
    ("types", "findings", "sound", "timeline", "errors", "options", "once"),
    ("bundles",),
    ("media",),
    ("subjects",),
    ("case",),
    ("inputs",),
    ("detectors",),
    ("verdict",),
    ("examine",),
    ("report",),
    ("cli", "web", "scale"),
    ("training", "evaluation"),
    ("__main__",),
)
RANK = {room: rank for rank, rooms in enumerate(RANKS) for room in rooms}
# Three faces of one program; none of them, nor training, leans on another.
FACES = ("cli", "web", "scale")
# Each of these is a door that its room has on purpose.
ALLOWED = {
    ("cli/train.py", "training"): "the command hands over to the training extra",
    ("cli/nets.py", "training"): "the command hands over to the list of networks",
    ("cli/import_model.py", "training"): "the command hands over to the training extra",
    ("cli/leaderboard.py", "evaluation"): "the command hands over to the evaluation room",
    ("cli/data.py", "training"): "the command hands over to the readers of data sets",
    ("cli/data_tables.py", "training"): "it says what the readers and checks of sets found",
    ("cli/evaluate.py", "evaluation"): "the command hands over to the evaluation room",
    ("cli/evaluate_models.py", "evaluation"): "the command hands over to the evaluation room",
    ("cli/compare.py", "evaluation"): "the command hands over to the evaluation room",
    ("cli/evaluate.py", "training"): "it asks where the labelled media lie",
    ("cli/serve.py", "web"): "the command hands over to the service",
    ("cli/forge.py", "training"): "the command hands over to the forgery lab",
    ("cli/forge_sound.py", "training"): "the command hands over to the forgery lab",
    ("cli/forge_video.py", "training"): "the command hands over to the forgery lab",
    ("cli/audit.py", "web"): "the command reads the service's store",
    ("cli/keys.py", "web"): "the command works on the service's store",
}
HEAVY = ("torch", "torchvision", "timm", "scipy", "sklearn", "matplotlib", "onnx", "tqdm")
JUNK = ("utils", "util", "helpers", "helper", "common", "core", "misc", "stuff", "lib")
MODULE_LINES, FUNCTION_LINES = 400, 50
# Modules without a test file of their own, and where they are tested instead.
TESTED_ELSEWHERE: dict[str, str] = {
    "__main__.py": "tests/cli/test_main.py",
    "cli/app.py": "tests/cli/test_exits.py",
    "cli/data_tables.py": "tests/cli/test_data.py",
    "cli/file_by_file.py": "tests/cli/test_detect.py",
    "cli/flags.py": "tests/cli/test_detect.py",
    "cli/stdout.py": "tests/cli/test_detect.py",
    "cli/tables.py": "tests/cli/test_models.py",
    "once.py": "tests/test_case.py",
}


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def room_of(path: Path) -> str:
    """The room of a module: its folder below the package, or its own name at the top."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of each import, inside functions too; `from a import b` gives `a.b`."""
    package = ("assay", *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [node.module] if node.module else []
            if node.level:
                base = [*package[: len(package) - node.level + 1], *base]
            yield from ((node.lineno, ".".join([*base, alias.name])) for alias in node.names)
        elif isinstance(node, ast.Call) and _is_import_call(node):
            yield node.lineno, str(ast.literal_eval(node.args[0]))


def _is_import_call(node: ast.Call) -> bool:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    literal = bool(node.args) and isinstance(node.args[0], ast.Constant)
    return name in ("import_module", "__import__") and literal


def breaches(path: Path) -> Iterator[str]:
    room = room_of(path)
    for line, name in imported(path):
        parts = name.split(".")
        if parts[0] != "assay" or len(parts) == 1 or room == "__init__":
            continue
        target = parts[1]
        if target == room or target == "__version__" or (name_of(path), target) in ALLOWED:
            continue
        if target not in RANK:
            yield f"{name_of(path)}:{line} imports {name}, which no room of the law holds"
        elif RANK[target] > RANK[room] or (target in FACES and room not in (target, "__main__")):
            yield f"{name_of(path)}:{line} imports {name}"


def test_every_room_is_in_the_law() -> None:
    assert {room_of(path) for path in MODULES} - {"__init__"} <= set(RANK)


def test_imports_go_one_way() -> None:
    assert [breach for path in MODULES for breach in breaches(path)] == []


def test_the_check_of_the_law_can_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = (
        "def f():\n"
        "    from assay.report import to_line\n"
        "    import assay.cli\n"
        "    from assay.types import Media\n"
        "    import importlib; importlib.import_module('assay.training.loop')\n"
        "from ..verdict import fuse\n"
    )
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "probe.py").write_text(source)
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path)
    found = [breach.split()[-1] for breach in breaches(tmp_path / "media" / "probe.py")]
    expected = ["assay.cli", "assay.report.to_line", "assay.training.loop", "assay.verdict.fuse"]
    assert sorted(found) == expected


def test_training_libraries_stay_in_their_rooms() -> None:
    found = [
        f"{name_of(path)}:{line} imports {name}"
        for path in MODULES
        if room_of(path) not in ("training", "evaluation")
        for line, name in imported(path)
        if name.split(".")[0] in HEAVY
    ]
    assert found == []


def test_every_module_has_its_test() -> None:
    missing = []
    for path in MODULES:
        name = name_of(path)
        if path.name == "__init__.py" or not path.read_text(encoding="utf-8").strip():
            continue
        test = TESTED_ELSEWHERE.get(name)
        mirror = ROOT / "tests" / Path(name).parent / f"test_{path.name}"
        if not (ROOT / test if test else mirror).is_file():
            missing.append(f"{name} has no {test or mirror.relative_to(ROOT).as_posix()}")
    assert missing == []


def test_the_list_of_exceptions_is_not_stale() -> None:
    gone = [name for name in TESTED_ELSEWHERE if not (PACKAGE / name).is_file()]
    assert gone == []
    for (name, target), _why in ALLOWED.items():
        targets = [other.split(".")[1] for _, other in imported(PACKAGE / name) if "." in other]
        assert target in targets, f"{name} no longer imports {target}"


def test_there_is_no_junk_room() -> None:
    everything = [*MODULES, *(path for path in PACKAGE.rglob("*") if path.is_dir())]
    assert [name_of(path) for path in everything if path.stem in JUNK] == []


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield f"{name_of(path)}:{node.name}", node.end_lineno - node.lineno + 1


def test_modules_and_functions_stay_small() -> None:
    long = [
        f"{name_of(path)} has {n} lines"
        for path in MODULES
        if (n := len(path.read_text(encoding="utf-8").splitlines())) > MODULE_LINES
    ]
    for path in MODULES:
        long += [f"{name} has {n} lines" for name, n in functions(path) if n > FUNCTION_LINES]
    assert long == []


@pytest.mark.parametrize(
    "program",
    [
        "import assay",
        "from assay.cli import run\nassert run(['--help']) == 0",
        "from assay.cli import run\nassert run(['detect', '--help']) == 0",
        "from assay.cli import run\nassert run(['--version']) == 0",
    ],
    ids=["import", "help", "detect-help", "version"],
)
def test_starting_is_light(program: str) -> None:
    ask = "import sys\nprint(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\n{ask}"], capture_output=True, text=True, check=True
    )
    loaded = {name.split(".")[0] for name in ast.literal_eval(done.stderr)}
    heavy = {"numpy", "cv2", "torch", "PIL", "av", "onnxruntime", "c2pa", "jinja2", "rich", "scipy"}
    assert loaded & heavy == set()


def test_import_assay_loads_only_itself() -> None:
    ask = "import assay, sys; print([n for n in sys.modules if n.startswith('assay')])"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert ast.literal_eval(done.stdout) == ["assay"]


def test_the_core_needs_no_training_library() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[^A-Za-z0-9-]", line)[0] for line in project["dependencies"]}
    assert names & set(HEAVY) == set()
    assert set(project["optional-dependencies"]) >= {"train", "web", "scale", "dev"}


def test_decisions_are_numbered_once() -> None:
    numbers = [path.name[:3] for path in (ROOT / "docs" / "decisions").glob("*.md")]
    assert all(re.fullmatch(r"\d{3}", number) for number in numbers)
    assert len(numbers) == len(set(numbers))


def test_the_text_names_no_machine_path() -> None:
    tracked = [*MODULES, *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "Makefile"]
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tracked
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"(?<![\w.])/(work|root|home/\w+)/", line)
    ]
    assert found == []
