"""All clients together against the simulated tenant, which refuses what is not known to be right."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, pkcs12
from cryptography.x509.oid import NameOID

from dev.tenant import seed
from dev.tenant.process import Simulator
from shared.microsoft365.cloud import Endpoints, Microsoft365, TenantClients
from shared.microsoft365.exchange import exchange_cmdlets as cmdlets
from shared.microsoft365.graph import graph_calls as calls
from shared.microsoft365.http.errors import Category, MicrosoftError
from shared.microsoft365.tokens import Credential

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Sleeps

    from shared.microsoft365.http.transport import Transport

ADA, BO, ADMIN = seed.ADA, seed.BO, seed.ADMIN
UPN = "ada@fabrikam.example"
SECRET = Credential(seed.CLIENT_ID, secret=seed.CLIENT_SECRET)


def certificate() -> tuple[str, str]:
    """Make a certificate for the app: as PEM to register, and as PFX in base64 to sign in with."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "offboarding")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, SHA256())
    )
    pfx = pkcs12.serialize_key_and_certificates(b"app", key, made, None, NoEncryption())
    return made.public_bytes(Encoding.PEM).decode(), base64.b64encode(pfx).decode()


@pytest.fixture(scope="module")
def process() -> Iterator[Simulator]:
    simulator = Simulator.start()
    yield simulator
    simulator.stop()


@pytest.fixture(scope="module")
def signed(process: Simulator) -> Credential:
    pem, pfx = certificate()
    process.app(certificate=pem)
    return Credential(seed.CLIENT_ID, pfx)


