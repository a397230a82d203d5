"""The life of a worker's process: start, health, signals, a stop with bounded grace, and the exit code.

Owns that a worker ends: cleanly at SIGTERM or SIGINT, with a code other than 0 after any failure, and hard
when ending takes too long. What the worker does is its own business.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

import faust
import structlog
from aiokafka.errors import KafkaError
from prometheus_client import ProcessCollector

from streams.cluster import codecs
from streams.core.dead_letter_limit import DeadLetterLimitError
from streams.settings import Settings
from streams.telemetry import stacks
from streams.telemetry.exit_codes import ExitCode, code_of
from streams.telemetry.failure import reason
from streams.telemetry.health import HealthServer
from streams.telemetry.metrics import Metrics
from streams.workers.interpreter import new_event_loop, tune
from streams.workers.loop_delay import loop_delay_told

log = structlog.get_logger(__name__)

_TELL_SECONDS = 30.0
"""A worker that cannot begin shows why so long, so that Prometheus hears of it although the process is started again and again."""
_GRACE_AFTER_DRAIN = 10.0
"""Seconds beyond the drain time: to commit and to leave the group."""


class Worker(Protocol):
    """What `run` needs of a worker."""

    app: faust.App

    async def start(self) -> None:
        """Connect and begin."""

    async def stop(self) -> None:
        """Finish what is under work and leave."""

    def missing(self) -> Sequence[str]:
        """Return what is still waited for."""

    def warnings(self) -> Sequence[str]:
        """Return what somebody should look at although it is ready."""

    def refresh(self) -> None:
        """Set the gauges."""


def run(build: Callable[[], Worker], settings: Settings, metrics: Metrics) -> int:
    """Run what `build` makes (called inside the event loop) until a signal or a failure; the exit code.

    Afterwards the process has a few seconds to end, whatever threads the libraries have left behind.
    """
    tune()
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        code = runner.run(_live(build, settings, metrics))
        _end_hard_after(5.0, code)
    return code


async def _live(build: Callable[[], Worker], settings: Settings, metrics: Metrics) -> int:
    stopping = asyncio.Event()
    grace = settings.drain_s + _GRACE_AFTER_DRAIN

    loop = asyncio.get_running_loop()

    def on_signal(*_: object) -> None:
        if not stopping.is_set():
            _end_hard_after(grace + 5.0, ExitCode.BUG)
        loop.call_soon_threadsafe(stopping.set)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)  # a handler of the loop would wait for a loop that hangs
    worker = build()
    ProcessCollector(registry=metrics.registry)

    def tell() -> None:
        client = worker.app.consumer._thread.thread_loop  # noqa: SLF001  (Faust gives the Kafka client's loop no name)
        log.warning("asked what it waits for", tasks=stacks.tasks(loop, client))

    signal.signal(signal.SIGUSR1, lambda *_: loop.call_soon_threadsafe(tell))
    lacking = codecs.missing()
    for name in codecs.NEEDS:
        metrics.codec_readable.labels(name).set(name not in lacking)
    problem = codecs.problem()
    code = ExitCode.DONE
    try:
        async with (
            HealthServer(
                metrics.registry,
                lambda: [problem] if problem else worker.missing(),
                host=settings.metrics_host,
                port=settings.metrics_port,
                refresh=worker.refresh,
                warnings=worker.warnings,
            ) as health,
            loop_delay_told(metrics.loop_delay.observe),
        ):
            log.info("worker starts", health=health.url)
            if problem:
                log.error("worker cannot begin", reason=problem)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), _TELL_SECONDS)
                return ExitCode.MISFIT
            code = await _until_stopped(worker, stopping)
            log.info("worker stops", failed=code != ExitCode.DONE)
            _end_hard_after(grace + 5.0, ExitCode.BUG)
            try:
                async with asyncio.timeout(grace):
                    await worker.stop()
            except TimeoutError:
                log.error("the worker did not stop in time; what was not acknowledged is read again")
                code = code or _code_of_crash(worker)
    except KafkaError as error:
        log.error(
            "worker failed: Kafka cannot be used; check BEHOUDLIJN_KAFKA_BOOTSTRAP, and that the brokers run",
            reason=reason(error),
        )
        return code_of(error)
    except Exception as error:  # noqa: BLE001  (whatever it is, the process ends with a message)
        log.error("worker failed", reason=reason(error))
        return code_of(error)
    return code


def _code_of_crash(worker: Worker) -> ExitCode:
    """Return the code of a worker that had begun; without a reason, it did not stop in time or the app ended by itself."""
    crash = worker.app.crash_reason
    return ExitCode.BROKE_OFF if crash is None else code_of(crash)


async def _until_stopped(worker: Worker, stopping: asyncio.Event) -> ExitCode:
    """Return the code of the first failure, whatever its end brings about afterwards; DONE for a worker that was told to stop."""
    starting = asyncio.create_task(worker.start(), name="worker-start")
    told = asyncio.create_task(stopping.wait(), name="worker-stop")
    try:
        await asyncio.wait({starting, told}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            await worker.app.wait(stopping.wait())
    finally:
        told.cancel()
        starting.cancel()
        await asyncio.gather(starting, told, return_exceptions=True)
    if stopping.is_set() and not worker.app.crashed:
        return ExitCode.DONE
    crash = worker.app.crash_reason
    code = _code_of_crash(worker)
    said = "worker failed; nothing unfinished was acknowledged"
    if isinstance(crash, DeadLetterLimitError):
        said = "worker stopped by its limit of dead letters; nothing unfinished was acknowledged"
    elif code.again:
        said += ", start it again"
    log.error(
        said,
        reason=reason(crash) if crash is not None else "the app ended by itself",
    )
    return code


def _end_hard_after(seconds: float, code: int) -> None:
    timer = threading.Timer(seconds, os._exit, args=(code,))
    timer.daemon = True
    timer.start()
