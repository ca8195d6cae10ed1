"""The way out: quick retries, tokens, limits, and where a token must not go."""

from __future__ import annotations

import gzip
import threading
from typing import TYPE_CHECKING

import pytest

from shared.microsoft365.http.errors import Category, MicrosoftError
from shared.microsoft365.http.messages import Access, Request
from shared.microsoft365.http.transport import Transport

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Answer, FakeTokens, Seen, Server, Sleeps

    from shared.microsoft365.http.messages import SentRequest

CASES_OF_QUICK_RETRY = [(429, {}), (429, {"Retry-After": "5"}), (503, {}), (504, {"Retry-After": "1"})]


def request(origin: str, **changes: object) -> Request:
    given = {"service": "graph", "method": "GET", "url": f"{origin}/v1.0/users", "origin": origin, **changes}
    return Request(**given)


class TestQuickRetries:
    @pytest.mark.parametrize(("status", "headers"), CASES_OF_QUICK_RETRY)
    def test_tries_again_within_the_call(
        self,
        *,
        transport: Transport,
        server: Server,
        answer: type[Answer],
        sleeps: Sleeps,
        log: list[SentRequest],
        status: int,
        headers: dict[str, str],
    ) -> None:
        server.add(answer(status, None, headers), answer(200))

        assert transport.send(request(server.origin), log=log).status == 200
        assert sleeps == [float(headers["Retry-After"]) if headers else 0.5]
        assert [entry.status for entry in log] == [status, 200]
        assert len({seen.headers["client-request-id"] for seen in server.seen}) == 2

    def test_gives_up_after_two(
        self, transport: Transport, server: Server, answer: type[Answer], sleeps: Sleeps
    ) -> None:
        server.respond = lambda _: answer(503)

        assert transport.send(request(server.origin)).status == 503
        assert (len(server.seen), sleeps) == (3, [0.5, 2.0])

    @pytest.mark.parametrize(("status", "headers"), [(429, {"Retry-After": "6"}), (500, {}), (502, {}), (400, {})])
    def test_leaves_longer_waits_and_other_failures_to_the_caller(
        self,
        *,
        transport: Transport,
        server: Server,
        answer: type[Answer],
        sleeps: Sleeps,
        status: int,
        headers: dict[str, str],
    ) -> None:
        server.add(answer(status, None, headers))

        assert transport.send(request(server.origin)).status == status
        assert sleeps == []

    def test_reads_a_date_against_the_answers_own_clock(
        self, transport: Transport, server: Server, answer: type[Answer], sleeps: Sleeps
    ) -> None:
        # http.server writes a Date header of its own first; the comparison must not use this machine's clock.
        server.add(answer(429, None, {"Retry-After": "Sun, 06 Nov 1994 08:49:40 GMT"}), answer(200))

        transport.send(request(server.origin))
        assert sleeps == [0.0]

    def test_takes_no_longer_than_ten_seconds(self, server: Server, answer: type[Answer], sleeps: Sleeps) -> None:
        times = iter([0.0, 0.0, 1.0, 9.0, 9.0, 9.9])
        transport = Transport(sleep=sleeps, clock=lambda: next(times))
        server.respond = lambda _: answer(503)

        assert transport.send(request(server.origin)).status == 503
        assert sleeps == [0.5]
        transport.close()

    def test_repeats_after_a_broken_connection_only_what_may_be_repeated(
        self, transport: Transport, server: Server, answer: type[Answer], sleeps: Sleeps, log: list[SentRequest]
    ) -> None:
        server.add(answer(hang_up=True), answer(200))
        assert transport.send(request(server.origin)).status == 200
        assert sleeps == [0.5]

        server.add(answer(hang_up=True), answer(200))
        with pytest.raises(MicrosoftError) as caught:
            transport.send(request(server.origin, method="POST", repeatable=False, is_write=True), log=log)
        assert caught.value.retryable == "transient"
        assert [(entry.status, entry.is_write) for entry in log] == [(None, True)]

    def test_repeats_anything_that_was_never_sent(self, transport: Transport, sleeps: Sleeps) -> None:
        # Port 1 is privileged and not in use: connections to it are refused.
        with pytest.raises(MicrosoftError, match="failed or broke off"):
            transport.send(request("http://127.0.0.1:1", method="POST", repeatable=False))
        assert sleeps == [0.5, 2.0]

    @pytest.mark.parametrize(("status", "sent"), [(429, 2), (503, 1), (504, 1)])
    def test_repeats_what_may_not_be_only_when_it_was_turned_away(
        self, transport: Transport, server: Server, answer: type[Answer], status: int, sent: int
    ) -> None:
        server.add(answer(status), answer(200))

        transport.send(request(server.origin, method="POST", repeatable=False))
        assert len(server.seen) == sent

    def test_repeats_a_body_that_broke_off(self, transport: Transport, server: Server, answer: type[Answer]) -> None:
        server.add(answer(200, {"id": "a"}, cut=3), answer(200, {"id": "a"}))

        assert transport.send(request(server.origin)).body == b'{"id": "a"}'

    def test_does_not_repeat_a_slow_answer(
        self, transport: Transport, server: Server, answer: type[Answer], sleeps: Sleeps
    ) -> None:
        waiting = threading.Event()

        def slow(_: Seen) -> Answer:
            waiting.wait(5)
            return answer(200)

        server.add(slow)
        with pytest.raises(MicrosoftError, match="did not answer in time") as caught:
            transport.send(request(server.origin, read_seconds=0.05))
        waiting.set()
        assert (caught.value.retryable, caught.value.code, sleeps) == ("transient", "ReadTimeout", [])
        assert caught.value.client_request_id == server.seen[0].headers["client-request-id"]

    def test_in_a_hurry_waits_less_and_leaves_the_others_their_time(
        self, transport: Transport, server: Server, answer: type[Answer]
    ) -> None:
        waiting = threading.Event()

        def slow(_: Seen) -> Answer:
            waiting.wait(5)
            return answer(200)

        server.add(slow, answer(200))
        with pytest.raises(MicrosoftError, match="did not answer in time"):
            transport.within(0.05).send(request(server.origin))
        waiting.set()
        assert transport.patience > 0.05
        assert transport.send(request(server.origin)).status == 200


