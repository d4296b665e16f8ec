"""The sessions that the explorer's tests and its picture show."""

from __future__ import annotations

from agent_serving.ports import Ports
from tests.explorer.history import Call, History

RATES = '{"base": "EUR", "date": "2026-11-20", "rates": {"JPY": 171.42, "USD": 1.0832}}'
FLIGHTS = '[{"airline": "ANA", "price_eur": 812}, {"airline": "Lufthansa", "price_eur": 874}]'
HOTELS = '[{"name": "Hotel Gracery", "jpy": 18400}, {"name": "Tokyo Stay", "jpy": 15900}]'
INSTRUCTIONS = 3_120
"""Tokens of the system prompt and the tools' descriptions."""


def travel(ports: Ports) -> History:
    """Three turns: a chain of tools, a parallel step with a slow call, a prefix that was lost."""
    tools = ("convert", "find_flights", "find_hotels", "fetch_rates", "calculator", "remember")
    told = History(
        ports, name="travel-desk", tools=tools, metadata={"customer": "4711", "channel": "web"}
    )
    _budget(told)
    told.later(41_000)
    _trip(told)
    told.later(95_000)
    _extension(told)
    return told


def _budget(told: History) -> None:
    told.ask("I have 2,400 euros for a week in Tokyo. How many yen is that today?")
    rates = Call("fetch_rates", {"base": "EUR", "to": ["JPY", "USD"]}, RATES, 420)
    told.reply(
        reasoning="I need today's rate before I convert anything.",
        calls=[rates],
        new_tokens=INSTRUCTIONS,
        output_tokens=46,
        reason="cold",
        phases=(2, 3, 318, 437, 9),
    )
    told.reply(
        calls=[Call("calculator", {"expression": "2400 * 171.42"}, "411408", 12)],
        new_tokens=88,
        output_tokens=31,
        phases=(1, 2, 27, 291, 6),
    )
    told.reply(
        "2,400 euros are 411,408 yen today (1 EUR = 171.42 JPY).",
        new_tokens=34,
        output_tokens=38,
        phases=(1, 2, 19, 352, 6),
    )
    told.end()


def _trip(told: History) -> None:
    told.ask(
        "Find me flights from Berlin on 3 March and a hotel near Shinjuku, and tell me whether "
        "the week stays inside the budget."
    )
    told.reply(
        reasoning=(
            "The three questions do not depend on each other: flights, hotels and the rate can be "
            "asked for at once. Then I add up seven nights."
        ),
        calls=[
            Call("find_flights", {"from": "BER", "to": "TYO", "on": "2027-03-03"}, FLIGHTS, 1310),
            Call("find_hotels", {"near": "Shinjuku", "nights": 7}, HOTELS, 890, at=14),
            Call("fetch_rates", {"base": "JPY", "to": ["EUR"]}, RATES, 405, at=27),
        ],
        new_tokens=64,
        output_tokens=121,
        phases=(4, 38, 31, 1094, 8),
    )
    told.reply(
        calls=[
            Call("calculator", {"expression": "15900 * 7 / 171.42"}, "649.28", 11),
            Call("calculator", {"expression": "812 + 649.28"}, "1461.28", 12, at=6),
        ],
        new_tokens=412,
        output_tokens=63,
        phases=(1, 6, 78, 590, 7),
    )
    told.reply(
        "Yes. ANA flies on 3 March for 812 euros, and seven nights at Tokyo Stay near Shinjuku are "
        "111,300 yen (649.28 euros). Together that is 1,461.28 euros, so 938.72 euros are left.",
        new_tokens=71,
        output_tokens=82,
        phases=(1, 3, 24, 741, 6),
    )
    told.end()


def _extension(told: History) -> None:
    told.ask("Add two nights, and note the hotel for next time.")
    told.reply(
        reasoning="Two more nights at 15,900 yen; the note is a call of its own.",
        calls=[
            Call("calculator", {"expression": "649.28 / 7 * 9"}, "834.79", 12),
            Call("remember", {"key": "hotel", "value": "Tokyo Stay"}, "Noted.", 34, at=8),
        ],
        new_tokens=52,
        output_tokens=74,
        lost=3_480,
        reason="evicted",
        phases=(212, 164, 371, 676, 8),
    )
    told.reply(
        calls=[
            Call(
                "convert",
                {"amount": 834.79, "from": "EUR", "to": "YEN"},
                "Unknown currency YEN; did you mean JPY?",
                9,
                outcome="error",
            )
        ],
        new_tokens=83,
        output_tokens=34,
        phases=(1, 4, 22, 316, 6),
    )
    told.reply(
        calls=[
            Call("convert", {"amount": 834.79, "from": "EUR", "to": "JPY"}, "143099.7", 186),
        ],
        new_tokens=47,
        output_tokens=33,
        phases=(1, 3, 21, 309, 6),
    )
    told.reply(
        "Nine nights are 834.79 euros (143,100 yen). With the flight you are at 1,646.79 euros, "
        "and I have noted Tokyo Stay for next time.",
        new_tokens=41,
        output_tokens=69,
        phases=(1, 3, 20, 633, 6),
    )
    told.end()


def long(ports: Ports, steps: int) -> History:
    """One turn of so many steps, every second one a tool's."""
    told = History(ports, name="marathon")
    told.ask("Count.")
    for number in range(steps // 2 - 1):
        call = Call("search", {"n": number}, f"result {number}", 20)
        told.reply(calls=[call], new_tokens=30, output_tokens=12, phases=(0.5, 1, 8, 60, 2))
    told.reply("Counted.")
    told.end()
    return told


HOSTILE = (
    "<img src=x onerror=\"document.body.dataset.hacked='1'\">"
    "</script><script>document.body.dataset.hacked='1'</script>"
)


def hostile(ports: Ports) -> History:
    """Markup wherever a user, a model or a tool can put text."""
    told = History(ports, name=HOSTILE[:60], metadata={"note": HOSTILE})
    told.ask(HOSTILE)
    call = Call("search", {"query": HOSTILE}, HOSTILE, 20)
    told.reply(HOSTILE, reasoning=HOSTILE, calls=[call])
    told.reply(HOSTILE)
    told.end()
    return told
