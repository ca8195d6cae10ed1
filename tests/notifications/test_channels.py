"""Every channel against a receiver that behaves like the service, over real HTTP."""

from __future__ import annotations

import html
import json
import secrets
import threading
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

import pytest

from dev.tenant import seed
from shared.actions.outcome import Outcome
from shared.notifications.settings.preferences import Preferences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FAILED = {"disable_sign_in": Outcome.done, "remove_groups": Outcome.failed}
PATHS = {
    "teams": "/teams/workflows/x/triggers/manual/paths/invoke?api-version=1&sig=canary",
    "slack": "/slack/services/T1/B1/canary",
    "discord": "/discord/api/webhooks/1/canary",
    "portal": "/portal/hook",
    "portal_standardised": "/portal/hook",
}


def hook(office: Any, form: str, **more: Any) -> dict[str, Any]:
    return {"id": form.replace("_", "-"), "format": form, "url": office.sinks.origin + PATHS[form], **more}


@pytest.mark.parametrize("form", PATHS)
def test_a_web_hook_takes_its_form(office: Any, form: str) -> None:
    office.settings(webhook=[hook(office, form)])

    ended = office.end(1, FAILED)

    assert office.only(ended).state == "delivered", office.only(ended).message
    (arrived,) = office.sinks.arrived()
    text = json.dumps(arrived["body"])
    assert "leaver1@fabrikam.example" in text
    assert "REF-7" in text


@pytest.mark.parametrize("form", ["teams", "slack", "discord"])
def test_chats_are_told_the_link_even_of_the_longest_message(office: Any, form: str) -> None:
    office.settings(webhook=[hook(office, form)])

    ended = office.end(1, FAILED, reference="R" * 200, requested_by="x" * 3000)

    assert office.only(ended).state == "delivered", office.only(ended).message
    assert f"https://offboarding.example/api/offboardings/{ended.id}" in json.dumps(office.sinks.arrived()[0]["body"])


@pytest.mark.parametrize(
    ("auth", "way"),
    [
        ({"kind": "bearer", "token": "<bearer>"}, "Bearer"),
        ({"kind": "basic", "username": "hook", "password": "<basic_password>"}, "Basic"),
        ({"kind": "api_key", "header": "X-Api-Key", "value": "<api_key>"}, "x-api-key"),
        ({"kind": "headers", "headers": {"X-Api-Key": "<api_key>", "X-Other": "<bearer>"}}, "x-api-key"),
    ],
)
def test_credentials_go_on_top(office: Any, auth: dict[str, Any], way: str) -> None:
    url = f"{office.sinks.origin}/protected/hook"
    filled = json.loads(json.dumps(auth), object_hook=lambda one: _filled(one, office.sinks.keys))
    office.settings(webhook=[{"id": "own", "format": "portal", "url": url, "auth": filled}])

    ended = office.end()

    assert office.only(ended).state == "delivered", office.only(ended).message
    assert office.sinks.arrived()[0]["title"] == way


def _filled(one: dict[str, Any], keys: dict[str, str]) -> dict[str, Any]:
    """Put secrets in the place of their names."""
    filled = {f"<{name}>": value for name, value in keys.items()}
    return {name: filled.get(value, value) if isinstance(value, str) else value for name, value in one.items()}


def test_a_signature_passes_while_one_secret_replaces_the_other(office: Any) -> None:
    other = f"whsec_{b64encode(secrets.token_bytes(32)).decode()}"
    office.settings(webhook=[office.standard(signing=[other, office.sinks.keys["signing"]])])
    assert office.only(office.end(1)).state == "delivered"

    office.settings(webhook=[office.standard(signing=[other])])
    wrong = office.only(office.end(2))
    assert (wrong.state, wrong.status) == ("dead", 401)


def test_a_retired_connector_set_by_a_setting_is_not_called(office: Any) -> None:
    app = office.app.settings.notification_secrets
    app["NOTIFICATION_SECRET_HOOK"] = PATHS["teams"].join([office.sinks.origin, ""])
    office.settings(webhook=[{"id": "teams", "format": "teams", "url": {"setting": "NOTIFICATION_SECRET_HOOK"}}])
    app["NOTIFICATION_SECRET_HOOK"] = "https://fabrikam.webhook.office.com/webhookb2/canary"

    delivery = office.only(office.end())

    assert delivery.state == "dead"
    assert "Workflows" in delivery.message


