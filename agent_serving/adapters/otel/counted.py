"""Spans on their way to a collector, counted at both ends.

The SDK loses silently what its queue or a collector does not take, and says of a failed flush that
it went well. Here each span is counted when it is handed over and when the collector has it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from agent_serving.ports.tracer import SpanCounts

log = logging.getLogger(__name__)

FLUSH_SECONDS = 1.5
"""For what waits when the service ends; a collector that is down must not hold the service up."""
GIVE_UP_SECONDS = 0.2


class CountedExporter(SpanExporter):
    """Runs on the processor's thread, which alone changes the counters."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._given_up = threading.Event()
        self.taken = 0
        self.delivered = 0
        self.failed = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.taken += len(spans)
        try:
            if self._given_up.is_set():
                result = SpanExportResult.FAILURE
            else:
                result = self._exporter.export(spans)
        except Exception:
            log.exception("the exporter failed on %d spans", len(spans))
            result = SpanExportResult.FAILURE
        if result is SpanExportResult.SUCCESS:
            self.delivered += len(spans)
        else:
            self.failed += len(spans)
        return result

    def give_up(self) -> None:
        """Refuse what is still to come, and end the wait between two tries."""
        self._given_up.set()
        self.shutdown()

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


class Pipeline:
    """A bounded queue in front of an exporter. `put` is for one thread."""

    def __init__(
        self,
        exporter: SpanExporter,
        *,
        max_queue_size: int,
        schedule_delay_ms: float,
        max_batch_size: int,
    ) -> None:
        self._exporter = CountedExporter(exporter)
        self._capacity = max_queue_size
        self._processor = BatchSpanProcessor(
            self._exporter,
            max_queue_size=max_queue_size,
            schedule_delay_millis=schedule_delay_ms,
            max_export_batch_size=min(max_batch_size, max_queue_size),
        )
        self._accepted = 0
        self._refused = 0
        self._closed = False

    def put(self, span: ReadableSpan) -> None:
        if self._closed or self._accepted - self._exporter.taken >= self._capacity:
            self._refused += 1
            return
        self._accepted += 1
        self._processor.on_end(span)

    def counts(self) -> SpanCounts:
        waiting = self._accepted - self._exporter.delivered - self._exporter.failed
        given_up = waiting if self._closed else 0
        return SpanCounts(
            delivered=self._exporter.delivered,
            lost=self._refused + self._exporter.failed + given_up,
            waiting=waiting - given_up,
        )

    async def aclose(self) -> None:
        """Deliver what waits, within FLUSH_SECONDS; the rest is lost, and said to be."""
        if self._closed:
            return
        # A daemon: one that hangs in a connection must not keep the process alive.
        thread = threading.Thread(target=self._processor.shutdown, name="spans", daemon=True)
        thread.start()
        if not await _ended(thread, FLUSH_SECONDS):
            self._exporter.give_up()
            await _ended(thread, GIVE_UP_SECONDS)
        self._closed = True
        if lost := self.counts().lost:
            log.warning("%d spans were lost: the collector did not take them", lost)


async def _ended(thread: threading.Thread, seconds: float) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while thread.is_alive():  # noqa: ASYNC110  # joining would block the loop
                await asyncio.sleep(0.01)
    return not thread.is_alive()
