"""The Graph client against a scripted server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.microsoft365.graph import graph_calls as calls
from shared.microsoft365.http.errors import Category, MicrosoftError

if TYPE_CHECKING:
    from conftest import Answer, FakeTokens, Seen, Server, Sleeps

    from shared.microsoft365.graph.client import Graph
    from shared.microsoft365.http.messages import SentRequest

USER = "aaaaaaaa-0000-4000-8000-000000000001"
GROUP = "bbbbbbbb-0000-4000-8000-000000000001"


def items(seen: Seen) -> list[tuple[str, str]]:
    return [(item["method"], item["url"]) for item in seen.json["requests"]]


def responses(*rows: tuple[object, ...]) -> dict[str, object]:
    return {"responses": [dict(zip(("id", "status", "body", "headers"), row, strict=False)) for row in rows]}


class TestSend:
    def test_reads_an_object_and_notes_the_request(
        self, graph: Graph, server: Server, answer: type[Answer], log: list[SentRequest], tokens: FakeTokens
    ) -> None:
        server.add(answer(200, {"id": USER}, {"request-id": "their-number"}))

        assert graph.send(calls.get_user(USER)) == {"id": USER}
        seen = server.seen[0]
        assert seen.path.startswith(f"/v1.0/users/{USER}?$select=id,displayName,userPrincipalName,mail,proxyAddresses")
        assert seen.headers["Authorization"] == "Bearer canary-token-1"
        assert tokens.asked == [("11111111-2222-4333-8444-555555555555", "https://graph.microsoft.com")]
        (entry,) = log
        assert (entry.service, entry.method, entry.status) == ("graph", "GET", 200)
        assert entry.path == f"/v1.0/users/{USER}"
        assert entry.request_id == "their-number"
        assert entry.client_request_id == seen.headers["client-request-id"]
        assert not entry.is_write

    def test_returns_none_for_no_content_and_notes_a_write(
        self, graph: Graph, server: Server, answer: type[Answer], log: list[SentRequest]
    ) -> None:
        server.add(answer(204))

        assert graph.send(calls.disable_user(USER)) is None
        assert server.seen[0].json == {"accountEnabled": False}
        assert [entry.is_write for entry in log] == [True]

    def test_raises_what_the_service_says(self, graph: Graph, server: Server, answer: type[Answer]) -> None:
        body = {"error": {"code": "Request_ResourceNotFound", "message": "Resource 'x' does not exist."}}
        server.add(answer(404, body))

        with pytest.raises(MicrosoftError) as caught:
            graph.send(calls.delete_user(USER))
        assert caught.value.category is Category.not_found
        assert (caught.value.status, caught.value.code) == (404, "Request_ResourceNotFound")
        assert caught.value.client_request_id == server.seen[0].headers["client-request-id"]

    def test_hands_on_where_an_operation_can_be_followed(
        self, graph: Graph, server: Server, answer: type[Answer]
    ) -> None:
        location = "https://graph.microsoft.com/v1.0/admin/teams/telephoneNumberManagement/operations('op-1')"
        server.add(answer(202, None, {"Location": location}))

        assert calls.operation_id(graph.send(calls.unassign_number("+15550100", "callingPlan"))) == "op-1"

    @pytest.mark.parametrize("raw", [b'{"id": "cut o', b"<html>gateway</html>", b"\0\0\0"])
    def test_does_not_take_garbage_for_success(
        self, graph: Graph, server: Server, answer: type[Answer], raw: bytes
    ) -> None:
        server.add(answer(200, raw=raw))

        with pytest.raises(MicrosoftError) as caught:
            graph.send(calls.get_user(USER))
        assert caught.value.retryable == "transient"


class TestPages:
    def test_collects_all_pages_and_repeats_the_headers(
        self, graph: Graph, server: Server, answer: type[Answer]
    ) -> None:
        link = f"{server.origin}/v1.0/next?$skiptoken=a%20b"
        server.add(
            answer(200, {"@odata.count": 3, "@odata.nextLink": link, "value": [{"id": "1"}, {"id": "2"}]}),
            answer(200, {"value": [{"id": "3"}]}),
        )

        found = graph.send(calls.get_user_groups(USER))

        assert found == {"@odata.count": 3, "value": [{"id": "1"}, {"id": "2"}, {"id": "3"}]}
        assert server.seen[1].path == "/v1.0/next?$skiptoken=a%20b"
        assert server.seen[1].headers["ConsistencyLevel"] == "eventual"

    def test_follows_no_link_to_another_host(
        self, graph: Graph, server: Server, other_server: Server, answer: type[Answer], tokens: FakeTokens
    ) -> None:
        server.add(answer(200, {"@odata.nextLink": f"{other_server.origin}/v1.0/users", "value": [{}]}))

        with pytest.raises(MicrosoftError, match="nothing was sent") as caught:
            graph.send(calls.list_users())
        assert caught.value.retryable is None
        assert other_server.seen == []
        assert len(tokens.asked) == 1

    def test_ends_at_a_loop(self, graph: Graph, server: Server, answer: type[Answer]) -> None:
        page = answer(200, {"@odata.nextLink": f"{server.origin}/v1.0/again", "value": [{}]})
        server.respond = lambda _: page

        with pytest.raises(MicrosoftError, match="twice"):
            graph.send(calls.list_users())
        assert len(server.seen) == 2

    def test_ends_when_nothing_but_empty_pages_come(self, graph: Graph, server: Server, answer: type[Answer]) -> None:
        server.respond = lambda _: answer(
            200, {"@odata.nextLink": f"{server.origin}/v1.0/p{len(server.seen)}", "value": []}
        )

        with pytest.raises(MicrosoftError, match="without end"):
            graph.send(calls.list_users())

    def test_skips_an_empty_page(self, graph: Graph, server: Server, answer: type[Answer]) -> None:
        server.add(
            answer(200, {"@odata.nextLink": f"{server.origin}/v1.0/2", "value": []}),
            answer(200, {"value": [{"id": "1"}]}),
        )

        assert graph.send(calls.list_users())["value"] == [{"id": "1"}]

    def test_reads_a_single_page_when_asked(self, graph: Graph, server: Server, answer: type[Answer]) -> None:
        link = f"{server.origin}/v1.0/users?$skiptoken=2"
        server.add(
            answer(200, {"@odata.nextLink": link, "value": [{"id": "1"}]}), answer(200, {"value": [{"id": "2"}]})
        )

        assert graph.page(calls.search_users("ann")) == ([{"id": "1"}], link)
        assert graph.page(calls.search_users("ann"), link) == ([{"id": "2"}], "")

    def test_reads_no_other_list_for_a_link_from_outside(self, graph: Graph, server: Server) -> None:
        own = f"{server.origin}/v1.0/users"
        for link in (
            *(f"{own}/x/messages", f"{own}/x/messages?$skiptoken=2", "https://evil.example/v1.0/users?$skiptoken=2"),
            *(own, f"{own}?$skiptoken=2&$skiptoken=3", f"{own}?$skiptoken=2&$select=onPremisesImmutableId"),
            f"{own}?$filter=startswith(onPremisesImmutableId,'m')",
            f"{own}?$skiptoken=2&$filter=startswith(onPremisesImmutableId,'m')",
            f"{own}?$skiptoken=2&%24filter=startswith(onPremisesImmutableId,'m')",
            f"{own}?$skiptoken=2&$FILTER=startswith(onPremisesImmutableId,'m')",
            f'{own}?$skiptoken=2&$search="onPremisesImmutableId:m"',
        ):
            with pytest.raises(MicrosoftError, match="nothing was sent"):
                graph.page(calls.search_users("ann"), link)
        assert server.seen == []


class TestBatch:
    def test_answers_in_the_order_of_the_calls(
        self, graph: Graph, server: Server, answer: type[Answer], log: list[SentRequest]
    ) -> None:
        server.add(
            answer(
                200,
                responses(
                    ("2", 404, {"error": {"code": "Request_ResourceNotFound", "message": "gone"}}),
                    ("0", 200, {"id": USER}),
                    ("1", 204),
                ),
            )
        )

        user, disabled, removed = graph.batch(
            [calls.get_user(USER), calls.disable_user(USER), calls.remove_group_member(GROUP, USER)]
        )

        assert user == {"id": USER}
        assert disabled is None
        assert isinstance(removed, MicrosoftError)
        assert removed.category is Category.not_found
        assert items(server.seen[0])[2] == ("DELETE", f"/groups/{GROUP}/members/{USER}/$ref")
        patch = server.seen[0].json["requests"][1]
        assert patch["headers"] == {"Content-Type": "application/json"}
        assert patch["body"] == {"accountEnabled": False}
        assert "body" not in server.seen[0].json["requests"][2]
        assert [(entry.path, entry.status) for entry in log if entry.is_write] == [
            (f"/v1.0/users/{USER}", 204),
            (f"/v1.0/groups/{GROUP}/members/{USER}/$ref", 404),
        ]
        assert len({entry.client_request_id for entry in log}) == 1

    def test_sends_twenty_at_a_time_and_each_version_apart(
        self, graph: Graph, server: Server, answer: type[Answer]
    ) -> None:
        server.respond = lambda seen: answer(
            200, {"responses": [{"id": item["id"], "status": 204} for item in reversed(seen.json["requests"])]}
        )
        deletions = [calls.revoke_sessions(f"user-{number}") for number in range(41)]
        beta = calls.delete_auth_method(USER, "#microsoft.graph.hardwareOathAuthenticationMethod", "m")

        assert graph.batch([deletions[0], beta, *deletions[1:]]) == [None] * 42
        assert [(seen.path, len(seen.json["requests"])) for seen in server.seen] == [
            ("/v1.0/$batch", 20),
            ("/v1.0/$batch", 20),
            ("/v1.0/$batch", 1),
            ("/beta/$batch", 1),
        ]

    def test_gives_every_post_a_body(self, graph: Graph, server: Server, answer: type[Answer]) -> None:
        server.add(answer(200, responses(("0", 200, {"value": True}))), answer(200, {"value": True}))

        graph.batch([calls.revoke_sessions(USER)])
        graph.send(calls.revoke_sessions(USER))

        (item,) = server.seen[0].json["requests"]
        assert (item["body"], item["headers"]) == ({}, {"Content-Type": "application/json"})
        assert server.seen[1].headers["Content-Length"] == "0"

    def test_keeps_the_wait_that_an_item_was_told(
        self, graph: Graph, server: Server, answer: type[Answer], sleeps: Sleeps
    ) -> None:
        server.add(
            answer(
                200, responses(("0", 429, {"error": {"code": "TooManyRequests"}}, {"Retry-After": "17"}), ("1", 424))
            )
        )

        throttled, dependent = graph.batch([calls.revoke_sessions("a"), calls.revoke_sessions("b")])

        assert (throttled.retryable, throttled.retry_after) == ("throttled", 17.0)
        assert dependent.retryable == "transient"
        assert sleeps == []

    def test_reports_what_an_answer_leaves_out(
        self, graph: Graph, server: Server, answer: type[Answer], log: list[SentRequest]
    ) -> None:
        server.add(answer(200, responses(("1", 204))))

        missing, done = graph.batch([calls.revoke_sessions("a"), calls.revoke_sessions("b")])

        assert missing.retryable == "transient"
        assert "not known" in missing.message
        assert done is None
        assert [entry.status for entry in log if entry.is_write] == [None, 204]

    def test_raises_when_the_batch_as_a_whole_fails(
        self, graph: Graph, server: Server, answer: type[Answer], log: list[SentRequest]
    ) -> None:
        server.add(answer(500, raw=b"<html>oops</html>"))

        with pytest.raises(MicrosoftError) as caught:
            graph.batch([calls.revoke_sessions("a")])
        assert caught.value.retryable == "transient"
        assert [entry.status for entry in log if entry.is_write] == [None]

    def test_notes_what_became_of_the_items_of_a_failed_batch(
        self, graph: Graph, server: Server, answer: type[Answer], log: list[SentRequest]
    ) -> None:
        server.add(answer(400, {"error": {"code": "BadRequest", "message": "no"}}))
        with pytest.raises(MicrosoftError):
            graph.batch([calls.revoke_sessions("a")])

        assert [(entry.path, entry.status) for entry in log] == [
            ("/v1.0/$batch", 400),
            ("/v1.0/users/a/revokeSignInSessions", 400),
        ]

    def test_notes_nothing_when_nothing_was_sent(
        self, graph: Graph, tokens: FakeTokens, log: list[SentRequest]
    ) -> None:
        tokens.refusal = MicrosoftError("login", Category.auth_token, "No.")

        with pytest.raises(MicrosoftError):
            graph.batch([calls.revoke_sessions("a")])
        assert log == []

    def test_continues_the_collections_of_a_batch_in_further_batches(
        self, graph: Graph, server: Server, answer: type[Answer]
    ) -> None:
        root = f"{server.origin}/v1.0"
        server.add(
            answer(
                200,
                responses(
                    ("1", 200, {"value": [{"id": "b1"}], "@odata.nextLink": f"{root}/b?$skiptoken=2"}),
                    ("0", 200, {"value": [{"id": "a1"}], "@odata.nextLink": f"{root}/a?$skiptoken=2"}),
                    ("2", 200, {"value": [{"id": "c1"}]}),
                ),
            ),
            answer(
                200,
                responses(
                    ("1", 503, {"error": {"code": "serviceUnavailable"}}),
                    ("0", 200, {"value": [{"id": "a2"}], "@odata.nextLink": f"{root}/a?$skiptoken=3"}),
                ),
            ),
            answer(200, responses(("0", 200, {"value": []}))),
        )

        first, second, third = graph.batch([calls.get_user_groups("a"), calls.list_users(), calls.list_users()])

        assert first == {"value": [{"id": "a1"}, {"id": "a2"}]}
        assert second.retryable == "transient"
        assert third == {"value": [{"id": "c1"}]}
        assert items(server.seen[1]) == [("GET", "/a?$skiptoken=2"), ("GET", "/b?$skiptoken=2")]
        assert server.seen[1].json["requests"][0]["headers"] == {"ConsistencyLevel": "eventual"}

    def test_continues_nothing_elsewhere(self, graph: Graph, server: Server, answer: type[Answer]) -> None:
        server.add(
            answer(200, responses(("0", 200, {"value": [{}], "@odata.nextLink": "https://evil.example/v1.0/a"})))
        )

        (outcome,) = graph.batch([calls.list_users()])

        assert outcome.code == "OriginRefused"
        assert len(server.seen) == 1

    def test_sends_nothing_for_no_calls(self, graph: Graph, server: Server) -> None:
        assert graph.batch([]) == []
        assert server.seen == []