def test_mail_goes_out_of_the_one_mailbox(lab: Any) -> None:
    lab.settings(email=[{"id": "noc", "to": ["noc@msp.example", "second@msp.example"]}])

    offboarding = lab.submit("ada@fabrikam.example", {"disable_sign_in": True}, notify=["email"])
    lab.go()

    assert lab.only(offboarding).state == "delivered", lab.only(offboarding).message
    (mail,) = lab.simulator.state(seed.FABRIKAM)["sent_mail"]
    assert mail["message"]["subject"] == "Offboarding of ada@fabrikam.example: Completed"
    assert mail["message"]["body"]["contentType"] == "HTML"
    assert [to["emailAddress"]["address"] for to in mail["message"]["toRecipients"]] == [
        "noc@msp.example",
        "second@msp.example",
    ]


def test_plain_mail_can_be_chosen(lab: Any) -> None:
    lab.settings(email=[{"id": "noc", "to": ["noc@msp.example"], "format": "plain"}])

    lab.submit("ada@fabrikam.example", {"disable_sign_in": True}, notify=["email"])
    lab.go()

    (mail,) = lab.simulator.state(seed.FABRIKAM)["sent_mail"]
    assert mail["message"]["body"]["contentType"] == "Text"
    assert "Block sign-in: Done" in mail["message"]["body"]["content"]


def test_mail_without_a_sender_says_what_to_set(office: Any) -> None:
    office.settings(email=[{"id": "noc", "to": ["noc@msp.example"]}])

    assert "MAIL_SENDER" in office.only(office.end(notify=("email",))).message


def test_mail_that_a_policy_forbids_says_what_mail_needs(lab: Any) -> None:
    lab.settings(email=[{"id": "noc", "to": ["noc@msp.example"]}])
    text = "Access to OData is disabled: [RAOP] : Blocked by tenant configured AppOnly AccessPolicy settings."
    refusal = {"error": {"code": "ErrorAccessDenied", "message": text}}
    lab.simulator.faults([{"service": "graph", "match": "sendMail", "kind": "status", "status": 403, "body": refusal}])

    offboarding = lab.submit("ada@fabrikam.example", {"disable_sign_in": True}, notify=["email"])
    lab.go()
    lab.simulator.faults([])

    delivery = lab.only(offboarding)
    assert delivery.state == "dead"
    assert "AppOnly AccessPolicy" in delivery.message
    assert "application access policy" in delivery.message
    assert "Privileged" not in delivery.message


def test_mail_that_graph_throttles_is_tried_again(lab: Any) -> None:
    lab.settings(email=[{"id": "noc", "to": ["noc@msp.example"]}])
    rule = {"service": "graph", "match": "sendMail", "kind": "throttle", "retry_after": 120, "count": 9}
    lab.simulator.faults([rule])

    offboarding = lab.submit("ada@fabrikam.example", {"disable_sign_in": True}, notify=["email"])
    lab.go()
    assert lab.only(offboarding).state == "pending"
    lab.simulator.faults([])
    lab.tick()
    assert lab.only(offboarding).state == "pending"
    lab.tick()

    assert lab.only(offboarding).state == "delivered"


def test_a_run_ends_tells_and_stays_ended_whatever_the_receivers_do(lab: Any) -> None:
    lab.settings(webhook=[lab.standard()], psa=[lab.halo()])
    lab.sinks.faults({"match": "/halo", "kind": "reset"})

    offboarding = lab.submit("ada@fabrikam.example", {"disable_sign_in": True}, notify=["webhook", "psa"])
    lab.go()

    status = lab.hub.status(f"{offboarding.id}-1")
    assert status["runtimeStatus"] == "Completed"
    assert status["output"] == {"state": "Completed", "reason": None}
    states = {one.destination: one.state for one in lab.get(offboarding.id).deliveries}
    assert states == {"standard": "delivered", "halo": "pending"}


def test_a_run_killed_after_its_delivery_repeats_nothing_but_that_message(lab: Any) -> None:
    lab.settings(webhook=[lab.standard()])
    offboarding = lab.submit("ada@fabrikam.example", {"disable_sign_in": True}, notify=["webhook"])

    while True:
        work = next(iter(lab.hub.ready()), None)
        if work is None:
            assert lab.hub.advance()
        elif work.name == "deliver":
            break
        else:
            lab.hub.execute(work)
    lab.jobs.dies_on = '\\"delivered\\"'
    with pytest.raises(KeyboardInterrupt):
        lab.hub.execute(work, record=False)
    lab.hub.crash()
    lab.go()

    assert [one["id"] for one in lab.sinks.arrived()] == [f"{offboarding.id}-1-webhook-standard"] * 2
    assert lab.only(offboarding).state == "delivered"
    lab.tick()
    assert len(lab.sinks.arrived()) == 2


