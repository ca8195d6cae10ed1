"""One way out to Microsoft 365: pooled connections, time limits, a size limit, and a guard on where a token may go.

`Transport.send` answers with whatever the service answered; what that means is for the client of the service to say.
It raises `MicrosoftError` when there is no whole answer, or when the address is not one that was configured.

Waiting is not done here, except for the blink of an eye (`QuickRetries`): a durable timer waits better than a thread.
"""

import copy
import itertools
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from http.cookiejar import DefaultCookiePolicy
from typing import Self
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import MaxRetryError, NewConnectionError

from shared.microsoft365.http import telemetry
from shared.microsoft365.http.error_rules import SERVICE_NAMES
from shared.microsoft365.http.errors import Category, MicrosoftError, Service, retry_after_seconds
from shared.microsoft365.http.messages import Access, Request, Response, SentRequest, refuse_other_origin

CONNECT_SECONDS = 10.0
READ_SECONDS: Mapping[Service, float] = {"graph": 60.0, "exchange": 300.0, "sharepoint": 120.0, "login": 30.0}
"""How long a service may be silent.

Exchange Online allows a cmdlet 15 minutes; cancelling meetings is known to take long.
"""
MAX_ANSWER_BYTES = 64 * 1024 * 1024
CHUNK_BYTES = 64 * 1024

COMMON_HEADERS: Mapping[str, str] = {"User-Agent": "offboarding-backend/1.0", "Accept-Encoding": "gzip, deflate"}
CLIENT_REQUEST_ID = "client-request-id"


class QuickRetries:
    """Whether to try again within the call: at most twice, within 10 seconds, and only what is worth it at once.

    A request that may not be repeated is sent again only when it surely was not carried out: no connection, or turned
    away (429).
    """

    ATTEMPTS = 2
    SECONDS = 10.0
    LONGEST_WAIT = 5.0
    WAITS = (0.5, 2.0)

    def __init__(self, clock: Callable[[], float], *, repeatable: bool) -> None:
        """Start the time of the call."""
        self._clock = clock
        self._repeatable = repeatable
        self._started = clock()
        self._used = 0

    def wait_after_failure(self, failure: requests.RequestException) -> float | None:
        """Say how long to wait before sending again; None to give up."""
        return self._wait(None) if was_not_sent(failure) or (self._repeatable and was_broken_off(failure)) else None

    def wait_after_answer(self, response: Response) -> float | None:
        """Say how long to wait before sending again; None when the answer is to be used."""
        worth_it = response.status == requests.codes.too_many_requests or (
            self._repeatable and response.status in {requests.codes.service_unavailable, requests.codes.gateway_timeout}
        )
        return self._wait(retry_after_seconds(response.headers)) if worth_it else None

    def _wait(self, asked: float | None) -> float | None:
        if self._used >= self.ATTEMPTS:
            return None
        wait = self.WAITS[self._used] if asked is None else asked
        if wait > self.LONGEST_WAIT or self._clock() - self._started + wait > self.SECONDS:
            return None
        self._used += 1
        return wait


