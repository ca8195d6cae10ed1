"""The files that a deployment or `func start` reads fit the settings that the app declares."""

import json
import re

from dev.processes import ROOT
from shared.app.host_settings import HOST_SETTINGS
from shared.app.settings import SETTINGS

THREADS = "PYTHON_THREADPOOL_THREAD_COUNT"
ACTIVITIES_AT_ONCE = "AzureFunctionsJobHost__extensions__durableTask__maxConcurrentActivityFunctions"


def test_the_sample_settings_are_known_and_complete() -> None:
    sample = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]

    assert set(sample) - {ACTIVITIES_AT_ONCE} <= {setting.name for setting in (*SETTINGS, *HOST_SETTINGS)}
    assert {setting.name for setting in HOST_SETTINGS if setting.default != ""} <= set(sample)
    assert {setting.name for setting in SETTINGS if setting.default is None} <= set(sample)
    assert int(sample[THREADS]) == 2 * int(sample[ACTIVITIES_AT_ONCE])


def test_every_setting_that_host_json_refers_to_is_declared() -> None:
    names = re.findall(r"%(\w+)%", (ROOT / "host.json").read_text())

    assert names == ["TASK_HUB"]
    assert set(names) <= {setting.name for setting in HOST_SETTINGS}


def test_what_died_with_a_host_is_delivered_again_within_a_minute() -> None:
    provider = json.loads((ROOT / "host.json").read_text())["extensions"]["durableTask"]["storageProvider"]

    assert provider["controlQueueVisibilityTimeout"] == provider["workItemQueueVisibilityTimeout"] == "00:01:00"


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((ROOT / "dev" / "package-lock.json").read_text())

    assert not [name for name, package in lock["packages"].items() if "resolved" in package]


def test_no_folder_of_shared_is_a_drawer() -> None:
    """Whoever opens a folder sees at a glance what is in it."""
    folders = [ROOT / "shared", *(path for path in (ROOT / "shared").rglob("*") if path.is_dir())]
    entries = {
        folder.relative_to(ROOT).as_posix(): [one.name for one in folder.iterdir() if not one.name.startswith("__")]
        for folder in folders
        if not folder.name.startswith("__")
    }
    assert {name: len(found) for name, found in entries.items() if len(found) > 9} == {}
    assert len(entries["shared"]) <= 8
    assert len(entries["shared/offboarding"]) <= 8
