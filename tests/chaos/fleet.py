"""The worker processes: started, killed, frozen, and started again when they end, as an orchestrator would.

Owns the slots of one group and what is seen of each process from outside: its partitions, its counters, its memory.
It must not decide when a fault happens.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, get_args

import aiohttp

from deploy.embedded.ports import free_port
from deploy.embedded.process import ChildProcess
from streams.settings import Compression, Settings
from tests.worker_environment import ROOT, command, environment

_CODECS: Final = ("auto", *get_args(Compression))
"""Each process writes in the next one."""
_AGAIN_SECONDS: Final = 0.3
_LOOK_SECONDS: Final = 2.0
_SAMPLE: Final = re.compile(r"^(behoudlijn_\w+)(?:\{([^}]*)\})? (\S+)$", re.MULTILINE)
_PARTITION: Final = re.compile(r'partition="(\d+)"')
_TOPIC: Final = re.compile(r'topic="([^"]+)"')


@dataclass(slots=True)
class Life:
    """One process from its start to its end."""

    slot: str
    child: ChildProcess
    log: Path
    port: int
    started: float
    partitions: frozenset[int] = frozenset()
    """Those that it had when it was looked at last."""
    events: float = 0
    duplicates: float = 0
    lost: dict[tuple[str, int], float] = field(default_factory=dict)
    """Offsets that it says retention took unread, by topic and partition."""
    begun_anew: dict[tuple[str, int], float] = field(default_factory=dict)
    """How often it took a log for another one than it was reading."""
    resent: float = 0
    retries: float = 0
    peak_kib: int = 0
    frozen: bool = False

    def say(self) -> str:
        """The end of its log."""
        return self.child.tail(5)


@dataclass(slots=True)
class Fleet:
    """The workers of one group. `group`: signals or sink, as the command calls it."""

    group: str
    settings: Settings
    directory: Path
    options: tuple[str, ...] = ()
    lives: list[Life] = field(default_factory=list)
    """Every process that ever was."""
    now: dict[str, Life] = field(default_factory=dict)
    """The present process of each slot that is wanted."""
    ends: Counter[int] = field(default_factory=Counter)
    """Exit codes."""
    _keepers: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _leaving: set[str] = field(default_factory=set)
    _number: int = 0

    async def scale(self, count: int) -> None:
        """Starts `count` slots, which are kept running."""
        for number in range(count):
            await self.keep(f"{self.group}-{number}")

    async def keep(self, slot: str, fail_point: str = "") -> Life:
        """Starts a slot; its process is started again whenever it ends, then without a fail point."""
        life = await self._start(slot, fail_point)
        self._keepers[slot] = asyncio.create_task(self._keep(slot), name=f"keep-{slot}")
        return life

    async def once(self, slot: str, fail_point: str) -> Life:
        """Starts a process that is not started again."""
        return await self._start(slot, fail_point)

    async def leave(self, slot: str) -> int | None:
        """Ends a slot as an orchestrator does; the exit code."""
        await self._stop_keeping(slot)
        life = self.now.pop(slot)
        code = await asyncio.to_thread(life.child.stop, self.settings.drain_s + 20)
        self.ends[code if code is not None else 0] += 1
        return code

    async def stop(self) -> None:
        """Ends all slots with grace."""
        await asyncio.gather(*(self.leave(slot) for slot in list(self.now)))

    async def kill(self) -> None:
        """Ends everything at once."""
        await asyncio.gather(*(self._stop_keeping(slot) for slot in list(self._keepers)))
        self.now.clear()
        for life in self.lives:
            await asyncio.to_thread(life.child.kill)

    def lost(self) -> Counter[tuple[str, int]]:
        """Offsets that its processes, in all their lives, have counted as lost."""
        total: Counter[tuple[str, int]] = Counter()
        for life in self.lives:
            total.update({place: int(count) for place, count in life.lost.items() if count})
        return total

    def victims(self) -> list[Life]:
        """Processes that may be hit now: they run and hold partitions."""
        return [
            life
            for slot, life in sorted(self.now.items())
            if slot in self._keepers and life.child.running and life.partitions and not life.frozen
        ]

    async def _start(self, slot: str, fail_point: str) -> Life:
        self._number += 1
        port = free_port()
        log = self.directory / f"{self._number:03d}-{slot}.log"
        child = ChildProcess(
            command(self.group, *self.options, "--metrics-port", str(port)),
            name=slot,
            env=environment(self.settings, fail_point)
            | {"BEHOUDLIJN_COMPRESSION": _CODECS[self._number % len(_CODECS)]},
            cwd=ROOT,
            log=log,
        )
        life = Life(slot, child, log, port, time.monotonic())
        await asyncio.to_thread(child.start)
        self.lives.append(life)
        self.now[slot] = life
        return life

    async def _stop_keeping(self, slot: str) -> None:
        keeper = self._keepers.pop(slot, None)
        if keeper is not None:
            # Not cancelled: a process that is just being started would be nobody's.
            self._leaving.add(slot)
            await keeper
            self._leaving.discard(slot)

    async def _keep(self, slot: str) -> None:
        while slot not in self._leaving:
            life = self.now[slot]
            if life.child.running:
                await asyncio.sleep(0.1)
                continue
            code = await asyncio.to_thread(life.child.kill)
            self.ends[code if code is not None else 0] += 1
            await asyncio.sleep(_AGAIN_SECONDS)
            await self._start(slot, "")  # also when it is about to leave: `leave` ends what it finds

    # -- what is seen from outside --------------------------------------------------------------------------

    async def look_forever(self) -> None:
        """Looks at every process every two seconds."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
            while True:
                await self.look(session)
                await asyncio.sleep(_LOOK_SECONDS)

    async def look(self, session: aiohttp.ClientSession) -> None:
        """Looks at every present process once."""
        await asyncio.gather(*(self._look(session, life) for life in list(self.now.values())))

    async def _look(self, session: aiohttp.ClientSession, life: Life) -> None:
        life.peak_kib = max(life.peak_kib, _peak_kib(life.child.pid))
        if life.frozen or not life.child.running:
            return
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
            async with session.get(f"http://127.0.0.1:{life.port}/metrics") as response:
                self._read(life, await response.text())

    def _read(self, life: Life, text: str) -> None:
        partitions: set[int] = set()
        events = duplicates = retries = 0.0
        for name, labels, value in _SAMPLE.findall(text):
            if name == "behoudlijn_lag_records":
                partitions.update(map(int, _PARTITION.findall(labels)))
            elif name == "behoudlijn_events_total" and "unknown_field" not in labels:
                events += float(value)
                duplicates += float(value) if 'result="duplicate"' in labels else 0
            elif name == "behoudlijn_records_lost_total":
                life.lost[_place(labels)] = float(value)
            elif name == "behoudlijn_log_restarts_total":
                if float(value):
                    life.begun_anew[_place(labels)] = float(value)
            elif name == "behoudlijn_outputs_resent_total":
                life.resent = float(value)
            elif name == "behoudlijn_sink_retries_total":
                retries += float(value)
        life.retries = retries
        life.events, life.duplicates = events, duplicates
        life.partitions = frozenset(partitions)


def _place(labels: str) -> tuple[str, int]:
    (topic,), (partition,) = _TOPIC.findall(labels), _PARTITION.findall(labels)
    return topic, int(partition)


def freeze(life: Life) -> None:
    """SIGSTOP: the process holds its connections and does nothing."""
    life.frozen = True
    life.child.signal(signal.SIGSTOP)


def thaw(life: Life) -> None:
    """SIGCONT."""
    life.child.signal(signal.SIGCONT)
    life.frozen = False


def stopped(life: Life) -> bool:
    """Whether the process stands still by a SIGSTOP, its own included."""
    with contextlib.suppress(OSError):
        return "\nState:\tT" in Path(f"/proc/{life.child.pid}/status").read_text()
    return False


def _peak_kib(pid: int) -> int:
    with contextlib.suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return 0
