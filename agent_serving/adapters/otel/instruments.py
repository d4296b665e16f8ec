"""The instruments of one meter provider: one for each metric in the list of names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from opentelemetry.metrics import CallbackOptions, Histogram, Meter, Observation

from agent_serving.adapters.otel import metric_names as names
from agent_serving.adapters.otel.metric_names import Metric

Figures = Callable[[], Iterable[tuple[float, Mapping[str, str]]]]
"""What an observed metric stands at now: values, each with its attributes. Asked from the thread
of whoever reads."""


class Tally:
    """A counter that is summed up here and told when somebody reads: the SDK needs many times
    as long for an addition, and again for each further reader."""

    def __init__(self) -> None:
        self._sums: dict[tuple[tuple[str, str], ...], float] = {}

    def add(self, amount: float, attributes: Mapping[str, str]) -> None:
        key = tuple(attributes.items())
        self._sums[key] = self._sums.get(key, 0) + amount

    def figures(self) -> Iterable[tuple[float, Mapping[str, str]]]:
        return [(amount, dict(key)) for key, amount in list(self._sums.items())]


class Instruments:
    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self.operation = self._histogram(names.OPERATION_DURATION)
        self.token_usage = self._histogram(names.TOKEN_USAGE)
        self.first_token = self._histogram(names.TIME_TO_FIRST_TOKEN)
        self.output_token = self._histogram(names.TIME_PER_OUTPUT_TOKEN)
        self.tool = self._histogram(names.EXECUTE_TOOL_DURATION)
        self.turn = self._histogram(names.INVOKE_AGENT_DURATION)
        self.request = self._histogram(names.REQUEST_DURATION)
        self.phase = self._histogram(names.PHASE_DURATION)
        self.steps = self._counter(names.STEPS)
        self.expected = self._counter(names.EXPECTED_TOKENS)
        self.cached = self._counter(names.CACHED_TOKENS)
        self.lost = self._counter(names.LOST_TOKENS)
        self.cost = self._counter(names.COST)
        self.gpu = self._counter(names.GPU_TIME)
        self.doubts = self._counter(names.DOUBTS)

    def observe_counter(self, metric: Metric, figures: Figures) -> None:
        """`figures` only ever grow."""
        self._meter.create_observable_counter(
            metric.name, [_callback(figures)], metric.unit, metric.description
        )

    def observe_gauge(self, metric: Metric, figures: Figures) -> None:
        self._meter.create_observable_gauge(
            metric.name, [_callback(figures)], metric.unit, metric.description
        )

    def _histogram(self, metric: Metric) -> Histogram:
        return self._meter.create_histogram(
            metric.name,
            metric.unit,
            metric.description,
            explicit_bucket_boundaries_advisory=metric.buckets,
        )

    def _counter(self, metric: Metric) -> Tally:
        tally = Tally()
        self.observe_counter(metric, tally.figures)
        return tally


def _callback(figures: Figures) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def observe(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(value, dict(attributes)) for value, attributes in figures()]

    return observe
