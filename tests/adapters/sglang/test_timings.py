import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_serving.adapters.sglang.timings import (
    Stopwatch,
    percentile,
    timings_of,
    token_gaps,
    usage_of,
)

NUMBER = st.floats(-10, 10) | st.none() | st.just(float("nan"))


@given(
    st.lists(st.tuples(st.floats(0, 5), st.integers(1, 4)), max_size=6),
    st.fixed_dictionaries(
        {
            "queue_time": NUMBER,
            "forward_entry_time": NUMBER,
            "prefill_finished_time": NUMBER,
            "request_finished_ts": NUMBER,
            "num_retractions": st.integers(0, 1),
        }
    ),
)
def test_phases_are_never_negative_and_fit_into_the_total(gaps, meta):
    watch = Stopwatch(sent=100.0)
    at = watch.sent
    for gap, tokens in gaps:
        at += gap
        watch.chunk(at, tokens)
    watch.ended = at
    timings = timings_of(watch, meta)
    phases = (timings.engine_queue_ms, timings.prefill_ms, timings.decode_ms)
    assert min(phases) >= 0
    assert timings.orchestration_ms >= -1e-6


def test_the_engines_own_clock_is_used_where_it_reports_one():
    watch = Stopwatch(sent=0.0, ended=1.0)
    watch.chunk(0.3, 1)
    meta = {
        "queue_time": 0.05,
        "forward_entry_time": 1000.1,
        "prefill_finished_time": 1000.3,
        "request_finished_ts": 1000.9,
    }
    timings = timings_of(watch, meta)
    assert timings.engine_queue_ms == pytest.approx(50)
    assert timings.prefill_ms == pytest.approx(200)
    assert timings.decode_ms == pytest.approx(600)
    assert timings.ttft_ms == pytest.approx(300)
    assert timings.orchestration_ms == pytest.approx(150)


def test_without_metrics_prefill_is_the_time_to_the_first_token():
    watch = Stopwatch(sent=0.0, ended=1.0)
    watch.chunk(0.3, 1)
    timings = timings_of(watch, {})
    assert timings.prefill_ms == pytest.approx(300)
    assert timings.decode_ms == pytest.approx(700)


def test_the_stamps_of_a_retracted_request_are_not_believed():
    watch = Stopwatch(sent=0.0, ended=1.0)
    watch.chunk(0.3, 1)
    meta = {
        "queue_time": 0.0,
        "forward_entry_time": 1.0,
        "prefill_finished_time": 1.9,
        "request_finished_ts": 2.0,
        "num_retractions": 1,
    }
    assert timings_of(watch, meta).prefill_ms == pytest.approx(300)


def test_tokens_that_arrive_together_share_their_gap():
    assert token_gaps([(0.0, 1), (0.010, 1), (0.030, 2)]) == pytest.approx([10, 10, 10])


def test_percentiles_are_nearest_rank():
    values = [float(value) for value in range(1, 101)]
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile([], 0.5) is None


def test_usage_counts_tokens_alone():
    usage = usage_of({"prompt_tokens": 9, "cached_tokens": 8, "completion_tokens": 3})
    assert (usage.input_tokens, usage.cached_tokens, usage.output_tokens) == (9, 8, 3)
    assert usage.model_steps == 0
