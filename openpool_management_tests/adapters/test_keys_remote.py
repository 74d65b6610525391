"""The remote signer against a real HTTP server, and that no secret gets out of it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from eth_account import Account as EthAccount

from openpool_management.adapters.keys.load import load_signer
from openpool_management.services.ports.chain import SignerError
from openpool_management_tests.adapters.test_keys import (
    ADDRESS,
    DIGITS,
    TRANSFER,
    assert_clean,
    assert_hides,
    assert_signs,
)


@contextmanager
def remote(answer: Callable[[dict[str, Any]], bytes]) -> Iterator[tuple[str, list[Any]]]:
    """An HTTP server that answers each JSON-RPC request; gives its URL and what it was asked."""
    asked: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append((request, self.headers.get("Authorization")))
            body = answer(request)
            self.send_response(200 if body.startswith(b"{") else 502)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def signature_of(request: dict[str, Any]) -> str:
    """What a remote signer makes of the parameters of eth_signTransaction."""
    fields = dict(request["params"][0])
    assert fields.pop("from") == ADDRESS
    signed = EthAccount.sign_transaction({"type": 2, **fields}, DIGITS)
    return "0x" + str(signed.raw_transaction.hex())


def reply(**parts: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, **parts}).encode()


@pytest.mark.parametrize("as_object", [False, True], ids=["Web3Signer", "geth"])
def test_a_remote_signer_signs(as_object: bool) -> None:
    def answer(request: dict[str, Any]) -> bytes:
        raw = signature_of(request)
        return reply(result={"raw": raw, "tx": {}} if as_object else raw)

    with remote(answer) as (url, asked):
        assert_signs(load_signer(signer_url=url.replace("//", "//pool:hush@"), sender=ADDRESS))
    ((request, authorization),) = asked
    assert request["method"] == "eth_signTransaction"
    assert request["params"][0]["value"] == hex(2**70)
    assert authorization.startswith("Basic ")


def test_clef_s_own_name_of_the_method() -> None:
    def answer(request: dict[str, Any]) -> bytes:
        if request["method"] == "account_signTransaction":
            return reply(result={"raw": signature_of(request)})
        return reply(error={"code": -32601, "message": "the method does not exist"})

    with remote(answer) as (url, _):
        assert_signs(load_signer(signer_url=url, sender=ADDRESS))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            reply(error={"code": -32000, "message": "denied: " + DIGITS}),
            'did not sign .*"denied: …"',
        ),
        (reply(error={"code": -32601, "message": "no"}), "knows neither eth_signTransaction nor"),
        (reply(error="locked"), '"locked"'),
        (reply(result=None), "answered without signed bytes"),
        (reply(result={"raw": "0x" + DIGITS + "z"}), "answered without signed bytes"),
        (reply(), "answered with HTTP 200 and no result"),
        (b"<html>" + DIGITS.encode(), "answered with HTTP 502 and no JSON"),
    ],
)
def test_a_remote_signer_that_does_not_sign(body: bytes, told: str) -> None:
    with remote(lambda _: body) as (url, _):
        signer = load_signer(signer_url=url.replace("//", "//pool:hush@"), sender=ADDRESS)
        with pytest.raises(SignerError, match=told) as caught:
            signer.sign(TRANSFER)
    assert_clean(caught.value, DIGITS, "hush")


def test_a_remote_signer_that_is_not_there() -> None:
    with remote(lambda _: b"") as (url, _):
        pass
    signer = load_signer(signer_url=f"{url}/hush", sender=ADDRESS)
    with pytest.raises(SignerError, match=r"did not answer \(ConnectionError\)") as caught:
        signer.sign(TRANSFER)
    assert_clean(caught.value, "hush")


def test_a_remote_signer_shows_no_password(caplog: pytest.LogCaptureFixture) -> None:
    with remote(lambda request: reply(result=signature_of(request))) as (url, _):
        whole = url.replace("//", "//pool:hush@") + "/t0ken/sign?key=s3cret"
        signer = load_signer(signer_url=whole, sender=ADDRESS)
        assert_hides(signer, caplog, "hush", "cg9vbdpodxno", "t0ken", "s3cret")
    assert "POST" in caplog.text
