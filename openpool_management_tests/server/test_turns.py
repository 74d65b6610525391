"""Pages that go through the lake leave room for the others."""

import asyncio
from threading import Event

import httpx
import pytest
from fastapi import APIRouter, Response

from openpool_management.server.turns import Busy, Turns
from openpool_management_tests.server.apps import client_of
from openpool_management_tests.server.conftest import WAIT_SECONDS


def test_too_many_are_sent_away_and_the_rest_is_answered_meanwhile() -> None:
    turns, free, router = Turns(2, 3), Event(), APIRouter()
    at_work: list[int] = []
    most: list[int] = []

    def work() -> Response:
        at_work.append(1)
        most.append(len(at_work))
        assert free.wait(WAIT_SECONDS)
        at_work.pop()
        return Response("done")

    @router.get("/slow")
    async def slow() -> Response:
        return await turns.take(work)

    async def ask() -> tuple[list[httpx.Response], httpx.Response]:
        async with client_of(router=router) as client:
            asked = [asyncio.create_task(client.get("/slow")) for _ in range(60)]
            while sum(one.done() for one in asked) < 55:
                await asyncio.sleep(0.01)
            meanwhile = await client.get("/api/v1/health")
            free.set()
            return await asyncio.gather(*asked), meanwhile

    answers, meanwhile = asyncio.run(asyncio.wait_for(ask(), WAIT_SECONDS))
    assert meanwhile.status_code == 200
    assert [one.status_code for one in answers].count(200) == 5 and max(most) <= 2
    refused = [one for one in answers if one.status_code == 503]
    assert len(refused) == 55 and all(one.headers["Retry-After"] == "5" for one in refused)
    assert "ask again" in refused[0].json()["detail"]


def test_what_fails_gives_its_place_back() -> None:
    async def fail_and_go_on() -> str:
        turns = Turns(1, 1)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await turns.take(lambda: 1 // 0)
        return await turns.take(lambda: "done")

    assert asyncio.run(fail_and_go_on()) == "done"


def test_with_no_place_left_nothing_begins() -> None:
    async def ask() -> None:
        with pytest.raises(Busy):
            await Turns(0, 0).take(lambda: pytest.fail("it began"))

    asyncio.run(ask())
