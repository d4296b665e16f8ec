"""Write docs/metrics.md from the list of metrics: python docs/generate_metrics.py"""

from __future__ import annotations

from pathlib import Path

from agent_serving.adapters.otel.metric_names import ALL, Metric

PAGE = Path(__file__).with_name("metrics.md")

HEAD = """\
# Metrics

Written by `python docs/generate_metrics.py`; a test checks that it is current.

`GET /metrics` shows them to Prometheus, as text or as OpenMetrics. Where
`OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_METRICS_ENDPOINT` is set they are sent there
too, as OTLP over HTTP, every `OTEL_METRIC_EXPORT_INTERVAL` milliseconds;
`OTEL_METRICS_EXPORTER=none` turns that off. In Prometheus' names dots are underscores, the unit
stands at the end, and what only grows ends in `_total`:
`gen_ai_client_operation_duration_seconds`, `agent_serving_steps_total`.

Each is told of a step or a turn once, by the process that ended it, with the figures of its row in
the ledger. What is in hand is this process's share, so that replicas add up. Where a process dies
between a commit and the next scrape its figures are gone; the ledger has them. No label names a
session. Tenants, agents, models and workers behind the first hundred of each are counted as
`_OTHER`, and so is a tool that the caller runs.

A dashboard for Grafana, `docker/grafana/dashboards/agent-serving.json`, draws them.

| metric | unit | |
|---|---|---|
"""


def page() -> str:
    return HEAD + "".join(_row(metric) for metric in ALL)


def _row(metric: Metric) -> str:
    return f"| `{metric.name}` | {metric.unit.strip('{}')} | {metric.description} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
