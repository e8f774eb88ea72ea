"""`train --out` replaces an earlier bundle in one step, and nothing else, ever."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from outputs import NAMES, output, write

from shotwise_cli.main import main
from shotwise_training.export.bundle import outputs
from shotwise_training.export.output_folder import OutputError, written_beside
from shotwise_training.export.pipeline_files import pipeline_folder

ROOT = Path(__file__).parents[2]
# Writes a bundle of three files, and is killed at the n-th call that the interpreter reports to an audit hook.
KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, "tests/training")
import outputs

out, countdown = outputs.output(Path(sys.argv[1])), int(sys.argv[2])

def hook(event, arguments):
    global countdown
    if event.startswith(("os.", "open", "ctypes.", "shutil.")):
        countdown -= 1
        if countdown == 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(hook)
outputs.write(out, "new")
countdown = -1
print("written")
"""


def content_of(folder: Path) -> set[str]:
    """The contents of a bundle's files, which is one if the bundle is complete."""
    assert {path.name for path in folder.iterdir()} == NAMES
    return {path.read_text() for path in folder.iterdir()}


def snapshot(folder: Path) -> dict[str, str]:
    """Every path below a folder, with its content."""
    return {str(path): path.read_text() if path.is_file() else "" for path in sorted(folder.rglob("*"))}


@pytest.fixture
def bundle_folder(tmp_path: Path) -> Path:
    """A folder with a complete bundle."""
    folder = tmp_path / "bundle"
    write(output(folder), "old")
    return folder


def test_a_new_and_an_earlier_bundle(bundle_folder: Path, tmp_path: Path) -> None:
    """A folder that is absent is made, with its parents; one that is empty or holds a bundle is replaced."""
    (tmp_path / "empty").mkdir()
    for folder in (bundle_folder, tmp_path / "empty", tmp_path / "a/b/c"):
        output(folder).check()
        write(output(folder), "new")
        assert content_of(folder) == {"new"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "bundle", "empty"]


def test_a_folder_of_something_else_is_refused(bundle_folder: Path, tmp_path: Path) -> None:
    """Foreign files, beside a bundle or without one, and a folder called like a file of ours: nothing changes."""
    (bundle_folder / "notes.txt").write_text("mine")
    for name in ("notes.txt", "model.onnx"):
        (tmp_path / name.split(".")[0]).mkdir()
        (tmp_path / name.split(".")[0] / name).write_text("mine")
    (tmp_path / "nested/card.md").mkdir(parents=True)
    (tmp_path / "nested/bundle.json").write_text("{}")
    before = snapshot(tmp_path)
    for name, foreign in (("bundle", "notes.txt"), ("notes", "notes.txt"), ("model", "model.onnx"),
                          ("nested", "card.md")):
        with pytest.raises(OutputError, match=f"{name} holds {foreign}, which no bundle has; nothing was removed"):
            output(tmp_path / name).check()
        with pytest.raises(OutputError, match="cannot take the place"):
            write(output(tmp_path / name), "new")
    assert {path: text for path, text in snapshot(tmp_path).items() if ".writing" not in path} == before


def test_a_bundle_with_a_compressed_graph_is_replaced(tmp_path: Path) -> None:
    """As git has the largest graph: the compressed file goes with the earlier bundle; another archive is refused."""
    folder = tmp_path / "poc_baseline"
    shutil.copytree(ROOT / "models/poc_baseline", folder, ignore=shutil.ignore_patterns("model.onnx"))
    assert (folder / "model.onnx.xz").exists()
    bundle_output, _ = outputs(folder)
    bundle_output.check()
    with written_beside(bundle_output.path) as replacement:
        (replacement / "bundle.json").write_text("new")
    bundle_output.put(replacement)
    assert [path.name for path in folder.iterdir()] == ["bundle.json"]
    (folder / "notes.xz").write_text("mine")
    with pytest.raises(OutputError, match="holds bundle.json, notes.xz"):
        bundle_output.check()


