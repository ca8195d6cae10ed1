"""Lines of the log: JSON, about something, and without secrets whatever the text around them is."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dev.processes import ROOT
from shared.app import settings
from shared.base.telemetry import logs

SECRET = "Canary-Pa55/word+1="
JWT = "eyJ0eXAiOiJKV1QifQ.eyJhdWQiOiJjYW5hcnkifQ.c2lnbmF0dXJl"
TOKEN = "canary0token0canary0token"

FORMS = (
    f"Authorization: Bearer {TOKEN}",
    f"{{'Authorization': 'Bearer {TOKEN}'}}",
    f'"authorization":"Bearer {TOKEN}"',
    f"bearer {TOKEN}",
    f"https://x.example/a?sv=1&sig={TOKEN}&x=1",
    f"https://x.example/api/f?code={TOKEN}",
    f'{{"password": "{TOKEN}"}}',
    f"client_secret={TOKEN}&a=b",
    f"x-functions-key: {TOKEN}",
    f"AccountName=a;AccountKey={TOKEN};b=c",
    f'{{\\"newPassword\\": \\"{TOKEN}\\"}}',
    f"refresh_token={TOKEN}",
)
around = st.text(st.characters(codec="utf-8"), max_size=30)


@given(before=around, after=around, form=st.sampled_from(FORMS))
@example(before="", after="", form=FORMS[0])
def test_what_looks_like_a_secret_is_taken_out(before: str, after: str, form: str) -> None:
    assert TOKEN not in logs.Redactor()(f"{before} {form} {after}")


@given(before=around, after=around)
def test_tokens_and_the_apps_own_secrets_are_taken_out_wherever_they_stand(before: str, after: str) -> None:
    text = logs.Redactor([SECRET, "", "abc"])(f"{before} {SECRET} {JWT} {after}")
    assert SECRET not in text
    assert JWT not in text


@given(st.text())
def test_redacting_never_fails_and_twice_is_once(text: str) -> None:
    redact = logs.Redactor([SECRET])
    once = redact(text)
    assert redact(once) == once


@pytest.mark.parametrize("text", ["The step ended: 3 done.", "GET /users/1 401", "error code 42"])
def test_ordinary_lines_stay_as_they_are(text: str) -> None:
    assert logs.Redactor([SECRET])(text) == text


def logged(name: str, *, fails: bool = False) -> str:
    """Return what a handler that was there before writes of one record."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        logs.set_up([SECRET])
        with logs.about(offboarding="o1", step="remove_groups"):
            error = ValueError(SECRET) if fails else None
            text = "broke" if fails else "sent %s with %s"
            logging.getLogger(name).error(text, *(() if fails else ("it", SECRET)), exc_info=error)
    finally:
        root.removeHandler(handler)
        for other in root.handlers:
            for one in [one for one in other.filters if isinstance(one, logs.Filter)]:
                other.removeFilter(one)
    return stream.getvalue()


@pytest.mark.parametrize("fails", [False, True])
def test_a_line_is_json_and_says_what_it_is_about(*, fails: bool) -> None:
    line = json.loads(logged("shared.example", fails=fails))
    assert set(line) == {"timestamp", "level", "logger", "offboarding", "step", "message"}
    assert (line["offboarding"], line["step"], line["logger"]) == ("o1", "remove_groups", "shared.example")
    assert SECRET not in json.dumps(line)
    assert ("ValueError" in line["message"]) == fails


@pytest.mark.parametrize("fails", [False, True])
def test_lines_of_libraries_keep_their_form_but_not_their_secrets(*, fails: bool) -> None:
    text = logged("urllib3.example", fails=fails)
    assert text.startswith("broke" if fails else "sent it with [redacted]")
    assert SECRET not in text


def test_the_app_logs_none_of_its_settings() -> None:
    """Handlers that are there when the app is loaded, as the worker's are, take redacted lines."""
    names = ("M365_CLIENT_SECRET", "M365_CERTIFICATE_PASSWORD", "NOTIFICATION_KEY", "NOTIFICATION_SECRET_ONE")
    given = {name: f"canary of {name}" for name in names}
    code = (
        "import logging, os; logging.basicConfig(); import function_app;"
        f"[logging.getLogger('shared.x').error('sent %s', os.environ[name]) for name in {names}]"
    )
    run = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, **given}, capture_output=True, text=True, check=True
    )
    assert run.stderr.count(logs.REDACTED) == len(names)
    assert "canary" not in run.stderr + run.stdout


def test_each_key_of_a_list_is_taken_out() -> None:
    redact = logs.Redactor(settings.secret_values({"NOTIFICATION_KEY": "canary-key-one, canary-key-two"}))

    assert redact("canary-key-two canary-key-one") == f"{logs.REDACTED} {logs.REDACTED}"
