"""What every field means, with an example: said once for each name, and again where a name means something else.

The description of the API is made from models and schemas that programs check by; this is what people read besides.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, cast

Json = Any


class Words(NamedTuple):
    """What a field means; `example` is None where the schema already says all that it can be."""

    meaning: str
    example: Json = None


_ID: Final = "e5de28798c839ec1e0e725f24389293"
_TENANT: Final = "dfe0882d-d975-57c5-87c3-b557fe13f549"
_PERSON: Final = "ea3a0de5-f4ba-5e4e-bb0c-fa36d8082371"
_MOMENT: Final = "2026-11-30T16:00:00Z"
_SECRET: Final = "a secret; never shown again"  # noqa: S105 - an example

TAGS: Final = {
    "Offboardings": "Plan, submit, follow, move, cancel and retry offboardings.",
    "Restorations": "Bring back what an offboarding changed.",
    "Directory": "The actions there are, the tenants this app may work in, and their people.",
    "Defaults": "What is selected beforehand.",
    "Notifications": "Where messages go, a test of that, and sending again.",
    "Service": "The app itself.",
}

FIELDS: Final[dict[str, Words]] = {
    # Requests
    "tenant": Words("The tenant."),
    "TenantCheck.tenant": Words("The tenant's id.", _TENANT),
    "OffboardingRequest.tenant": Words("The tenant's id, or one of its domains.", "fabrikam.example"),
    "users": Words("The people."),
    "OffboardingRequest.users": Words("Who leaves: object ids or user principal names.", ["ada@fabrikam.example"]),
    "actions": Words("The actions."),
    "OffboardingRequest.actions": Words("What to do: `true`, or an object for an action with parameters."),
    "Defaults.actions": Words("What is selected beforehand."),
    "scheduled_for": Words(
        "When it is to begin; at once where it is missing or null. A past time is refused.", "2040-12-01T17:00:00+01:00"
    ),
    "notify": Words("The channels that are told when it has ended.", ["webhook"]),
    "reference": Words("Your own note or number, by which offboardings are found.", "Leaver 4711"),
    "about": Words(
        "The action that gave what ends soon; empty where the message tells the end of a run.", "grant_mailbox_access"
    ),
    "Delivery.reference": Words("What the receiver calls the message: the number of the ticket.", "1001"),
    "ticket": Words("The number of a ticket in the PSA system that gets the result as a note.", "1001"),
    "force": Words("Whether to go on where a step would stop to protect something, such as mail without a license."),
    "to": Words("Who: object id, user principal name or address."),
    "Email.to": Words("The addresses.", ["desk@msp.example"]),
    "keep_copy": Words("Whether a copy stays in the mailbox."),
    "internal": Words("The message for colleagues: text or simple HTML.", "I have left. Please write to Cy Brandt."),
    "external": Words("The message for others; the same where it is missing."),
    "audience": Words("What a token is for: a service of Microsoft.", "https://graph.microsoft.com"),
    "activities__set_out_of_office__Params.audience": Words("Who outside is answered."),
    "steps": Words("The steps, in the order of the plan."),
    "_Restore.steps": Words("Which steps to take back; all that can be where it is missing.", ["disable_sign_in"]),
    "overwrite": Words("Whether to replace what somebody has changed since."),
    "action": Words("The action.", "grant_mailbox_access"),
    "_Bulk.action": Words("What to do with each.", "cancel"),
    "until": Words(
        "When what it gives ends by itself; it stays where this is missing or null.", "2027-06-30T18:00:00+02:00"
    ),
    "access_ends_after_days": Words(
        "Of a tenant alone: after how many days what the portal's wizard gives to others ends; null: it stays.", 90
    ),
    "also": Words(
        "Of a tenant alone: what is done besides what the portal's wizard sends, for actions that it cannot show.",
        {"remove_directory_roles": True},
    ),
    "access": Words("What it has given to others, and when that ends."),
    "offboarding": Words("The id of the offboarding that gave it.", _ID),
    "access_check": Words("What the last look for access that is left found; null where nobody looks."),
    "answer": Words("Whether the person is out: nothing is open, and nothing could not be looked at."),
    "open": Words("How many things are open.", 1),
    "unknown": Words("How many things could not be looked at.", 0),
    "areas": Words("Where it was looked."),
    "area": Words("Where.", "Administrator roles"),
    "verdict": Words("How it is there; left is meant to be, or cannot be changed in the cloud."),
    "note": Words("What holds for all of it.", "The person has no administrator role."),
    "findings": Words("What was found there."),
    "more": Words("How many more were found.", 0),
    "next_at": Words("When it is looked at again."),
    "AccessPage.items": Words("What was given, by tenant, what ends first before what stays."),
    "MovedAccess.items": Words("What the offboarding has given to others, and when that ends."),
    "AccessPage.to": Words("To whom.", ["Cy Brandt (cy@fabrikam.example)"]),
    "ids": Words("The ids of offboardings.", [_ID]),
    # People, tenants, actions
    "id": Words("Its id.", _ID),
    "Email.id": Words("A name of your own for this destination.", "desk"),
    "Webhook.id": Words("A name of your own for this destination.", "hook"),
    "HaloPsa.id": Words("A name of your own for this destination.", "halo"),
    "ConnectWise.id": Words("A name of your own for this destination.", "connectwise"),
    "Autotask.id": Words("A name of your own for this destination.", "autotask"),
    "Tenants.id": Words("The tenant's id.", _TENANT),
    "UserPage.id": Words("The object id.", _PERSON),
    "upn": Words("The user principal name.", "ada@fabrikam.example"),
    "display_name": Words("The name.", "Ada Castell"),
    "mail": Words("The mail address.", "ada@fabrikam.example"),
    "job_title": Words("The job title.", "Engineer"),
    "department": Words("The department.", "Engineering"),
    "badges": Words("What to know of the person before choosing, in words."),
    "user": Words("Who leaves."),
    "domain": Words("The default domain.", "fabrikam.example"),
    "initial_domain": Words("The domain that the tenant began with.", "fabrikam.onmicrosoft.example"),
    "domains": Words("All domains.", ["fabrikam.example"]),
    "relationship": Words("The delegated administration by which a partner reaches the tenant; null without one."),
    "expires_at": Words("When it ends.", "2027-06-30T00:00:00Z"),
    "extends": Words("Whether it renews itself."),
    "read_at": Words("When Microsoft was asked.", _MOMENT),
    "age_seconds": Words("How long ago that was.", 12),
    "name": Words("Its name.", "disable_sign_in"),
    "Tenants.name": Words("The organization's name.", "Fabrikam"),
    "Status.name": Words("The name of the orchestration.", "offboard_user"),
    "title": Words("Its title for people.", "Block sign-in"),
    "Problem.title": Words("What kind of refusal it is.", "Not found."),
    "description": Words("What it does.", "Blocks the account, so that nobody can sign in with it."),
    "parameters": Words("The JSON schema of its parameters; null for an action that is only `true`."),
    "portal_key": Words("What the portal's form calls it.", "DisableSignIn"),
    "after": Words("The steps that come first.", ["reset_password"]),
    "after (text)": Words("What it was afterwards.", "false"),
    "requires": Words("The steps without whose success it does not begin.", ["convert_to_shared"]),
    "excludes": Words("The actions that contradict it.", ["disable_forwarding"]),
    "lane": Words("Steps of one lane follow one another: they change the same thing.", "mailbox"),
    "destructive": Words("Whether it cannot be taken back."),
    "undo": Words("How it is taken back.", "Allow sign-in again."),
    "permissions": Words("The permissions that it needs."),
    "missing": Words("The permissions that the tenant has not granted."),
    "api": Words("The API that the permission belongs to.", "Microsoft Graph"),
    "allowed": Words("Whether you may have it done."),
    "problem": Words("What is in the way; empty where nothing is."),
    "checked_at": Words("When it was looked at.", _MOMENT),
    "ready": Words("Whether it works."),
    "audiences": Words("Whether each of Microsoft's services gives this app a token."),
    "ok": Words("Whether it does."),
    "why": Words("Why not; empty where it works."),
    "do": Words("What an administrator has to do; empty where nothing is."),
    # Offboardings
    "offboardings": Words("One for each person, in the order of the request."),
    "statusQueryGetUri": Words("Where to poll: 202 until it has ended, then 200."),
    "warnings": Words("What you should know, in words."),
    "found": Words("What each person has, in numbers: groups by kind, licenses by how they have them."),
    "refusals": Words("Why a submit would be refused, in words."),
    "items": Words("The items."),
    "OffboardingPage.items": Words("The offboardings of this page, the newest first."),
    "next": Words("Given as `next`, it fetches the following page; null on the last."),
    "kind": Words("Whether it is an offboarding or takes one back."),
    "Bearer.kind": Words("A bearer token."),
    "Basic.kind": Words("A user name and a password."),
    "ApiKey.kind": Words("A key in a header."),
    "Headers.kind": Words("Headers of your own."),
    "restores": Words("The offboarding that it takes back; null for an offboarding."),
    "state": Words("Where it is."),
    "waiting": Words("Whether it waits until others of its tenant have ended."),
    "place_in_queue": Words("Its place among those of its tenant that wait; 1 begins when the next run ends."),
    "reason": Words("Why it failed; null where it did not."),
    "started_at": Words("When it began; null before.", _MOMENT),
    "written_at": Words("When Microsoft last accepted a change of it; null where nothing was changed.", _MOMENT),
    "ended_at": Words("When it ended; null before.", _MOMENT),
    "requested_at": Words("When it was asked for.", _MOMENT),
    "requested_by": Words("Who asked for it.", "op@msp.example"),
    "planned_for": Words("When it was planned for, where somebody ran it before that; else null.", _MOMENT),
    "run": Words("Which run: 1 for the first, one more for each retry.", 1),
    "message": Words("What there is to say, for people.", "Sign-in is blocked."),
    "events": Words("What was decided about it, by whom."),
    "at": Words("When.", _MOMENT),
    "by": Words("Who, or what part of this app.", "op@msp.example"),
    "what": Words("What.", "requested"),
    "origin": Words("From which network addresses it was asked for, as the proxies before us say it.", "203.0.113.7"),
    "sha256": Words(
        "The SHA-256 of the record: of its JSON in UTF-8, keys sorted, without spaces (`jq -jcS .record`).",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ),
    "made_at": Words("When the report was made.", _MOMENT),
    "version": Words("The version of the app that made it.", "0.2.0"),
    "record": Words("Everything that is known, as the page shows it. Fields may be added."),
    "before": Words("What it was before.", "true"),
    "plan": Words("The steps with their order."),
    "outcome": Words("What came of it; null while it is not known."),
    "Audit.outcome": Words("What came of it.", "done"),
    "attempts": Words("How often it was tried.", 1),
    "changes": Words("What is different now."),
    "blocked_by": Words("The steps because of which it was skipped.", ["convert_to_shared"]),
    "request_ids": Words("Microsoft's ids of the requests, for its support."),
    "notifications": Words("The messages and how far they are."),
    "snapshot": Words("What was there before anything was changed; null until it was read."),
    "values": Words("What was read, by its name."),
    "errors": Words("What could not be read, and why."),
    "entries": Words("The entries, the oldest first."),
    "step": Words("The step; empty where the entry is about the whole.", "disable_sign_in"),
    "service": Words("Which of Microsoft's services.", "graph"),
    "operation": Words("What it was asked to do.", "PATCH /users/{id}"),
    "target": Words("To what.", _PERSON),
    "client_request_id": Words("The id that this app gave the request."),
    "request_id": Words("The id that Microsoft gave the request."),
    "instanceId": Words("The id of the orchestration.", f"{_ID}-1"),
    "runtimeStatus": Words("Where it is, in Durable Functions' words."),
    "input": Words("Nothing: what was asked for is not shown here."),
    "customStatus": Words("The state of each step.", {"disable_sign_in": "ended"}),
    "output": Words("How it ended; null before."),
    "createdTime": Words("When it began.", _MOMENT),
    "lastUpdatedTime": Words("When that was written.", _MOMENT),
    "results": Words("One for each, in the order of the request."),
    "due": Words("How many were due.", 1),
    "started": Words("How many began.", 1),
    # Problems
    "type": Words("What kind of problem document it is.", "about:blank"),
    "status": Words("The HTTP status.", 202),
    "Autotask.status": Words("The status of new tickets, by its number in the pick list.", 1),
    "code": Words("A stable word for programs.", "invalid_request"),
    "detail": Words("All that is wrong, in one text.", "This field is missing."),
    "problems": Words("Each thing that is wrong."),
    "field": Words("Where it is; empty for the whole request.", "actions.forward_email.to"),
    "correlation_id": Words("Leads to the log and the trace of the request.", "4bf92f3577b34da6a3ce929d0e0e4736"),
    # Defaults and destinations
    "source": Words("Whose defaults these are."),
    "webhook": Words("The webhooks; null inherits, an empty list sends nothing."),
    "email": Words("Who gets mail; null inherits, an empty list sends nothing."),
    "psa": Words("The PSA systems; null inherits, an empty list sends nothing."),
    "destination": Words("The destination's id.", "hook"),
    "channel": Words("The channel.", "webhook"),
    "created_at": Words("When it was made.", _MOMENT),
    "next_attempt_at": Words("When it is tried again; null where it is not.", _MOMENT),
    "delivered": Words("Whether it was taken."),
    "send": Words("Which results are sent here."),
    "enabled": Words("Whether anything is sent here."),
    "format": Words("The form of the message."),
    "url": Words("The address.", "https://hooks.example/offboarding"),
    "HaloPsa.url": Words("The origin.", "https://example.halopsa.com"),
    "ConnectWise.url": Words("The site.", "https://api-eu.myconnectwise.net"),
    "Autotask.url": Words("Where Autotask tells an account's zone.", "https://webservices.autotask.net"),
    "signing": Words("The secret that signs messages (Standard Webhooks); two while one replaces the other."),
    "auth": Words("How the receiver knows this app; null where it need not."),
    "header": Words("The header's name.", "X-Api-Key"),
    "value": Words("The key.", _SECRET),
    "token": Words("The token.", _SECRET),
    "headers": Words("Values by the header's name; all are secrets.", {"X-Key": _SECRET}),
    "username": Words("The user name.", "api@example.com"),
    "password": Words("The password.", _SECRET),
    "secret": Words("The API user's secret.", _SECRET),
    "setting": Words("The app setting that holds the secret.", "NOTIFICATION_SECRET_HOOK"),
    "SettingChanges.setting": Words("Which setting.", "notifications"),
    "SettingChanges.tenant": Words("The id of the tenant it counts for; null beyond one tenant.", _TENANT),
    "system": Words("Which PSA system."),
    "clients": Words("By the tenant's id, its client in the PSA system.", {_TENANT: "12"}),
    "client_id": Words("The id of the API application.", "2c1b8f4e"),
    "client_secret": Words("Its secret.", _SECRET),
    "hosted_tenant": Words("The tenant's name, on shared hosting only."),
    "ticket_type": Words("The type of new tickets; HaloPSA's default where it is missing.", 1),
    "note_outcome": Words("The outcome of a note; 7 is a private note as HaloPSA is delivered.", 7),
    "company": Words("The company's id at sign-in.", "example"),
    "public_key": Words("The API member's public key.", "pU8kKq1b"),
    "private_key": Words("Its private key.", _SECRET),
    "app_id": Words("The clientId that the vendor gave for this integration.", "0f0c3b1a-52f0-4d0e-9a52-9b1c3e6f2d11"),
    "board": Words("The service board of new tickets.", "Help Desk"),
    "integration_code": Words("The code of the integration.", _SECRET),
    "queue": Words("The queue of new tickets, by its number in the pick list.", 5),
    "priority": Words("Their priority, by its number in the pick list.", 2),
    "note_type": Words("The type of notes, by its number in the pick list.", 1),
    "publish": Words("Who sees notes, by its number in the pick list.", 1),
    "due_in_hours": Words("When new tickets are due.", 24),
}
"""By the name of a field, or by that of a schema and a field; `after (text)` is no list of steps."""

BODIES: Final[dict[str, Json]] = {
    "OffboardingRequest": {
        "tenant": "fabrikam.example",
        "users": ["ada@fabrikam.example"],
        "actions": {"disable_sign_in": True, "forward_email": {"to": "cy@fabrikam.example", "keep_copy": True}},
        "scheduled_for": "2040-12-01T17:00:00+01:00",
        "notify": ["webhook"],
        "reference": "Leaver 4711",
    },
    "Defaults": {"actions": {"disable_sign_in": True, "revoke_sessions": True}, "notify": ["webhook"]},
    "Schedule": {"scheduled_for": "2040-12-01T17:00:00+01:00"},
    "Until": {"until": "2027-06-30T18:00:00+02:00"},
    "Restore": {"steps": ["disable_sign_in"]},
    "Bulk": {"action": "cancel", "ids": [_ID]},
    "NotificationSettings": {
        "webhook": [{"id": "teams", "format": "teams", "url": "https://hooks.example/offboarding"}],
        "email": [{"id": "desk", "to": ["desk@msp.example"], "send": "failures_and_warnings"}],
    },
}


def tag_of(path: str) -> str:
    """Return the tag of a path such as "tenants/{tenant}/defaults"."""
    parts = path.split("/")
    for part, tag in (
        ("notifications", "Notifications"),
        ("defaults", "Defaults"),
        ("restore", "Restorations"),
        ("offboardings", "Offboardings"),
    ):
        if part in parts:
            return tag
    return "Directory" if parts[0] in {"actions", "tenants"} else "Service"


def explain(component: str, schema: Json) -> Json:
    """Return a schema in which every field says what it means, and shows an example where it can be many things."""
    if isinstance(schema, list):
        return [explain(component, each) for each in cast("list[Json]", schema)]
    if not isinstance(schema, dict):
        return schema
    made = {name: explain(component, each) for name, each in cast("dict[str, Json]", schema).items()}
    fields = cast("dict[str, Json] | None", made.get("properties"))
    if fields is not None:
        made["properties"] = {name: _explained(component, name, each) for name, each in fields.items()}
    return made


def _explained(component: str, name: str, schema: Json) -> Json:
    special = f"{name} (text)" if schema.get("type") == "string" else ""
    words = FIELDS.get(f"{component.removeprefix('Given.')}.{name}") or FIELDS.get(special) or FIELDS.get(name)
    if words is None:
        return schema
    example = {} if words.example is None else {"examples": [words.example]}
    return {**schema, "description": schema.get("description", words.meaning), **example}