def test_what_cannot_be_a_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file, a path below a file, a circle of links, the current folder, a mount and a name that is too long."""
    (tmp_path / "file").write_text("mine")
    (tmp_path / "circle").symlink_to("circle")
    monkeypatch.chdir(tmp_path)
    reasons = {tmp_path / "file": "Not a directory", tmp_path / "file/bundle": "Not a directory",
               tmp_path / "circle": "symbolic links", Path(): "current folder", tmp_path.parent: "current folder",
               Path("/"): "mounted", tmp_path / ("x" * 300): "File name too long"}
    for path, reason in reasons.items():
        with pytest.raises(OutputError, match=reason):
            output(path).check()
    assert snapshot(tmp_path) == {str(tmp_path / "circle"): "", str(tmp_path / "file"): "mine"}


def test_a_link_is_followed(bundle_folder: Path, tmp_path: Path) -> None:
    """The link stays, and the bundle that it leads to is replaced; so for one that leads to nothing yet."""
    for name, target in (("link", bundle_folder), ("dangling", tmp_path / "later")):
        (tmp_path / name).symlink_to(target)
        output(tmp_path / name).check()
        write(output(tmp_path / name), "new")
        assert (tmp_path / name).is_symlink() and content_of(target) == {"new"}


def test_foreign_folders_of_earlier_names_stay(bundle_folder: Path, tmp_path: Path) -> None:
    """DIR.old, DIR.writing and what looks like a temporary folder belong to somebody else."""
    names = ("bundle.old", "bundle.writing", ".bundle.0123456789abcdef.writing")
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.txt").write_text("mine")
    write(output(bundle_folder), "new")
    assert all((tmp_path / name / "mine.txt").read_text() == "mine" for name in names)
    assert output(bundle_folder).strays() == []


def test_files_that_come_while_training_stay(bundle_folder: Path, tmp_path: Path) -> None:
    """A file that somebody puts into the folder in the meantime is not removed, and the new bundle is not lost."""
    with written_beside(bundle_folder) as replacement:
        (replacement / "bundle.json").write_text("new")
    (bundle_folder / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=f"complete in {replacement}.* holds notes.txt"):
        output(bundle_folder).put(replacement)
    assert (bundle_folder / "notes.txt").read_text() == "mine" and (replacement / "bundle.json").is_file()
    assert not list(tmp_path.glob("*.old"))


def test_modes_stay(bundle_folder: Path) -> None:
    """A folder and files that only their owner reads stay so."""
    bundle_folder.chmod(0o700)
    for path in bundle_folder.iterdir():
        path.chmod(0o600)
    write(output(bundle_folder), "new")
    assert stat.S_IMODE(bundle_folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in bundle_folder.iterdir()} == {0o600}


def test_a_disk_that_gets_full_leaves_the_earlier_bundle(bundle_folder: Path, tmp_path: Path) -> None:
    """When a file cannot be written to its end, the error names the folder, and nothing but the old bundle is there."""
    script = ("import resource, sys; sys.path.insert(0, 'tests/training')\n"
              "import outputs\n"
              "from pathlib import Path\n"
              "resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))\n"
              "try:\n    outputs.write(outputs.output(Path(sys.argv[1])), 'x' * 1000)\n"
              "except OSError as error:\n    print(f'{error.filename}: {error.strerror}')\n")
    done = subprocess.run([sys.executable, "-c", script, str(bundle_folder)], cwd=ROOT, capture_output=True, text=True,
                          check=True)
    assert done.stdout == f"{bundle_folder}: File too large\n"
    assert content_of(bundle_folder) == {"old"} and list(tmp_path.iterdir()) == [bundle_folder]


def test_a_bundle_and_a_link_to_it_have_the_same_models(bundle_folder: Path, tmp_path: Path) -> None:
    """The fitted models lie beside the folder that the link leads to."""
    (tmp_path / "link").symlink_to(bundle_folder)
    assert pipeline_folder(tmp_path / "link") == pipeline_folder(bundle_folder) == tmp_path / "bundle.pipeline"


def test_an_interruption_leaves_the_earlier_bundle(bundle_folder: Path, tmp_path: Path) -> None:
    """A failure while the files are written leaves no trace."""
    with pytest.raises(KeyboardInterrupt), written_beside(bundle_folder) as replacement:
        (replacement / "bundle.json").write_text("new")
        raise KeyboardInterrupt
    assert content_of(bundle_folder) == {"old"} and list(tmp_path.iterdir()) == [bundle_folder]


def test_a_folder_without_write_permission_is_refused(tmp_path: Path) -> None:
    """The folder itself, or the one that it lies in; asked by a user who is no administrator."""
    shared = tmp_path / "shared"
    for name in ("closed/bundle", "open/bundle"):
        write(output(shared / name), "old")
    (shared / "open/bundle").chmod(0o555)
    (shared / "open").chmod(0o777)
    (shared / "closed").chmod(0o555)
    script = ("import sys, os; sys.path.insert(0, 'tests/training')\n"
              "import outputs\n"
              "from pathlib import Path\n"
              "from shotwise_training.export.output_folder import OutputError\n"
              "if os.geteuid() == 0:\n    os.setgid(12345); os.setuid(12345)\n"
              "for path in sys.argv[1:]:\n"
              "    try:\n        outputs.output(Path(path)).check()\n"
              "    except OutputError as error:\n        print(error)\n")
    for folder in (tmp_path, *tmp_path.parents[:-2]):  # which pytest makes for their owner alone
        folder.chmod(folder.stat().st_mode | 0o011)
    done = subprocess.run([sys.executable, "-c", script, *(str(shared / name) for name in
                                                           ("closed/bundle", "closed/new", "open/bundle"))],
                          cwd=ROOT, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 3 and all("Permission denied" in line for line in lines), done
    assert str(shared / "closed") in lines[1] and str(shared / "open/bundle") in lines[2]


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_a_bundle(bundle_folder: Path, tmp_path: Path) -> None:
    """Killed at each of its system calls in turn, a run leaves the complete old or new bundle under its name.

    What else it leaves is listed, and removed by nobody.
    """
    outcomes = []
    for countdown in range(1, 200):
        shutil.rmtree(bundle_folder)
        write(output(bundle_folder), "old")
        done = subprocess.run([sys.executable, "-c", KILLED, str(bundle_folder), str(countdown)], cwd=ROOT,
                              capture_output=True, text=True, check=False)
        (content,) = content_of(bundle_folder)
        outcomes.append(content)
        beside = {path for path in tmp_path.iterdir() if path != bundle_folder}
        assert set(output(bundle_folder).strays()) == beside
        for path in beside:
            shutil.rmtree(path)
        if done.returncode == 0:
            break
        assert done.returncode == -9, done.stderr
    assert done.stdout == "written\n" and outcomes == sorted(outcomes, reverse=True) and set(outcomes) == {"old", "new"}
    assert len(outcomes) > 10


def test_a_reader_never_misses_the_bundle(bundle_folder: Path) -> None:
    """While one process replaces the bundle again and again, another always meets a complete manifest."""
    script = ("import sys; sys.path.insert(0, 'tests/training')\n"
              "import outputs\n"
              "from pathlib import Path\n"
              "out = outputs.output(Path(sys.argv[1]))\n"
              "for number in range(100):\n    outputs.write(out, f'new {number}')\n")
    with subprocess.Popen([sys.executable, "-c", script, str(bundle_folder)], cwd=ROOT) as writer:
        contents = set()
        while writer.poll() is None:
            contents.add((bundle_folder / "bundle.json").read_text())
    assert writer.returncode == 0 and len(contents) > 2 and all(contents)


@pytest.mark.parametrize("content", [None, "[]", "{}", "null", "{", '{"format": 4}', '{"format": 4, "files": []}',
                                     '{"files": {"notes.txt": ""}}'])
def test_train_refuses_what_is_no_bundle_before_it_reads_the_table(
        tmp_path: Path, content: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    """The command ends with status 2 and a sentence that names the option; every byte stays."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    if content is not None:
        (out / "bundle.json").write_text(content)
    (tmp_path / "out.old").mkdir()
    (tmp_path / "out.old/thesis.tex").write_text("mine")
    before = snapshot(tmp_path)
    assert main(["train", "--data", str(tmp_path / "absent.csv"), "--out", str(out)]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1
    assert f"--out: {out} holds " in printed.err and "nothing was removed" in printed.err
    assert snapshot(tmp_path) == before


def test_train_refuses_foreign_models_beside_the_bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """DIR.pipeline, which the fitted models go to, is treated like DIR."""
    (tmp_path / "out.pipeline").mkdir()
    (tmp_path / "out.pipeline/pipeline.pt").write_text("ours")
    (tmp_path / "out.pipeline/paper.pdf").write_text("mine")
    assert main(["train", "--data", str(tmp_path / "absent.csv"), "--out", str(tmp_path / "out")]) == 2
    assert "out.pipeline holds paper.pdf" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["out.pipeline"]