@pytest.fixture
def simulator(process: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", process.ca)
    process.reset()
    yield process
    refused = [
        (request["method"], request["url"], request["body"])
        for request in process.requests()
        if request["refused"] or any(item["refused"] for item in request["items"])
    ]
    assert refused == [], "the clients sent what Microsoft 365 does not know"


@pytest.fixture
def microsoft(simulator: Simulator, transport: Transport) -> Callable[[Credential], Microsoft365]:
    endpoints = Endpoints(simulator.graph, simulator.exchange, simulator.login, simulator.sharepoint)
    return lambda credential: Microsoft365(endpoints, credential, transport)


@pytest.fixture
def tenant(microsoft: Callable[[Credential], Microsoft365], signed: Credential) -> TenantClients:
    return microsoft(signed).tenant(seed.FABRIKAM)


def category(act: Callable[[], object]) -> Category:
    with pytest.raises(MicrosoftError) as caught:
        act()
    assert "canary" not in caught.value.message
    return caught.value.category


class TestSignIn:
    def test_with_a_secret(self, microsoft: Callable[[Credential], Microsoft365]) -> None:
        cloud = microsoft(SECRET)
        tenant = cloud.tenant(seed.FABRIKAM)

        assert tenant.graph.send(calls.get_user(ADA))["userPrincipalName"] == UPN
        assert tenant.exchange.invoke(cmdlets.get_mailbox(ADA))[0]["RecipientTypeDetails"] == "UserMailbox"
        # SharePoint tells the two apart.
        site = tenant.graph.send(calls.get_drive(ADA))["sharePointIds"]["siteUrl"]
        assert category(lambda: tenant.sharepoint.ensure_user(site, UPN)) is Category.auth_token

    def test_with_a_certificate(self, tenant: TenantClients) -> None:
        site = tenant.graph.send(calls.get_drive(ADA))["sharePointIds"]["siteUrl"]

        assert tenant.sharepoint.ensure_user(site, UPN)["IsSiteAdmin"]

    def test_with_a_wrong_secret(self, microsoft: Callable[[Credential], Microsoft365]) -> None:
        tenant = microsoft(Credential(seed.CLIENT_ID, secret="canary")).tenant(seed.FABRIKAM)

        assert category(lambda: tenant.graph.send(calls.get_user(ADA))) is Category.auth_token

    def test_without_and_then_with_consent(
        self, microsoft: Callable[[Credential], Microsoft365], simulator: Simulator
    ) -> None:
        tenant = microsoft(SECRET).tenant(seed.FABRIKAM)
        simulator.arrange(seed.FABRIKAM, "consent", present=False)
        assert category(lambda: tenant.graph.send(calls.get_user(ADA))) is Category.auth_permission

        simulator.arrange(seed.FABRIKAM, "consent", present=True)
        assert tenant.graph.send(calls.get_user(ADA))["id"] == ADA

    def test_a_token_that_has_expired_is_renewed(
        self, microsoft: Callable[[Credential], Microsoft365], simulator: Simulator
    ) -> None:
        tenant = microsoft(SECRET).tenant(seed.FABRIKAM)
        tenant.graph.send(calls.get_user(ADA))
        expired = {"error": {"code": "InvalidAuthenticationToken", "message": "Lifetime validation failed."}}
        simulator.faults([{"kind": "status", "service": "graph", "status": 401, "body": expired, "count": 1}])

        assert tenant.graph.send(calls.get_user(ADA))["id"] == ADA
        assert [entry.status for entry in tenant.log] == [200, 401, 200]

    def test_finds_tenants(self, microsoft: Callable[[Credential], Microsoft365]) -> None:
        cloud = microsoft(SECRET)

        assert cloud.find_tenant_id("fabrikam.example") == seed.FABRIKAM
        assert cloud.find_tenant_id("nowhere.example") is None
        assert category(lambda: cloud.tenant(ADA).graph.send(calls.get_organization())) is Category.not_found


class TestReads:
    def test_everything_there_is_to_read_of_a_user(self, tenant: TenantClients) -> None:
        user, groups, methods, drive, numbers, owned, gone = tenant.graph.batch(
            [
                calls.get_user(ADA),
                calls.get_user_groups(ADA),
                calls.get_auth_methods(ADA),
                calls.get_drive(ADA),
                calls.get_phone_numbers(ADA),
                calls.get_owned_groups(ADA),
                calls.get_deleted_user(ADA),
            ]
        )

        assert set(calls.USER_PROPERTIES.split(",")) <= set(user)
        assert len(groups["value"]) == groups["@odata.count"] > 5
        assert {method["@odata.type"] for method in methods["value"]} <= {calls.PASSWORD_METHOD, *calls.AUTH_METHODS}
        assert drive["sharePointIds"]["siteUrl"].startswith("https://fabrikam-my.sharepoint.com/personal/")
        assert numbers["value"][0]["telephoneNumber"].startswith("+")
        assert owned["value"] == []
        assert isinstance(gone, MicrosoftError)

    def test_users_and_the_tenant(self, tenant: TenantClients) -> None:
        graph = tenant.graph

        assert graph.send(calls.get_user(UPN))["id"] == ADA
        assert graph.send(calls.find_users_by_address(UPN))["value"][0]["id"] == ADA
        assert [row["id"] for row in graph.page(calls.search_users("ada"))[0]] == [ADA]
        everyone = graph.send(calls.list_users())["value"]
        by_pages, link = graph.page(calls.list_users(50))
        while link:
            rows, link = graph.page(calls.list_users(50), link)
            by_pages += rows
        assert by_pages == everyone
        assert len(everyone) > 150
        assert ADMIN in {row["id"] for row in graph.send(calls.get_role_members(calls.GLOBAL_ADMINISTRATOR))["value"]}
        assert graph.send(calls.get_organization())["value"][0]["displayName"] == "Fabrikam"
        assert graph.send(calls.get_subscribed_skus())["value"]

    def test_the_customers_of_a_partner(self, microsoft: Callable[[Credential], Microsoft365]) -> None:
        graph = microsoft(SECRET).tenant(seed.MSP).graph

        assert graph.send(calls.list_relationships())["value"]
        assert graph.send(calls.find_tenant(seed.FABRIKAM))["displayName"] == "Fabrikam"

    def test_everything_there_is_to_read_of_a_mailbox(self, tenant: TenantClients) -> None:
        mailbox, statistics, reply, rules, devices, access, send_as, nothing, recipient = tenant.exchange.batch(
            [
                cmdlets.get_mailbox(ADA, anchor=UPN),
                cmdlets.get_mailbox_statistics(ADA),
                cmdlets.get_auto_reply(ADA),
                cmdlets.get_inbox_rules(ADA),
                cmdlets.get_mobile_devices(ADA),
                cmdlets.get_mailbox_permissions(ADA),
                cmdlets.get_recipient_permissions(UPN),
                cmdlets.get_mailbox(seed.NO_MAILBOX),
                cmdlets.get_recipient(UPN),
            ]
        )

        assert set(mailbox[0]) == set(cmdlets.MAILBOX_PROPERTIES)
        assert statistics[0]["TotalItemSize"].endswith("bytes)")
        assert reply[0]["AutoReplyState"] == "Disabled"
        assert rules
        assert devices
        assert access
        assert send_as
        assert nothing.category is Category.not_found
        assert recipient[0]["PrimarySmtpAddress"] == UPN
        for cmdlet in ("Get-Mailbox", "Get-DistributionGroup", "Get-UnifiedGroup"):
            tenant.exchange.invoke(cmdlets.find_send_on_behalf(mailbox[0]["DistinguishedName"], cmdlet))
        assert len(tenant.exchange.invoke(cmdlets.list_mailboxes())) > 150
        assert tenant.exchange.invoke(cmdlets.get_organization_config())[0]["Name"]


class TestWrites:
    def test_an_account(self, tenant: TenantClients, simulator: Simulator) -> None:
        graph = tenant.graph
        direct = [
            each["skuId"]
            for each in graph.send(calls.get_user(ADA))["licenseAssignmentStates"]
            if not each["assignedByGroup"]
        ]
        (number,) = graph.send(calls.get_phone_numbers(ADA))["value"]
        outcomes = graph.batch(
            [
                calls.disable_user(ADA),
                calls.set_password(ADA, "canary-Pa55word-0123456789"),
                calls.revoke_sessions(ADA),
                calls.assign_license(ADA, direct),
                calls.reprocess_licenses(ADA),
                calls.clear_immutable_id(ADA),
                calls.unassign_number(number["telephoneNumber"], number["numberType"]),
                calls.send_mail(BO, {"subject": "x", "toRecipients": [{"emailAddress": {"address": UPN}}]}),
            ]
        )

        assert not [outcome for outcome in outcomes if isinstance(outcome, MicrosoftError)]
        operation = graph.send(calls.get_operation(calls.operation_id(outcomes[6])))
        assert operation["status"] in {"notStarted", "running", "succeeded"}
        assert not graph.send(calls.get_user(ADA))["accountEnabled"]
        graph.send(calls.delete_user(ADA))
        assert category(lambda: graph.send(calls.get_user(ADA))) is Category.not_found
        assert graph.send(calls.get_deleted_user(ADA))["id"] == ADA
        assert "canary-Pa55word" not in repr(tenant.log)
        assert [entry.path for entry in tenant.log if entry.is_write][-1] == f"/v1.0/users/{ADA}"
        assert simulator.state(seed.FABRIKAM)["deleted_users"]

    def test_memberships_go_and_the_user_stays(self, tenant: TenantClients) -> None:
        graph = tenant.graph
        groups = graph.send(calls.get_user_groups(ADA))["value"]
        plain = next(each for each in groups if not each["mailEnabled"] and not each["assignedLicenses"])
        mailing = next(each for each in groups if each["mailEnabled"] and "Unified" not in each["groupTypes"])
        leave = calls.remove_group_member(plain["id"], ADA)

        graph.send(leave)
        assert category(lambda: graph.send(leave)) is Category.not_found
        assert category(lambda: graph.send(calls.remove_group_member(mailing["id"], ADA))) is Category.invalid
        tenant.exchange.invoke(cmdlets.remove_distribution_group_member(mailing["id"], ADA))
        again = cmdlets.remove_distribution_group_member(mailing["id"], ADA)
        assert category(lambda: tenant.exchange.invoke(again)) is Category.already_done
        assert graph.send(calls.get_user(ADA))["id"] == ADA

    def test_sign_in_methods(self, tenant: TenantClients) -> None:
        rows = tenant.graph.send(calls.get_auth_methods(ADA))["value"]
        known = [row for row in rows if row["@odata.type"] in calls.AUTH_METHODS]
        deletions = [calls.delete_auth_method(ADA, row["@odata.type"], row["id"]) for row in known]
        for _ in range(4):
            outcomes = tenant.graph.batch(deletions)

        assert {outcome.category for outcome in outcomes} == {Category.not_found}
        left = tenant.graph.send(calls.get_auth_methods(ADA))["value"]
        assert [row["@odata.type"] for row in left] == [calls.PASSWORD_METHOD]

    def test_a_mailbox(self, tenant: TenantClients) -> None:
        exchange = tenant.exchange
        (rule, *_), (device, *_) = exchange.batch([cmdlets.get_inbox_rules(ADA), cmdlets.get_mobile_devices(ADA)])
        for cmdlet in (
            cmdlets.convert_to_shared(ADA),
            cmdlets.set_forwarding(ADA, BO, external=False, keep_copy=True),
            cmdlets.set_forwarding(ADA, "a@outside.example", external=True, keep_copy=False),
            cmdlets.clear_forwarding(ADA),
            cmdlets.set_auto_reply(ADA, internal="in", external="out"),
            cmdlets.cancel_meetings(ADA),
            cmdlets.remove_inbox_rule(ADA, rule["Identity"]),
            cmdlets.remove_mobile_device(device["Identity"]),
            cmdlets.add_send_on_behalf(ADA, BO),
        ):
            exchange.invoke(cmdlet)
        for cmdlet in (
            cmdlets.hide_from_address_lists(ADA),
            cmdlets.add_mailbox_permission(ADA, BO, automap=False),
            cmdlets.remove_mailbox_permission(ADA, BO),
            cmdlets.remove_recipient_permission(ADA, BO),
            cmdlets.remove_send_on_behalf(ADA, BO),
        ):
            exchange.invoke(cmdlet)
            assert exchange.invoke(cmdlet).already_done
        exchange.invoke(cmdlets.add_recipient_permission(ADA, BO))

        assert exchange.invoke(cmdlets.get_recipient_permissions(BO, ADA))
        assert exchange.invoke(cmdlets.get_auto_reply(ADA))[0]["AutoReplyState"] == "Enabled"
        assert category(lambda: exchange.invoke(cmdlets.remove_inbox_rule(ADA, rule["Identity"]))) is Category.not_found

    def test_calendars_of_others(self, tenant: TenantClients) -> None:
        found = tenant.graph.batch([calls.list_calendar_permissions(row["id"]) for row in _people(tenant)])
        mailbox, permission = next(
            (person["id"], entry["id"])
            for person, permissions in zip(_people(tenant), found, strict=True)
            if not isinstance(permissions, MicrosoftError)
            for entry in permissions["value"]
            if entry.get("emailAddress", {}).get("address") == UPN
        )
        remove = calls.delete_calendar_permission(mailbox, permission)

        tenant.graph.send(remove)
        assert category(lambda: tenant.graph.send(remove)) is Category.not_found

    def test_a_onedrive(self, tenant: TenantClients) -> None:
        sharepoint = tenant.sharepoint
        site = tenant.graph.send(calls.get_drive(ADA))["sharePointIds"]["siteUrl"]
        bo = sharepoint.ensure_user(site, "bo@fabrikam.example")

        sharepoint.set_site_admin(site, bo["Id"])
        assert bo["Id"] in {row["Id"] for row in sharepoint.get_site_admins(site)}
        sharepoint.set_site_admin(site, bo["Id"], is_admin=False)
        assert bo["Id"] not in {row["Id"] for row in sharepoint.get_site_admins(site)}
        assert sharepoint.get_sharing(site) != 0
        sharepoint.disable_sharing(site)
        assert sharepoint.get_sharing(site) == 0
        assert category(lambda: sharepoint.ensure_user(site, "nobody@fabrikam.example")) is Category.not_licensed
        assert category(lambda: sharepoint.disable_sharing(site + "x")) is Category.not_found
        simulated = [entry for entry in tenant.log if entry.path == "/_vti_bin/client.svc/ProcessQuery"]
        assert [entry.is_write for entry in simulated] == [False, True, False, True]


class TestRefusals:
    def test_what_is_mastered_on_premises(
        self, microsoft: Callable[[Credential], Microsoft365], signed: Credential
    ) -> None:
        hybrid = microsoft(signed).tenant(seed.HYBRID)

        for act in (
            lambda: hybrid.graph.send(calls.clear_immutable_id(seed.SYNCED)),
            lambda: hybrid.exchange.invoke(cmdlets.hide_from_address_lists(seed.SYNCED)),
        ):
            assert category(act) is Category.on_prem_mastered

    def test_a_license_from_a_group(self, tenant: TenantClients) -> None:
        states = tenant.graph.send(calls.get_user(ADA))["licenseAssignmentStates"]
        inherited = next(each["skuId"] for each in states if each["assignedByGroup"])

        assert category(lambda: tenant.graph.send(calls.assign_license(ADA, [inherited]))) is Category.inherited_license

    def test_a_missing_role(self, tenant: TenantClients, simulator: Simulator) -> None:
        simulator.arrange(seed.FABRIKAM, "revoke_permission", permission="User.EnableDisableAccount.All")
        simulator.arrange(seed.FABRIKAM, "revoke_permission", permission="User.ReadWrite.All")
        simulator.arrange(seed.FABRIKAM, "revoke_entra_role", role="Exchange Administrator")

        assert category(lambda: tenant.graph.send(calls.disable_user(ADA))) is Category.auth_permission
        assert category(lambda: tenant.exchange.invoke(cmdlets.get_mailbox(ADA))) is Category.auth_role


class TestBadDays:
    def test_a_short_throttle_is_waited_for_and_a_long_one_reported(
        self, tenant: TenantClients, simulator: Simulator, sleeps: Sleeps
    ) -> None:
        simulator.faults([{"kind": "throttle", "service": "graph", "retry_after": 3, "count": 1}])
        tenant.graph.send(calls.get_user(ADA))
        assert sleeps == [3.0]

        simulator.faults([{"kind": "throttle", "service": "graph", "retry_after": 30, "count": 1}])
        with pytest.raises(MicrosoftError) as caught:
            tenant.graph.send(calls.get_user(ADA))
        assert (caught.value.retryable, caught.value.retry_after, sleeps) == ("throttled", 30.0, [3.0])

    def test_one_throttled_item_of_a_batch(self, tenant: TenantClients, simulator: Simulator, sleeps: Sleeps) -> None:
        simulator.faults([{"kind": "throttle", "match": "memberOf", "retry_after": 11}])

        user, groups = tenant.graph.batch([calls.get_user(ADA), calls.get_user_groups(ADA)])
        assert user["id"] == ADA
        assert (groups.retryable, groups.retry_after, sleeps) == ("throttled", 11.0, [])

    def test_a_batch_that_fails_as_a_whole(self, tenant: TenantClients, simulator: Simulator) -> None:
        simulator.faults([{"kind": "status", "service": "exchange", "match": r"\$batch", "status": 500}])

        assert category(lambda: tenant.exchange.batch([cmdlets.convert_to_shared(ADA)])) is Category.transient
        assert [entry.status for entry in tenant.log if entry.is_write] == [None]

    @pytest.mark.parametrize("kind", ["reset_before", "reset_after"])
    def test_a_connection_that_breaks(self, tenant: TenantClients, simulator: Simulator, kind: str) -> None:
        rule = {"kind": kind, "service": "graph", "match": "PATCH|revoke|sendMail", "count": 1}
        simulator.faults([rule])
        tenant.graph.send(calls.disable_user(ADA))
        assert not tenant.graph.send(calls.get_user(ADA))["accountEnabled"]

        simulator.faults([rule])
        mail = calls.send_mail(BO, {"subject": "x", "toRecipients": [{"emailAddress": {"address": UPN}}]})
        assert category(lambda: tenant.graph.send(mail)) is Category.transient


def _people(tenant: TenantClients) -> list[dict[str, str]]:
    return [row for row in tenant.graph.send(calls.list_users())["value"] if row["assignedLicenses"]]
