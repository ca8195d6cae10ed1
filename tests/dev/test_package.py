"""What is deployed: the app, whole, and nothing else. `python3 dev package` also installs the libraries."""

import ast
import re
import subprocess
import sys
import sysconfig
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

import function_app
from dev import package
from dev.processes import ROOT

LIBRARIES = Path(sysconfig.get_path("purelib"))
SUFFIXES = {".css", ".csv", ".html", ".json", ".py", ".txt"}
MEMBERS = {"activities", "function_app.py", "host.json", "orchestrators", "requirements.txt", "shared", "triggers"}
LEFT_LYING = (
    ".azure/prod/.env",
    ".env",
    ".github/workflows/ci.yml",
    ".python_packages/lib/site-packages/requests/__init__.py",
    ".venv/lib/x.py",
    "CHANGELOG.md",
    "activities/__pycache__/delete_user.cpython-313.pyc",
    "certificate.pfx",
    "dev/start.py",
    "docs/security.md",
    "infra/main.bicep",
    "key.pem",
    "local.settings.json",
    "local.settings.sample.json",
    "package.zip",
    "requirements-dev.txt",
    "requirements.in",
    "shared/notes.md",
    "tests/conftest.py",
)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, unpacked."""
    folder = tmp_path_factory.mktemp("package")
    package.build(folder / "package.zip")
    package.unpack(folder / "package.zip", folder / "app")
    return folder / "app"


def test_the_app_is_in_it_and_nothing_else(app: Path) -> None:
    assert {path.name for path in app.iterdir()} == MEMBERS
    assert {path.suffix for path in app.rglob("*") if path.is_file()} == {
        ".css",
        ".csv",
        ".html",
        ".py",
        ".json",
        ".txt",
    }
    assert (app / "requirements.txt").read_bytes() == (ROOT / "requirements.txt").read_bytes()


@pytest.mark.parametrize("path", LEFT_LYING)
def test_what_lies_about_stays_at_home(tmp_path: Path, path: str) -> None:
    for name in (path, "function_app.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    assert package.files(tmp_path) == ["function_app.py"]


def test_the_same_files_make_the_same_package(tmp_path: Path) -> None:
    for name in ("first.zip", "second.zip"):
        package.build(tmp_path / name)

    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "first.zip") as archive:
        assert archive.namelist() == package.files()


def test_it_is_indexed_with_nothing_but_the_libraries_beside_it(app: Path) -> None:
    found = package.index(app, LIBRARIES)

    assert found["functions"] == sorted(each.get_function_name() for each in function_app.app.get_functions())


def test_a_module_that_only_a_call_imports_must_find_its_libraries_too(app: Path) -> None:
    broken = app / "activities" / "zz_broken.py"
    broken.write_text("import no_such_library")
    try:
        with pytest.raises(subprocess.CalledProcessError):
            package.index(app, LIBRARIES)
    finally:
        broken.unlink()


def imports(file: Path) -> set[str]:
    """Name every module that a file imports, also inside of its functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def owners() -> dict[str, str]:
    """Return which package brings a module."""
    found: dict[str, str] = {}
    for each in metadata.distributions():
        # Read as text: the library's own reading of these lists takes seconds.
        paths = [line.partition(",")[0] for line in (each.read_text("RECORD") or "").splitlines()]
        modules = [path.removesuffix(".py").replace("/", ".") for path in paths if path.endswith(".py")]
        found |= {module.removesuffix(".__init__"): canonicalize_name(each.name) for module in modules}
    return found


def test_every_library_that_it_imports_is_deployed(app: Path) -> None:
    pins = re.findall(r"(?m)^([\w.-]+)==", (ROOT / "requirements.txt").read_text())
    own = sys.stdlib_module_names | {path.stem for path in app.iterdir()}
    used = {name for file in app.rglob("*.py") for name in imports(file) if name.partition(".")[0] not in own}
    modules = owners()

    # What is imported is a module or a name in one.
    needed = {modules.get(name) or modules.get(name.rpartition(".")[0], name) for name in used}

    assert {"azure-functions", "azure-identity", "cryptography", "requests"} <= needed
    assert needed - {canonicalize_name(name) for name in pins} == set()
