"""The road to the store: open, refused, slow, silent, and cut after an insert took effect."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from tests.chaos.proxy import Proxy, Road

QUESTION = b"POST /?query=SELECT HTTP/1.1\r\n\r\n"
INSERT = b"POST /?query=INSERT HTTP/1.1\r\n\r\n"


def with_proxy(scene: Callable[[Proxy, list[bytes]], Awaitable[None]]) -> None:
    """A store that notes what it is asked and answers `done`, and the proxy before it."""
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(1_000):
                asked.append(data)
                writer.write(b"done")
                await writer.drain()
        writer.transport.abort()

    async def play() -> None:
        store = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with store, Proxy("127.0.0.1", store.sockets[0].getsockname()[1]) as proxy:
            await asyncio.wait_for(scene(proxy, asked), 60)
        await asyncio.sleep(0.05)  # the last sockets close

    asyncio.run(play())


async def ask(proxy: Proxy, question: bytes, seconds: float = 20) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        writer.write(question)
        return await asyncio.wait_for(reader.read(100), seconds)
    finally:
        writer.transport.abort()


def test_an_open_road_and_a_slow_one_change_nothing() -> None:
    async def scene(proxy: Proxy, asked: list[bytes]) -> None:
        assert await ask(proxy, QUESTION) == b"done"
        await proxy.set(Road.SLOW)
        assert await ask(proxy, INSERT) == b"done"
        assert asked == [QUESTION, INSERT]
        assert proxy.seen["delayed pieces"] == 2

    with_proxy(scene)


def test_a_refused_connection_and_the_same_port_afterwards() -> None:
    async def scene(proxy: Proxy, asked: list[bytes]) -> None:
        port = proxy.port
        await proxy.set(Road.REFUSED)
        with pytest.raises(ConnectionRefusedError):
            await ask(proxy, QUESTION)
        await proxy.set(Road.OPEN)
        assert proxy.port == port
        assert await ask(proxy, QUESTION) == b"done"
        assert asked == [QUESTION]

    with_proxy(scene)


def test_an_insert_takes_effect_and_its_answer_is_cut() -> None:
    async def scene(proxy: Proxy, asked: list[bytes]) -> None:
        await proxy.set(Road.CUT)
        assert await ask(proxy, QUESTION) == b"done"
        try:
            answer = await ask(proxy, INSERT)
        except ConnectionError:
            answer = b""
        assert answer == b""
        assert asked == [QUESTION, INSERT]
        assert proxy.seen["answers cut"] == 1

    with_proxy(scene)


def test_a_silent_road_lets_nothing_through() -> None:
    async def scene(proxy: Proxy, asked: list[bytes]) -> None:
        await proxy.set(Road.SILENT)
        with pytest.raises(TimeoutError):
            await ask(proxy, QUESTION, seconds=0.3)
        assert asked == []
        await proxy.set(Road.OPEN)
        assert await ask(proxy, QUESTION) == b"done"

    with_proxy(scene)


def test_it_leads_elsewhere_and_back_and_connections_begin_anew() -> None:
    async def scene(proxy: Proxy, asked: list[bytes]) -> None:
        async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1_000)
            writer.write(b"other")
            writer.close()

        elsewhere = await asyncio.start_server(other, "127.0.0.1", 0)
        here = proxy.target
        async with elsewhere:
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            writer.write(QUESTION)
            assert await reader.read(100) == b"done"
            proxy.lead("127.0.0.1", elsewhere.sockets[0].getsockname()[1])
            with suppress(ConnectionError):
                assert await reader.read(100) == b"", "what was open has ended"
            writer.transport.abort()
            assert await ask(proxy, INSERT) == b"other"
            proxy.lead(*here)
            assert await ask(proxy, QUESTION) == b"done"
        assert asked == [QUESTION, QUESTION]

    with_proxy(scene)
