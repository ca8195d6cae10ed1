"""Delete everything the person can prove their identity with, besides the password."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from shared.actions.catalogue import Action, Area, graph_permission, register, results_of
from shared.actions.outcome import Finding, ItemWords, Outcome, finding_of_state
from shared.actions.reads.account import USER
from shared.actions.reads.snapshot import Person, Read
from shared.microsoft365.graph import graph_calls
from shared.microsoft365.graph.graph_calls import AUTH_METHODS, PASSWORD_METHOD
from shared.microsoft365.http.errors import Category, MicrosoftError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.actions.catalogue import Results, Task, View
    from shared.actions.reads.snapshot import Snapshot

_KINDS: Final = MappingProxyType(
    {
        "phone": "Phone",
        "microsoftAuthenticator": "Microsoft Authenticator",
        "softwareOath": "Authenticator app",
        "fido2": "Passkey or security key",
        "windowsHelloForBusiness": "Windows Hello for Business",
        "platformCredential": "Platform credential",
        "temporaryAccessPass": "Temporary Access Pass",
        "email": "E-mail address",
        "external": "External method",
        "hardwareOath": "Hardware token",
        "qrCodePin": "QR code and PIN",
    }
)
_DEFAULTS: Final = ("phone", "softwareOath", "microsoftAuthenticator")
"""Kinds that can be the default method, which goes only after all others: asked for last, the likeliest at the end."""

_KEPT: Final = ("@odata.type", "id", "displayName", "model", "phoneType", "createdDateTime")
_TOKEN_TYPE: Final = "#microsoft.graph.hardwareOathAuthenticationMethod"  # noqa: S105 - a type's name
_CODE_TYPE: Final = "#microsoft.graph.qrCodePinAuthenticationMethod"
_ALTERNATE_PHONE: Final = "alternateMobile"
_MOBILE_PHONE: Final = "mobile"


@dataclass(frozen=True)
class _Method:
    """A sign-in method; `kind` is its type without the decoration that all types share."""

    id: str
    type: str
    phone: str
    detail: str

    @property
    def kind(self) -> str:
        return self.type.removeprefix("#microsoft.graph.").removesuffix("AuthenticationMethod")

    @property
    def name(self) -> str:
        """What the person who reads the outcome knows it by."""
        kind = _KINDS.get(self.kind, self.kind)
        return f"{kind} ({self.detail})" if self.detail else kind


def _masked(value: object) -> str:
    """Return no more of a phone number or e-mail address than tells it from the person's others."""
    text = value if isinstance(value, str) else ""
    name, at, domain = text.rpartition("@")
    return f"{name[:1]}***@{domain}" if at else f"***{text[-2:]}" if text else ""


def _keep(page: Any, _: Person) -> list[dict[str, Any]]:  # noqa: ANN401 - Microsoft's JSON
    return [_kept(row) for row in page["value"] if row["@odata.type"] != PASSWORD_METHOD]


def _kept(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in _KEPT if row.get(name)} | {
        name: _masked(row[name]) for name in ("phoneNumber", "emailAddress") if row.get(name)
    }


def _keep_tokens(page: Any, _: Person) -> list[dict[str, Any]]:  # noqa: ANN401 - Microsoft's JSON
    return [{**_kept(row), "@odata.type": _TOKEN_TYPE} for row in page["value"]]


def _keep_code(code: Any, _: Person) -> list[dict[str, Any]]:  # noqa: ANN401 - Microsoft's JSON
    return [{**_kept(code), "@odata.type": _CODE_TYPE}]


def _parse(raw: Any) -> tuple[_Method, ...]:  # noqa: ANN401 - Microsoft's JSON
    return tuple(
        _Method(
            id=row.get("id") or row["@odata.type"],  # the one of which there is one only may come without
            type=row["@odata.type"],
            phone=row.get("phoneType", ""),
            detail=" ".join(
                row[name]
                for name in ("phoneType", "phoneNumber", "emailAddress", "displayName", "model")
                if row.get(name)
            ),
        )
        for row in raw or ()
    )


SIGN_IN_METHODS = Read(
    "sign_in_methods",
    "The sign-in methods",
    "graph",
    lambda person: graph_calls.get_auth_methods(person.id),
    _parse,
    _keep,
)

HARDWARE_TOKENS = Read(
    "hardware_tokens",
    "The hardware tokens",
    "graph",
    lambda person: graph_calls.get_hardware_tokens(person.id),
    _parse,
    _keep_tokens,
)
QR_CODE = Read("qr_code", "The QR code", "graph", lambda person: graph_calls.get_qr_code(person.id), _parse, _keep_code)
_EVERYWHERE: Final = (SIGN_IN_METHODS, HARDWARE_TOKENS, QR_CODE)