class Transport:
    """Sends requests over pooled connections. One for the whole process, shared by all threads.

    The session is never changed after it is built and keeps no cookies (Exchange Online sets some, and they must not
    travel from one tenant to another), which leaves only the connection pool as shared state; urllib3's pool is made
    for threads. A netrc file is not looked at: it would replace the token. Proxies and REQUESTS_CA_BUNDLE work as
    everywhere in requests.
    """

    def __init__(
        self,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        pool_size: int = 32,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        """Take the clock and the sleep of the caller, so that tests need not wait.

        Args:
            sleep: waits for seconds; used for at most 10 seconds within a call.
            clock: seconds of a clock that only runs forward.
            pool_size: connections kept open to one host.
            max_answer_bytes: longer answers are refused.
        """
        self._sleep = sleep
        self._clock = clock
        self._max_answer_bytes = max_answer_bytes
        self.patience = max(READ_SECONDS.values())
        self._session = requests.Session()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(pool_connections=pool_size, pool_maxsize=pool_size))

    def within(self, seconds: float) -> Self:
        """Return the same way out, over the same connections, that waits no longer than this for any answer."""
        hurried = copy.copy(self)
        hurried.patience = seconds
        return hurried

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

    def send(self, request: Request, access: Access | None = None, log: list[SentRequest] | None = None) -> Response:
        """Send one request and return the answer, whatever its status.

        A 401 is answered once with a fresh token. No redirect is followed.

        Raises:
            MicrosoftError: no whole answer, an address outside of the configured origin, or no token.
        """
        retries = QuickRetries(self._clock, repeatable=request.repeatable)
        may_renew = access is not None
        resent = itertools.count()
        while True:
            try:
                response = self._send_once(request, access, log, next(resent))
            except requests.RequestException as failure:
                wait = retries.wait_after_failure(failure)
                if wait is None:
                    raise from_transport(request.service, failure) from failure
            else:
                if response.status == requests.codes.unauthorized and access is not None and may_renew:
                    may_renew = False
                    access.tokens.forget(access.tenant_id, access.audience)
                    continue
                wait = retries.wait_after_answer(response)
                if wait is None:
                    return response
            self._sleep(wait)

    def _send_once(
        self, request: Request, access: Access | None, log: list[SentRequest] | None, resent: int
    ) -> Response:
        client_request_id = str(uuid.uuid4())
        prepared = requests.Request(
            request.method,
            request.url,
            headers={**COMMON_HEADERS, **request.headers, CLIENT_REQUEST_ID: client_request_id},
            data=request.body,
        ).prepare()
        refuse_other_origin(request.service, prepared.url or "", request.origin)
        if access is not None:
            prepared.headers["Authorization"] = f"Bearer {access.tokens.token(access.tenant_id, access.audience)}"
        entry = SentRequest(
            service=request.service,
            method=request.method,
            path=request.label or urlsplit(request.url).path,
            status=None,
            client_request_id=client_request_id,
            is_write=request.is_write,
            target=request.target,
        )
        try:
            with telemetry.sending(entry, urlsplit(request.url).hostname or "", resent) as call:
                call.response = response = self._exchange(request, prepared, client_request_id)
            entry = replace(entry, status=response.status, request_id=response.request_id)
        except requests.RequestException as failure:
            failure.request = failure.request or prepared
            raise
        finally:
            if log is not None:
                log.append(entry)
        return response

    def _exchange(self, request: Request, prepared: requests.PreparedRequest, client_request_id: str) -> Response:
        read_seconds = min(request.read_seconds or READ_SECONDS[request.service], self.patience)
        settings = self._session.merge_environment_settings(prepared.url, {}, stream=True, verify=None, cert=None)
        answer = self._session.send(
            prepared, timeout=(CONNECT_SECONDS, read_seconds), allow_redirects=False, **settings
        )
        with answer:
            body = self._read(request, answer, self._clock() + read_seconds)
        # Our own number, whether or not the service repeats it: errors are read from the headers.
        answer.headers[CLIENT_REQUEST_ID] = client_request_id
        return Response(answer.status_code, answer.headers, body, client_request_id)

    def _read(self, request: Request, answer: requests.Response, deadline: float) -> bytes:
        body = bytearray()
        for chunk in answer.iter_content(CHUNK_BYTES):
            body += chunk
            if len(body) > self._max_answer_bytes:
                limit = self._max_answer_bytes // 1024
                message = f"{SERVICE_NAMES[request.service]} sent more than {limit} KiB, which is not read further."
                raise MicrosoftError(request.service, Category.unknown, message, status=answer.status_code)
            if self._clock() > deadline:
                # requests limits the silence between two bytes, not the whole.
                raise requests.ReadTimeout(request=answer.request)
        return bytes(body)


def was_not_sent(failure: requests.RequestException) -> bool:
    """Say whether the request surely never left: no connection came about."""
    if isinstance(failure, requests.ConnectTimeout):
        return True
    reason = failure.args[0] if failure.args else None
    return isinstance(reason, MaxRetryError) and isinstance(reason.reason, NewConnectionError)


def was_broken_off(failure: requests.RequestException) -> bool:
    """Say whether a connection broke; a time-out is not meant: repeating that would take as long again."""
    broken = (
        requests.ConnectionError,
        requests.exceptions.ChunkedEncodingError,
        requests.exceptions.ContentDecodingError,
    )
    return isinstance(failure, broken) and not isinstance(failure, requests.exceptions.SSLError)


def from_transport(service: Service, exception: requests.RequestException) -> MicrosoftError:
    """Say what became of a request that got no (whole) answer.

    The exception's own text is not used: it can hold the URL with its query.
    """
    request = exception.request
    host = urlsplit((request.url if request is not None else None) or "").hostname or SERVICE_NAMES[service]
    client_request_id = request.headers.get("client-request-id") if request is not None else None
    category = Category.transient
    if isinstance(exception, requests.exceptions.SSLError):
        message = f"The certificate of {host} is not trusted (is a proxy in between? REQUESTS_CA_BUNDLE names the CAs)."
    elif isinstance(exception, requests.ConnectTimeout):
        message = f"{host} cannot be reached: no connection in time."
    elif isinstance(exception, requests.Timeout):
        message = f"{host} did not answer in time; whether the request was carried out is not known."
    elif isinstance(exception, ValueError):  # InvalidURL, InvalidHeader, MissingSchema ...
        category = Category.invalid
        message = f"The request to {host} cannot be written: its address or a header is not valid."
    else:
        message = f"The connection to {host} failed or broke off."
    code = type(exception).__name__
    return MicrosoftError(service, category, message, code=code, client_request_id=str(client_request_id or ""))
