"""The Exchange Online client against a scripted server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.microsoft365.exchange import exchange_cmdlets as cmdlets
from shared.microsoft365.exchange.exchange_cmdlets import Cmdlet
from shared.microsoft365.http.errors import Category, MicrosoftError

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Answer, Seen, Server

    from shared.microsoft365.exchange.client import Exchange
    from shared.microsoft365.http.messages import SentRequest

MAILBOX = "aaaaaaaa-0000-4000-8000-000000000001"
ROOT = "/adminapi/beta/11111111-2222-4333-8444-555555555555"
NOT_FOUND = {
    "error": {
        "code": "NotFound",
        "message": "Error executing request.",
        "details": [
            {
                "code": "Context",
                "target": "",
                "message": "Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|"
                "The operation couldn't be performed because object 'x' couldn't be found on 'DC1'.",
            }
        ],
    }
}


class TestInvoke:
    def test_writes_the_envelope_and_the_headers(
        self, exchange: Exchange, server: Server, answer: type[Answer], log: list[SentRequest]
    ) -> None:
        server.add(answer(200, {"value": [{"Guid": "g"}]}, {"request-id": "theirs"}))

        rows = exchange.invoke(cmdlets.get_mailbox(MAILBOX, anchor="ann@contoso.example"))

        assert rows == [{"Guid": "g"}]
        (seen,) = server.seen
        assert seen.path.startswith(f"{ROOT}/InvokeCommand?$select=ExternalDirectoryObjectId,Guid,ExchangeGuid,")
        assert seen.path.endswith("GrantSendOnBehalfTo")
        assert seen.json == {"CmdletInput": {"CmdletName": "Get-Mailbox", "Parameters": {"Identity": MAILBOX}}}
        assert seen.headers["Prefer"] == "odata.maxpagesize=1000"
        assert seen.headers["X-AnchorMailbox"] == "ann@contoso.example"
        assert seen.headers["X-CmdletName"] == "Get-Mailbox"
        assert seen.headers["X-ResponseFormat"] == "json"
        (entry,) = log
        assert (entry.service, entry.path, entry.target, entry.is_write) == ("exchange", "Get-Mailbox", MAILBOX, False)

    @pytest.mark.parametrize("anchor", [None, "ann\u00e9@contoso.example"])
    def test_goes_to_the_system_mailbox_otherwise(
        self, exchange: Exchange, server: Server, answer: type[Answer], anchor: str | None
    ) -> None:
        server.add(answer(200, {"value": []}))

        exchange.invoke(cmdlets.get_mailbox(MAILBOX, anchor=anchor))
        expected = "APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}@11111111-2222-4333-8444-555555555555"
        assert server.seen[0].headers["X-AnchorMailbox"] == expected

    def test_posts_the_same_body_to_the_next_page(
        self, exchange: Exchange, server: Server, answer: type[Answer]
    ) -> None:
        link = f"{server.origin}{ROOT}/InvokeCommand?$skiptoken=2"
        server.add(
            answer(200, {"value": [{"a": 1}], "@odata.nextLink": link, "@adminapi.warnings": ["first"]}),
            answer(200, {"value": [{"a": 2}], "@adminapi.warnings": ["second"]}),
        )

        rows = exchange.invoke(cmdlets.list_mailboxes())

        assert rows == [{"a": 1}, {"a": 2}]
        assert rows.warnings == ("first", "second")
        assert [seen.method for seen in server.seen] == ["POST", "POST"]
        assert server.seen[0].json == server.seen[1].json
        assert server.seen[1].path.endswith("?$skiptoken=2")

    def test_reads_one_page_when_asked(self, exchange: Exchange, server: Server, answer: type[Answer]) -> None:
        link = f"{server.origin}{ROOT}/InvokeCommand?$skiptoken=2"
        server.add(answer(200, {"value": [{"a": 1}], "@odata.nextLink": link}), answer(200, {"value": [{"a": 2}]}))

        first = exchange.page(cmdlets.list_mailboxes())
        second = exchange.page(cmdlets.list_mailboxes(), first.next_link)
        assert (first, second, second.next_link) == ([{"a": 1}], [{"a": 2}], "")

    def test_follows_no_link_to_another_host(
        self, exchange: Exchange, server: Server, other_server: Server, answer: type[Answer]
    ) -> None:
        server.add(answer(200, {"value": [{}], "@odata.nextLink": f"{other_server.origin}{ROOT}/InvokeCommand"}))

        with pytest.raises(MicrosoftError, match="nothing was sent"):
            exchange.invoke(cmdlets.list_mailboxes())
        assert other_server.seen == []

    def test_ends_at_a_loop(self, exchange: Exchange, server: Server, answer: type[Answer]) -> None:
        server.respond = lambda _: answer(200, {"value": [{}], "@odata.nextLink": f"{server.origin}{ROOT}/x"})

        with pytest.raises(MicrosoftError, match="twice"):
            exchange.invoke(cmdlets.list_mailboxes())

    @pytest.mark.parametrize(("status", "body"), [(204, None), (200, None), (200, {"@odata.context": "x"})])
    def test_a_write_may_answer_with_nothing(
        self,
        *,
        exchange: Exchange,
        server: Server,
        answer: type[Answer],
        log: list[SentRequest],
        status: int,
        body: object,
    ) -> None:
        server.add(answer(status, body))

        assert exchange.invoke(cmdlets.convert_to_shared(MAILBOX)) == []
        assert [(entry.path, entry.is_write) for entry in log] == [("Set-Mailbox", True)]

    def test_hands_on_warnings(self, exchange: Exchange, server: Server, answer: type[Answer]) -> None:
        text = "The command completed successfully but no settings of 'ann' have been modified."
        server.add(answer(200, {"value": [], "@adminapi.warnings": [text]}))

        rows = exchange.invoke(cmdlets.hide_from_address_lists(MAILBOX))
        assert rows.warnings == (text,)
        assert rows.already_done

    def test_raises_what_the_cmdlet_says(self, exchange: Exchange, server: Server, answer: type[Answer]) -> None:
        server.add(answer(404, NOT_FOUND))

        with pytest.raises(MicrosoftError) as caught:
            exchange.invoke(cmdlets.get_mailbox(MAILBOX))
        assert caught.value.category is Category.not_found
        assert caught.value.exception_type == "ManagementObjectNotFoundException"

    def test_takes_errors_in_a_success_for_a_failure(
        self, exchange: Exchange, server: Server, answer: type[Answer]
    ) -> None:
        server.add(answer(200, {"value": [], "@adminapi.errors": ["Something went wrong."]}))

        with pytest.raises(MicrosoftError, match="Something went wrong"):
            exchange.invoke(cmdlets.convert_to_shared(MAILBOX))

    def test_survives_nul_bytes(self, exchange: Exchange, server: Server, answer: type[Answer]) -> None:
        server.add(answer(403, raw=b"\0" * 64))

        with pytest.raises(MicrosoftError, match="Exchange Administrator") as caught:
            exchange.invoke(cmdlets.get_organization_config())
        assert caught.value.category is Category.auth_role

    def test_does_not_repeat_the_cancelling_of_meetings(
        self, exchange: Exchange, server: Server, answer: type[Answer]
    ) -> None:
        server.add(answer(hang_up=True), answer(200))

        with pytest.raises(MicrosoftError):
            exchange.invoke(cmdlets.cancel_meetings(MAILBOX))
        assert len(server.seen) == 1


class TestBatch:
    def test_sends_ten_at_a_time_and_answers_in_order(
        self, exchange: Exchange, server: Server, answer: type[Answer], log: list[SentRequest]
    ) -> None:
        def respond(seen: Seen) -> Answer:
            rows = [
                {"id": item["id"], "status": 200, "body": {"value": [item["body"]["CmdletInput"]["Parameters"]]}}
                for item in seen.json["requests"]
            ]
            return answer(200, {"responses": rows[::-1]})

        server.respond = respond

        found = exchange.batch([cmdlets.get_mailbox_permissions(f"mailbox-{number}") for number in range(11)])

        assert found == [[{"Identity": f"mailbox-{number}"}] for number in range(11)]
        assert [(seen.path, len(seen.json["requests"])) for seen in server.seen] == [
            (f"{ROOT}/$batch", 10),
            (f"{ROOT}/$batch", 1),
        ]
        assert server.seen[0].headers["Prefer"] == "odata.maxpagesize=1000;odata.continue-on-error"
        item = server.seen[0].json["requests"][3]
        assert item["url"] == f"{server.origin}{ROOT}/InvokeCommand"
        assert item["headers"]["X-CmdletName"] == "Get-MailboxPermission"
        assert [entry.path for entry in log].count("Get-MailboxPermission") == 11

    def test_keeps_errors_beside_results(
        self, exchange: Exchange, server: Server, answer: type[Answer], log: list[SentRequest]
    ) -> None:
        server.add(
            answer(
                200,
                {
                    "responses": [
                        {"id": "2", "status": 429, "headers": {"Retry-After": 9}},
                        {"id": "0", "status": 200, "body": {"value": [], "@adminapi.warnings": ["w"]}},
                        {"id": "1", "status": 404, "body": NOT_FOUND},
                    ]
                },
            )
        )

        done, gone, throttled, missing = exchange.batch(
            [
                cmdlets.remove_mailbox_permission("a", "ann@contoso.example"),
                cmdlets.remove_mobile_device("device"),
                cmdlets.remove_mobile_device("another"),
                cmdlets.remove_mobile_device("third"),
            ]
        )

        assert done.warnings == ("w",)
        assert gone.category is Category.not_found
        assert (throttled.retryable, throttled.retry_after) == ("throttled", 9.0)
        assert missing.retryable == "transient"
        assert [(entry.path, entry.target, entry.status) for entry in log if entry.is_write] == [
            ("Remove-MailboxPermission", "a", 200),
            ("Remove-MobileDevice", "device", 404),
            ("Remove-MobileDevice", "another", 429),
            ("Remove-MobileDevice", "third", None),
        ]

    def test_continues_pages_in_a_further_batch(self, exchange: Exchange, server: Server, answer: type[Answer]) -> None:
        link = f"{server.origin}{ROOT}/InvokeCommand?$skiptoken=2"
        page = {"value": [{"a": 1}], "@odata.nextLink": link}
        server.add(
            answer(200, {"responses": [{"id": "0", "status": 200, "body": page}]}),
            answer(200, {"responses": [{"id": "0", "status": 200, "body": {"value": [{"a": 2}]}}]}),
        )

        assert exchange.batch([cmdlets.list_mailboxes()]) == [[{"a": 1}, {"a": 2}]]
        item = server.seen[1].json["requests"][0]
        assert item["url"] == link
        assert item["body"] == server.seen[0].json["requests"][0]["body"]

    def test_continues_nothing_elsewhere(self, exchange: Exchange, server: Server, answer: type[Answer]) -> None:
        page = {"value": [{"a": 1}], "@odata.nextLink": "https://evil.example/adminapi"}
        server.add(answer(200, {"responses": [{"id": "0", "status": 200, "body": page}]}))

        (outcome,) = exchange.batch([cmdlets.list_mailboxes()])
        assert outcome.code == "OriginRefused"
        assert len(server.seen) == 1

    def test_raises_when_the_batch_as_a_whole_fails(
        self, exchange: Exchange, server: Server, answer: type[Answer], log: list[SentRequest]
    ) -> None:
        server.respond = lambda _: answer(503)

        with pytest.raises(MicrosoftError) as caught:
            exchange.batch([cmdlets.remove_mobile_device("device")])
        assert caught.value.retryable == "transient"
        assert [entry.status for entry in log if entry.is_write] == [None]


class TestCmdlets:
    @pytest.mark.parametrize("identity", ["", "  ", None])
    @pytest.mark.parametrize(
        "build",
        [
            cmdlets.get_mailbox,
            cmdlets.get_mailbox_statistics,
            cmdlets.set_mailbox,
            cmdlets.convert_to_shared,
            cmdlets.hide_from_address_lists,
            cmdlets.clear_forwarding,
            cmdlets.get_auto_reply,
            cmdlets.get_inbox_rules,
            cmdlets.get_mobile_devices,
            cmdlets.remove_mobile_device,
            cmdlets.cancel_meetings,
            cmdlets.get_mailbox_permissions,
            cmdlets.get_recipient_permissions,
            cmdlets.find_send_on_behalf,
            cmdlets.get_recipient,
            lambda text: cmdlets.set_forwarding(text, "a", external=False, keep_copy=True),
            lambda text: cmdlets.set_forwarding("a", text, external=False, keep_copy=True),
            lambda text: cmdlets.set_forwarding("a", text, external=True, keep_copy=True),
            lambda text: cmdlets.set_auto_reply(text, internal="", external=""),
            lambda text: cmdlets.remove_inbox_rule(text, "a"),
            lambda text: cmdlets.remove_inbox_rule("a", text),
            lambda text: cmdlets.add_mailbox_permission(text, "a", automap=True),
            lambda text: cmdlets.add_mailbox_permission("a", text, automap=True),
            lambda text: cmdlets.remove_mailbox_permission(text, "a"),
            lambda text: cmdlets.remove_mailbox_permission("a", text),
            lambda text: cmdlets.add_recipient_permission(text, "a"),
            lambda text: cmdlets.add_recipient_permission("a", text),
            lambda text: cmdlets.remove_recipient_permission(text, "a"),
            lambda text: cmdlets.remove_recipient_permission("a", text),
            lambda text: cmdlets.add_send_on_behalf(text, "a"),
            lambda text: cmdlets.add_send_on_behalf("a", text),
            lambda text: cmdlets.remove_send_on_behalf(text, "a"),
            lambda text: cmdlets.remove_send_on_behalf("a", text),
            lambda text: cmdlets.remove_distribution_group_member(text, "a"),
            lambda text: cmdlets.remove_distribution_group_member("a", text),
        ],
    )
    def test_no_cmdlet_is_about_everybody(self, build: Callable[..., object], identity: str | None) -> None:
        with pytest.raises(ValueError, match="empty"):
            build(identity)

    @pytest.mark.parametrize(
        ("cmdlet", "expected"),
        [
            (
                cmdlets.set_forwarding("m", "bo@contoso.example", external=False, keep_copy=True),
                Cmdlet(
                    "Set-Mailbox",
                    {
                        "Identity": "m",
                        "ForwardingAddress": "bo@contoso.example",
                        "ForwardingSmtpAddress": None,
                        "DeliverToMailboxAndForward": True,
                    },
                ),
            ),
            (
                cmdlets.set_forwarding("m", "bo@outside.example", external=True, keep_copy=False),
                Cmdlet(
                    "Set-Mailbox",
                    {
                        "Identity": "m",
                        "ForwardingAddress": None,
                        "ForwardingSmtpAddress": "bo@outside.example",
                        "DeliverToMailboxAndForward": False,
                    },
                ),
            ),
            (
                cmdlets.remove_send_on_behalf("m", "ann@contoso.example"),
                Cmdlet(
                    "Set-Mailbox",
                    {
                        "Identity": "m",
                        "GrantSendOnBehalfTo": {
                            "@odata.type": "#Exchange.GenericHashTable",
                            "remove": ["ann@contoso.example"],
                        },
                    },
                ),
            ),
            (
                cmdlets.find_send_on_behalf("CN=Ann O'Hara"),
                Cmdlet(
                    "Get-Mailbox",
                    {"Filter": "GrantSendOnBehalfTo -eq 'CN=Ann O''Hara'", "ResultSize": "Unlimited"},
                    cmdlets.RECIPIENT_PROPERTIES,
                ),
            ),
        ],
    )
    def test_parameters_are_written_as_powershell_would(self, cmdlet: Cmdlet, expected: Cmdlet) -> None:
        assert cmdlet == expected
