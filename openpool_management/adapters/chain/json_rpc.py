"""JSON-RPC over HTTP with one node: time-outs, tries, and errors without the URL's secrets."""

import json
import logging
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, TypeVar

import requests
from web3.providers.rpc import HTTPProvider
from web3.types import RPCEndpoint

from openpool_management.adapters.url_secrets import hide_in_logs, shown_url
from openpool_management.domain.payouts.send_replies import node_words
from openpool_management.services.ports.chain import ChainUnavailable

READ_TIMEOUT_SECONDS = 10.0
# Nitro may hold a transaction for 12 seconds before it says what became of it.
SEND_TIMEOUT_SECONDS = 30.0
READ_TRIES = 3
BACKOFF_SECONDS = 0.2
OVERLOADED_STATUS = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)
# What gateways answer, in HTTP's success, to more requests than were paid for.
OVERLOADED_CODES = (-32005, 429)

_SILENT = logging.Logger(__name__)
_SILENT.disabled = True

T = TypeVar("T")


class RpcError(Exception):
    """The node's own refusal: its words, without secrets, and the JSON-RPC code if it gave one."""

    def __init__(self, message: str, code: int | None) -> None:
        super().__init__(node_words(message))
        self.code = code


class NoAnswer(Exception):
    """There was no answer that could be read. passing: another try may well get one."""

    def __init__(self, reason: str, *, passing: bool) -> None:
        super().__init__(reason)
        self.passing = passing


class JsonRpc:
    """One node, over connections that are kept open. May be used by several threads."""

    def __init__(
        self,
        url: str,
        *,
        read_timeout_seconds: float = READ_TIMEOUT_SECONDS,
        send_timeout_seconds: float = SEND_TIMEOUT_SECONDS,
        backoff_seconds: float = BACKOFF_SECONDS,
    ) -> None:
        """Asks nothing yet. Raises ValueError, without the URL's secrets, for a URL of no node."""
        self.name = shown_url(url)
        self._backoff_seconds = backoff_seconds
        session = requests.Session()
        # Proxies and certificates of the environment, looked up once and not at each request.
        hide_in_logs(url)
        found = session.merge_environment_settings(url, {}, None, None, None)
        session.trust_env = False
        session.hooks["response"] = [_refuse_redirect]
        session.proxies, session.verify = found["proxies"], found["verify"]
        self._reader = _Provider(url, session, read_timeout_seconds)
        self._sender = _Provider(url, session, send_timeout_seconds)

    def read(self, method: str, *params: object) -> Any:
        """The result of a call that changes nothing, tried up to three times.

        Raises RpcError, and ChainUnavailable when there was no answer.
        """
        return self._tried(lambda: _result(self._reader.make_request(RPCEndpoint(method), params)))

    def read_all(self, calls: Sequence[tuple[str, tuple[object, ...]]]) -> list[Any]:
        """The results of several calls, in one request. An RpcError stands for a refused one.

        Raises RpcError when the node refuses the request as a whole, and ChainUnavailable.
        """
        batch = [(RPCEndpoint(method), params) for method, params in calls]
        return self._tried(lambda: _results(self._reader.make_batch_request(batch), len(batch)))

    def write(self, method: str, *params: object) -> Any:
        """The result of a call that is made once. Raises RpcError and NoAnswer.

        After NoAnswer the node may have done what it was asked, or may not.
        """
        return _asked(lambda: _result(self._sender.make_request(RPCEndpoint(method), params)))

    def _tried(self, ask: Callable[[], T]) -> T:
        for number in range(1, READ_TRIES + 1):
            try:
                return _asked(ask)
            except RpcError as error:
                if error.code not in OVERLOADED_CODES:
                    raise
                problem = f"it is overloaded: {error}"
            except NoAnswer as error:
                problem = str(error)
                if not error.passing:
                    break
            if number < READ_TRIES:
                time.sleep(self._backoff_seconds * number)
        raise ChainUnavailable(
            f"The node {self.name} gave no answer: {problem}. "
            "Check ETH_RPC_ENDPOINT and that the node runs and can be reached."
        )


class _Provider(HTTPProvider):
    """web3's, without its log lines, which quote the URL, and with answers looked at first."""

    logger = _SILENT

    def __init__(self, url: str, session: requests.Session, timeout_seconds: float) -> None:
        super().__init__(
            url,
            request_kwargs={
                "timeout": timeout_seconds,
                "allow_redirects": False,
                "headers": {"Content-Type": "application/json"},
            },
            session=session,
            # web3 would send a transaction again after a time-out, and report on the second.
            exception_retry_configuration=None,
        )

    @staticmethod
    def decode_rpc_response(raw_response: bytes) -> Any:
        """The answer, or the answers to a batch in any order. Raises ValueError for nonsense."""
        answer = json.loads(raw_response)
        if isinstance(answer, list):
            ids = [part.get("id") if isinstance(part, dict) else None for part in answer]
            if any(type(number) is not int for number in ids) or len(set(ids)) < len(ids):
                raise ValueError("The parts of a batch can't be told apart.")
        return answer


def _asked(ask: Callable[[], T]) -> T:
    """The answer to one request. Raises RpcError and NoAnswer.

    Errors are raised outside of handlers: those of requests quote the URL, and would be chained.
    """
    failure: Exception | None = None
    response: requests.Response | None = None
    try:
        return ask()
    except requests.HTTPError as error:
        response = error.response
    except requests.Timeout:
        failure = NoAnswer("it took too long", passing=True)
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema):
        failure = NoAnswer("its URL can't be used", passing=False)
    except requests.exceptions.SSLError:
        failure = NoAnswer("its certificate is not trusted", passing=False)
    except (requests.RequestException, OSError) as error:
        failure = NoAnswer(f"the connection failed ({type(error).__name__})", passing=True)
    except (ValueError, RecursionError):
        failure = NoAnswer("what it answered is no JSON-RPC", passing=True)
    if response is not None:
        failure = _http_failure(response)
    raise failure or NoAnswer("it answered nothing", passing=True)


def _http_failure(response: requests.Response) -> RpcError | NoAnswer:
    """What an HTTP error is: the node's refusal, in its own words if the body has any."""
    status = response.status_code
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in OVERLOADED_STATUS:
        return NoAnswer(f"HTTP status {status}", passing=True)
    try:
        _result(json.loads(response.content))
    except RpcError as refused:
        return refused
    except (ValueError, RecursionError, NoAnswer):
        pass
    return RpcError(f"HTTP status {status}", None)


def _refuse_redirect(response: requests.Response, **_: object) -> None:
    """A POST that is redirected would turn into a GET, or be sent twice."""
    if 300 <= response.status_code < 400:
        raise requests.HTTPError(response=response)


def _result(answer: object) -> Any:
    if isinstance(answer, dict):
        refused = answer.get("error")
        if isinstance(refused, dict):
            code = refused.get("code")
            raise RpcError(str(refused.get("message", "")), code if type(code) is int else None)
        if isinstance(refused, str):
            raise RpcError(refused, None)
        if refused is None and "result" in answer:
            return answer["result"]
    raise NoAnswer("what it answered is no JSON-RPC", passing=True)


def _results(answers: object, number: int) -> list[Any]:
    if isinstance(answers, dict):
        _result(answers)
    if not isinstance(answers, list) or len(answers) != number:
        raise NoAnswer("it did not answer each request of a batch", passing=True)
    results = []
    for answer in answers:
        try:
            results.append(_result(answer))
        except RpcError as error:
            results.append(error)
    return results