class TestTokens:
    def test_gets_one_fresh_token_after_a_refusal(
        self, transport: Transport, server: Server, answer: type[Answer], tokens: FakeTokens
    ) -> None:
        server.add(answer(401), answer(200))

        access = Access(tokens, "tenant", "https://graph.microsoft.com")
        assert transport.send(request(server.origin), access).status == 200
        assert [seen.headers["Authorization"] for seen in server.seen] == [
            "Bearer canary-token-1",
            "Bearer canary-token-2",
        ]

    def test_takes_the_second_refusal_for_an_answer(
        self, transport: Transport, server: Server, answer: type[Answer], tokens: FakeTokens
    ) -> None:
        server.respond = lambda _: answer(401)

        assert transport.send(request(server.origin), Access(tokens, "tenant", "audience")).status == 401
        assert len(server.seen) == 2

    def test_asks_for_no_token_when_none_is_wanted(
        self, transport: Transport, server: Server, answer: type[Answer]
    ) -> None:
        server.add(answer(401))

        assert transport.send(request(server.origin)).status == 401
        assert "Authorization" not in server.seen[0].headers


class TestWhereATokenGoes:
    @pytest.mark.parametrize(
        "url",
        [
            "https://evil.example/v1.0/users",
            "https://graph.microsoft.com.evil.example/v1.0/users",
            "https://graph.microsoft.com@evil.example/v1.0/users",
            "https://evil.example\\@graph.microsoft.com/v1.0/users",
            "https://someone@graph.microsoft.com/v1.0/users",
            "https://graph.microsoft.com:8443/v1.0/users",
            "http://graph.microsoft.com/v1.0/users",
            "/v1.0/users",
            "https:///v1.0/users",
        ],
    )
    def test_only_to_the_configured_origin(
        self, transport: Transport, tokens: FakeTokens, log: list[SentRequest], url: str
    ) -> None:
        with pytest.raises(MicrosoftError) as caught:
            transport.send(request("https://graph.microsoft.com", url=url), Access(tokens, "tenant", "audience"), log)
        assert caught.value.category is Category.invalid
        assert caught.value.retryable is None
        assert tokens.asked == []
        assert log == []

    def test_not_along_a_redirect(
        self, transport: Transport, server: Server, other_server: Server, answer: type[Answer], tokens: FakeTokens
    ) -> None:
        server.add(answer(302, None, {"Location": f"{other_server.origin}/v1.0/users"}))

        assert transport.send(request(server.origin), Access(tokens, "tenant", "audience")).status == 302
        assert other_server.seen == []

    def test_a_netrc_file_does_not_replace_it(
        self,
        *,
        transport: Transport,
        server: Server,
        answer: type[Answer],
        tokens: FakeTokens,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password canary\n")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        server.add(answer(200))

        transport.send(request(server.origin), Access(tokens, "tenant", "audience"))
        assert server.seen[0].headers["Authorization"] == "Bearer canary-token-1"

    def test_no_cookie_travels_from_one_call_to_the_next(
        self, transport: Transport, server: Server, answer: type[Answer]
    ) -> None:
        server.add(answer(200, None, {"Set-Cookie": "exchangecookie=canary; path=/"}), answer(200))

        transport.send(request(server.origin))
        transport.send(request(server.origin))
        assert "Cookie" not in server.seen[1].headers


class TestLimits:
    def test_takes_compressed_answers(self, transport: Transport, server: Server, answer: type[Answer]) -> None:
        whole = gzip.compress(b"[]" * 1000)
        server.add(
            answer(200, raw=whole, headers={"Content-Encoding": "gzip"}),
            answer(200, raw=b"garbage", headers={"Content-Encoding": "gzip"}),
            answer(200, raw=whole, headers={"Content-Encoding": "gzip"}),
        )

        assert transport.send(request(server.origin)).body == b"[]" * 1000
        assert transport.send(request(server.origin)).body == b"[]" * 1000
        assert "gzip" in server.seen[0].headers["Accept-Encoding"]

    def test_reads_no_answer_without_end(self, server: Server, answer: type[Answer]) -> None:
        transport = Transport(max_answer_bytes=200_000)
        server.add(answer(200, raw=b" " * 200_001), answer(200, raw=b" " * 200_000))

        with pytest.raises(MicrosoftError, match="more than 195 KiB"):
            transport.send(request(server.origin))
        assert len(transport.send(request(server.origin)).body) == 200_000
        transport.close()

    def test_reads_no_answer_that_drips(self, server: Server, answer: type[Answer], sleeps: Sleeps) -> None:
        times = iter([0.0, 0.0, 61.0, 61.0, 61.0])
        transport = Transport(sleep=sleeps, clock=lambda: next(times))
        server.add(answer(200, {"id": "a"}))

        with pytest.raises(MicrosoftError, match="did not answer in time"):
            transport.send(request(server.origin))
        transport.close()

    def test_many_threads_share_it(self, transport: Transport, server: Server, answer: type[Answer]) -> None:
        server.respond = lambda seen: answer(200, raw=seen.path.encode())
        wrong: list[bytes] = []

        def work(number: int) -> None:
            for turn in range(10):
                path = f"/v1.0/{number}/{turn}"
                body = transport.send(request(server.origin, url=server.origin + path)).body
                if body != path.encode():
                    wrong.append(body)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert len(server.seen) == 80
