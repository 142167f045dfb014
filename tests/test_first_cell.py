"""The first cell of a lesson, on a machine that has nothing but Colab's packages.

Run by `make colab`, whose environment holds Colab's versions. The bare machine is a
virtual environment that sees those packages, less what the cell has to install; the
course comes from a local git repository and packages from a folder of wheels.
"""

import os
import subprocess
import sys
import sysconfig
import venv
from importlib import metadata
from pathlib import Path

import pytest
from jupyter_client.manager import start_new_kernel

import stamp
from lesson_files import ROOT, copy_course

pytestmark = [pytest.mark.slow, pytest.mark.colab]


def git(*arguments, cwd):
    subprocess.run(["git", *arguments], cwd=cwd, check=True, capture_output=True)


@pytest.fixture(scope="module")
def wheels():
    folder = Path(os.environ["COLAB_WHEELS"]).resolve()
    assert list(folder.glob("torchinfo-*.whl")), "`make colab` prepares the wheels"
    return folder


@pytest.fixture(scope="module")
def bare_python(wheels, tmp_path_factory):
    """Return the Python of an environment with Colab's packages and no others."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder / "env", with_pip=True)
    added = {path.name.split("-")[0].lower() for path in wheels.glob("*.whl")}
    added.discard("setuptools")
    hidden = set()  # first parts of the paths of what the cell has to install
    for distribution in metadata.distributions():
        if distribution.metadata["Name"].lower().replace("-", "_") in added:
            hidden |= {file.parts[0] for file in distribution.files}
    seen = folder / "colab"
    seen.mkdir()
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if path.name not in hidden and path.name != "pip":
            (seen / path.name).symlink_to(path)
    python = folder / "env" / "bin" / "python"
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.check_output([python, "-c", code], text=True).strip()
    Path(site, "colab.pth").write_text(f"{seen}\n")
    return python


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """Return a git repository with the working tree at the stamped ref."""
    folder = copy_course(tmp_path_factory.mktemp("remote"))
    git("init", "-q", cwd=folder)
    git("checkout", "-q", "-b", stamp.address()[1], cwd=folder)
    git("add", "-A", cwd=folder)
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    git(*who, "commit", "-q", "-m", "The course", cwd=folder)
    return folder


def machine(python, wheels, remote, tmp_path, monkeypatch):
    """Start a kernel on the bare machine, in a folder that holds only a notebook."""
    spec = tmp_path / "kernels" / "bare"
    spec.mkdir(parents=True)
    argv = f'["{python}", "-m", "ipykernel_launcher", "-f", "{{connection_file}}"]'
    (spec / "kernel.json").write_text(
        f'{{"argv": {argv}, "display_name": "bare", "language": "python"}}'
    )
    address = f"https://github.com/{stamp.address()[0]}"
    for name, value in {
        "JUPYTER_PATH": str(tmp_path),
        "COLAB_RELEASE_TAG": "release-colab_20260819",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheels),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": f"url.{remote}.insteadOf",
        "GIT_CONFIG_VALUE_0": address,
        "GIT_CONFIG_KEY_1": "uploadpack.allowFilter",
        "GIT_CONFIG_VALUE_1": "true",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    content = tmp_path / "content" / "lessons"
    content.mkdir(parents=True)
    return start_new_kernel(kernel_name="bare", cwd=str(content))


@pytest.fixture
def kernel(request, bare_python, wheels, tmp_path, monkeypatch):
    """Return a function that runs code on the bare machine: (all output, status)."""
    remote = request.getfixturevalue("repository")
    if getattr(request, "param", None) == "unreachable":
        remote = Path("/nowhere/at/all")
    manager, client = machine(bare_python, wheels, remote, tmp_path, monkeypatch)

    def run(code):
        said = []

        def listen(message):
            content = message["content"]
            said.append(content.get("text") or "\n".join(content.get("traceback", [])))

        reply = client.execute_interactive(code, timeout=60, output_hook=listen)
        return "".join(said), reply["content"]["status"]

    yield run
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def frozen(python):
    command = [python, "-m", "pip", "freeze", "--all"]
    lines = subprocess.check_output(command, text=True).splitlines()
    return {line.replace(" @ ", "==").split("==")[0].lower(): line for line in lines}


@pytest.mark.parametrize("kernel", ["unreachable"], indirect=True)
def test_with_the_remote_unreachable_one_sentence_says_what_to_do(kernel):
    said, status = kernel(stamp.first_cell())
    assert status == "error"
    assert f"{stamp.SORRY}" in said
    assert "fatal: " in said or "ERROR: " in said, "pip's own reason stands above it"
    assert len(said.strip().splitlines()) <= 25, said


def test_the_first_cell_brings_the_course_and_changes_nothing_else(
    kernel, bare_python, wheels
):
    before = frozen(bare_python)
    assert "course-utils" not in before and "torchinfo" not in before

    said, status = kernel(stamp.first_cell())
    assert status == "ok", said
    assert "Nothing else was changed." in said
    again, status = kernel(stamp.first_cell())
    assert (again, status) == (
        "The course is ready. Nothing had to be installed.\n",
        "ok",
    )

    after = frozen(bare_python)
    assert {name: after[name] for name in before} == before
    new = {name.replace("-", "_") for name in after.keys() - before.keys()}
    brought = {path.name.split("-")[0].lower() for path in wheels.glob("*.whl")}
    assert new == brought - {"setuptools"} | {"course_utils"}

    said, status = kernel(
        "from course_utils import data, runtime\n"
        "parts = data.load_digits('test')[0], data.load_texts('test')[0]\n"
        "files = [data.find_textures('test'), data.find_sounds()]\n"
        "found = [len(list(folder.rglob('*.*'))) for folder in files]\n"
        "print(*map(len, parts), *found, runtime.where(), data.__file__)"
    )
    assert said.startswith("360 122 288 30 colab ") and str(ROOT) not in said
    assert sys.version_info[:2] == (3, 13)
