import json
import subprocess
import sys
from pathlib import Path

import pytest

from dev.processes import ROOT

pytestmark = pytest.mark.long

CODE = "from dev import __main__ as tool, demo; raise SystemExit(demo.run_demo(tool.parser().parse_args()))"


def test_the_demonstration_succeeds_and_tells_what_it_did(tmp_path: Path) -> None:
    file = tmp_path / "demo.json"

    run = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", CODE, "demo", "--latency", "0", "--json", file, "--html", tmp_path / "pages"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    told = json.loads(file.read_text())
    assert set(told) == {"offboarding", "others", "tenant_changes", "restorations"}
    assert {(each["kind"], each["state"]) for each in told["restorations"]} == {("restoration", "Completed")}
    assert "All that can be brought back is as it was." in run.stdout
    brought = run.stdout.partition("What is different now that all of it was brought back:")[2]
    assert "Ada Castell: has a new password" in brought
    assert "Ada Castell: sign-in is" not in brought
    assert "licenses" not in brought
    assert told["offboarding"]["user"]["upn"] == "ada@fabrikam.example"
    assert {each["state"] for each in (told["offboarding"], *told["others"])} == {"Completed"}
    pages = {page.name: page.read_text() for page in (tmp_path / "pages").iterdir()}
    assert set(pages) == {"tenant.html", *(f"{each['id']}.html" for each in (told["offboarding"], *told["others"]))}
    assert "Offboarding of <bdi>Ada Castell</bdi>" in pages[f"{told['offboarding']['id']}.html"]
    assert "Offboardings of fabrikam.example" in pages["tenant.html"]
    assert str(tmp_path / "pages" / "tenant.html") in run.stdout.replace("\n", "")
    assert "Ada Castell: sign-in is blocked" in told["tenant_changes"]
    assert "Ada Castell: Block sign-in: done: Sign-in is blocked." in run.stdout