@register
class RemoveMfaMethods(Action):
    """Delete each method at the address of its type; a type that is not known is reported, never guessed.

    The default method can be deleted only after all others, and v1.0 does not tell which it is: what is refused for
    that reason is asked for again once the others are gone. The alternate phone goes before the mobile one (Learn:
    "Delete phoneAuthenticationMethod"). Hardware tokens and QR codes exist in beta only, and v1.0 does not list them
    (Learn: "authenticationMethod resource type"). Comes after the block and the new password, or the account would be
    open with a password alone for a while.
    """

    name = "remove_mfa_methods"
    title = "Remove sign-in methods"
    description = "Deletes phones, authenticator apps, passkeys and all other methods of multifactor authentication."
    portal_key = "RemoveMFADevices"
    words = ItemWords("sign-in method", "sign-in methods", "removed")
    area = Area("Sign-in methods", "It can still be used to sign in or to set a new password.")
    reads = (USER, *_EVERYWHERE)
    proof = (SIGN_IN_METHODS,)
    permissions = (graph_permission("UserAuthenticationMethod.ReadWrite.All"),)
    after = ("disable_sign_in", "reset_password")
    destructive = True
    removes = True
    changes_account = True
    undo = "Cannot be undone: the person registers anew. snapshot.sign_in_methods lists what there was, masked."

    def judge(self, view: View) -> Sequence[Finding]:
        """Find out which methods are left."""
        if view.now.get(USER) is None:
            return [Finding(Outcome.not_applicable, "The account no longer exists.")]
        now, was = _methods(view.now), _methods(view.first)
        findings = [
            _judge(method, is_there=method.id in now, was_there=method.id in was) for method in (was | now).values()
        ]
        findings += [_not_listed(read, view.now) for read in (HARDWARE_TOKENS, QR_CODE) if read.name in view.now.errors]
        return findings or [Finding(Outcome.already_done, "There was no sign-in method besides the password.")]

    def apply(self, task: Task) -> Results:
        """Delete the open methods; again what was refused as the default one, as long as others go."""
        wanted = {finding.item for finding in task.open}
        doomed = [method for method in _methods(task.view.now).values() if method.id in wanted]
        later = _behind_the_alternate_phone(doomed)
        batch = sorted((m for m in doomed if m not in later), key=_rank)
        results: Results = {}
        while batch:
            said = _delete(batch, task)
            results |= said
            refused = [method for method in batch if _is_default(said[method.id])]
            unanswered = next((error for error in said.values() if error and error.retryable), None)
            if unanswered:
                return results | {method.id: unanswered for method in (*later, *refused)}
            if not later and len(refused) == len(batch):
                break
            batch, later = [*later, *refused], []
        return results

    def proof_for(self, view: View) -> tuple[Read[Any], ...]:
        """Look again at what only beta knows where there was something."""
        return (SIGN_IN_METHODS, *(read for read in (HARDWARE_TOKENS, QR_CODE) if view.now.values.get(read.name)))

    def settle_error(self, finding: Finding, error: MicrosoftError) -> Finding | None:
        """Say what keeps the default method."""
        del finding
        if error.category is not Category.default_method:
            return None
        text = "It is the default method, which goes only after all others: remove those first, then try again."
        return Finding(Outcome.failed, text)


def _methods(snapshot: Snapshot) -> dict[str, _Method]:
    """Return every method, by id; those of a kind that could not be listed are not known."""
    listed = [read for read in _EVERYWHERE if read is SIGN_IN_METHODS or read.name in snapshot.values]
    return {method.id: method for read in listed for method in snapshot.get(read)}


def _not_listed(read: Read[Any], now: Snapshot) -> Finding:
    text = f"Could not be listed, so it is not known whether there are any: {now.errors[read.name]}"
    return Finding(Outcome.needs_attention, text, read.name, read.title, is_unread=True)


def _rank(method: _Method) -> int:
    return _DEFAULTS.index(method.kind) + 1 if method.kind in _DEFAULTS else 0


def _behind_the_alternate_phone(methods: Sequence[_Method]) -> list[_Method]:
    has_alternate = any(method.phone == _ALTERNATE_PHONE for method in methods)
    return [method for method in methods if has_alternate and method.phone == _MOBILE_PHONE]


def _delete(methods: Sequence[_Method], task: Task) -> Results:
    calls = {each.id: graph_calls.delete_auth_method(task.person.id, each.type, each.id) for each in methods}
    return results_of(task.clients.graph.batch, calls)


def _is_default(error: MicrosoftError | None) -> bool:
    return error is not None and error.category is Category.default_method


def _judge(method: _Method, *, is_there: bool, was_there: bool) -> Finding:
    if is_there and method.type not in AUTH_METHODS:
        text = f"Methods of the type {method.type} are not known here: remove it in the Entra admin center."
        return Finding(Outcome.needs_attention, text, method.id, method.name)
    return finding_of_state(
        before=not was_there,
        now=not is_there,
        done="Deleted.",
        already="It was gone already.",
        item=method.id,
        name=method.name,
    )