def test_a_test_message_says_that_it_is_one(office: Any) -> None:
    office.settings(webhook=[office.standard()], psa=[office.halo()])
    preferences = _preferences(office)

    results = {one.destination: one for one in preferences.test()}

    assert results["standard"].delivered
    assert results["halo"].delivered
    (arrived,) = office.sinks.arrived()
    assert arrived["body"]["type"] == "offboarding.test"
    office.sinks.faults({"match": "/standard", "kind": "status", "status": 500})
    (failed,) = preferences.test("standard")
    assert (failed.delivered, failed.message) == (False, "The receiver answered 500: Not now.")


def _preferences(office: Any) -> Preferences:
    return Preferences(office.app)


class _Echo(BaseHTTPRequestHandler):
    """A receiver that repeats what it was sent."""

    answer: ClassVar[Callable[[_Echo], tuple[int, str]]]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        status, said = type(self).answer(self)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(said.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def echo() -> Iterator[Callable[[Callable[[_Echo], tuple[int, str]]], str]]:
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Echo", (_Echo,), {})) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def answering(answer: Callable[[_Echo], tuple[int, str]]) -> str:
            server.RequestHandlerClass.answer = staticmethod(answer)  # type: ignore[attr-defined]
            return f"http://127.0.0.1:{server.server_port}"

        yield answering
        server.shutdown()


_SECRET = "kq7Zx-canaryOfEcho/+9"
_AUTHS = [
    {"kind": "bearer", "token": _SECRET},
    {"kind": "basic", "username": "u", "password": _SECRET},
    {"kind": "api_key", "header": "X-Key", "value": _SECRET},
    {"kind": "headers", "headers": {"X-One": _SECRET, "X-Two": "y"}},
]


@pytest.mark.parametrize("auth", _AUTHS, ids=lambda auth: str(auth["kind"]))
@pytest.mark.parametrize(
    "say",
    [
        lambda text: f"No: {text}",
        lambda text: f"No: {text[: len(text) // 2]}",
        lambda text: json.dumps({"message": f"unknown {text}"}),
        lambda text: f"No: {quote(text, safe='')} {html.escape(text)} {text.upper()}",
        lambda text: f"No: {b64encode(text.encode()).decode()} {b64encode(b'x' + text.encode()).decode()}",
    ],
)
def test_what_a_receiver_repeats_of_a_secret_is_kept_nowhere(
    office: Any, echo: Any, caplog: pytest.LogCaptureFixture, auth: dict[str, Any], say: Callable[[str], str]
) -> None:
    def answer(asked: _Echo) -> tuple[int, str]:
        sent = [asked.headers.get(name, "") for name in ("Authorization", "X-Key", "X-One")]
        return 400, say(" ".join([_SECRET, asked.path, *sent]))

    url = echo(answer) + "/hook/pathOfCanary12?code=codeOfCanary34"
    office.settings(webhook=[{"id": "hook", "format": "portal", "url": url, "auth": auth}])

    ended = office.end()

    (tried,) = Preferences(office.app).test()
    kept = json.dumps([office.only(ended).to_json(), tried.message]) + caplog.text
    kept += json.dumps([row for _, _, row in office.jobs.everything() if not row["key"].startswith("notifications")])
    basic = b64encode(b"u:" + _SECRET.encode()).decode()
    for secret in (_SECRET, _SECRET[:8], "pathOfCanary", "codeOfCanary", basic):
        assert secret.casefold() not in kept.casefold()
    assert "answered 400" in office.only(ended).message


def test_one_receiver_that_is_not_understood_costs_the_others_nothing(
    office: Any, echo: Any, caplog: pytest.LogCaptureFixture
) -> None:
    origin = echo(lambda _: (200, "{}"))
    bad = {"kind": "bearer", "token": "canary-\u20ac"}
    office.settings(webhook=[office.standard(id="euro", auth=bad), office.standard()], psa=[office.halo(url=origin)])

    tried = {one.destination: (one.delivered, one.message) for one in Preferences(office.app).test()}

    assert tried["standard"][0] is True
    assert tried["halo"] == (False, "The answer was not understood.")
    assert tried["euro"][0] is False
    assert "header's value" in tried["euro"][1]
    assert "canary-" not in caplog.text
