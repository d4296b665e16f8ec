import pytest

from agent_serving.adapters.sglang import pool as pool_module
from agent_serving.adapters.sglang.engine import SglangEngine
from agent_serving.domain.errors import InvalidRequest
from tests.adapters.sglang.fake_server import as_json


async def test_nothing_is_ready_before_the_first_probe(engine):
    assert [worker.ready for worker in engine.workers()] == [False]


async def test_a_complete_server_is_not_degraded(fake, engine):
    await engine.probe()
    [worker] = engine.workers()
    assert worker.ready
    assert worker.degraded == ()
    assert (worker.version, worker.model) == ("0.5.23", "fake")
    assert worker.hints == ("models/fake-7b", "FakeForCausalLM")
    assert (worker.context_length, worker.vocabulary_size) == (64, 100)
    assert worker.max_total_tokens == 4096
    assert worker.grammar_backend == "xgrammar"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"enable_metrics": False}, "--enable-metrics"),
        ({"enable_cache_report": False}, "--enable-cache-report"),
        ({"enable_session_radix_cache": False}, "--enable-session-radix-cache"),
        ({"incremental_streaming_output": False}, "--incremental-streaming-output"),
        ({"enable_deterministic_inference": False}, "seed"),
        ({"grammar_backend": "none"}, "without a grammar backend"),
        ({"startup_time": None}, "started anew"),
    ],
)
async def test_each_missing_thing_has_a_sentence(fake, engine, changes, sentence):
    fake.server_info |= changes
    await engine.probe()
    [worker] = engine.workers()
    assert worker.ready
    assert len(worker.degraded) == 1
    assert sentence in worker.degraded[0]


async def test_an_unknown_vocabulary_is_degraded(fake, engine):
    fake.tells_vocabulary = False
    await engine.probe()
    [worker] = engine.workers()
    assert worker.ready
    assert worker.vocabulary_size is None
    assert "vocabulary" in worker.degraded[0]


async def test_an_embedding_model_is_not_ready(fake, engine):
    fake.model_info["is_generation"] = False
    await engine.probe()
    assert not engine.workers()[0].ready


async def test_probing_again_is_one_small_request(fake, engine):
    await engine.probe()
    before = len(fake.calls)
    await engine.probe()
    assert [path for path, _ in fake.calls[before:]] == ["/model_info"]


async def test_a_restarted_worker_is_noticed(fake, engine, monkeypatch):
    await engine.probe()
    fake.server_info |= {"startup_time": {"tokenizer_e2e": 2.0}, "enable_metrics": False}
    monkeypatch.setattr(pool_module, "ASK_ALL_SECONDS", 0.0)
    [before] = engine.workers()
    await engine.probe()
    [after] = engine.workers()
    assert not after.metrics
    assert after.incarnation not in (None, before.incarnation)


async def test_asking_which_start_of_a_worker_answers_is_one_request(fake, engine):
    await engine.probe()
    [worker] = engine.workers()
    before = len(fake.calls)
    assert await engine.incarnation(worker.name) == worker.incarnation
    assert [path for path, _ in fake.calls[before:]] == ["/server_info"]


async def test_a_restart_found_by_asking_is_known_at_once(fake, engine):
    await engine.probe()
    [before] = engine.workers()
    fake.server_info |= {"startup_time": {"tokenizer_e2e": 2.0}, "page_size": 64}
    asked = await engine.incarnation(before.name)
    [after] = engine.workers()
    assert asked == after.incarnation != before.incarnation
    assert after.page_tokens == 64


@pytest.mark.parametrize("name", ["", "nowhere:1"])
async def test_a_worker_that_is_not_there_has_no_incarnation(engine, name):
    await engine.probe()
    assert await engine.incarnation(name) is None


async def test_a_worker_that_does_not_answer_has_no_incarnation(fake, engine):
    await engine.probe()
    fake.answer = lambda path, body: as_json({"error": "late"}, 503)
    assert await engine.incarnation(engine.workers()[0].name) is None


async def test_a_seed_that_may_have_been_set_does_not_tell_two_starts_apart(fake, engine):
    del fake.server_info["startup_time"]
    await engine.probe()
    assert engine.workers()[0].incarnation is None


async def test_a_lost_worker_is_not_ready_until_it_is_back(fake, engine):
    await engine.probe()
    answer = fake.answer
    fake.answer = lambda path, body: as_json({"error": "shutting down"}, 503)
    await engine.probe()
    [worker] = engine.workers()
    assert not worker.ready
    assert "shutting down" in worker.degraded[0]
    fake.answer = answer
    await engine.probe()
    assert engine.workers()[0].ready


async def test_a_worker_that_is_only_busy_stays_ready(fake, engine, monkeypatch):
    await engine.probe()
    before = engine.workers()
    answer = fake.answer
    fake.answer = lambda path, body: (
        as_json({"error": "late"}, 503) if path == "/server_info" else answer(path, body)
    )
    monkeypatch.setattr(pool_module, "ASK_ALL_SECONDS", 0.0)
    await engine.probe()
    assert engine.workers() == before


async def test_a_second_model_in_the_pool_is_not_used(fake, engine):
    other = SglangEngine([fake.url, fake.url.replace("127.0.0.1", "localhost")])
    models = iter(["one", "two"])
    fake.answer = _with_model_names(fake.answer, models)
    await other.probe()
    first, second = other.workers()
    assert (first.ready, second.ready) == (True, False)
    assert "token ids" in second.degraded[0]
    await other.aclose()


def _with_model_names(answer, models):
    def renamed(path, body):
        reply = answer(path, body)
        if path == "/model_info":
            reply.chunks = [reply.chunks[0].replace('"fake"', f'"{next(models)}"')]
        return reply

    return renamed


@pytest.mark.parametrize("url", ["", "localhost:30000", "ftp://host", "http://"])
def test_an_address_that_cannot_be_used_is_refused(url):
    with pytest.raises(InvalidRequest, match="engine URL"):
        SglangEngine([url])


def test_an_engine_named_twice_is_refused():
    with pytest.raises(InvalidRequest, match="twice"):
        SglangEngine(["http://a:1", "http://a:1/"])
