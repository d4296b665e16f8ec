"""Ways to go on from earlier turns, and to leave something out."""

from __future__ import annotations

TEXTS = {
    "and_place": """
        what about in {c}
        and {c}
        and what about in {c}
        ok and {c}
        and over in {c}
        and in {c} please
        {c} too
        and in {c}
        what about {c}
        and {c}
        how about {c}
        how about in {c}
        and what about {c}
        {c}
        in {c}
        and for {c}
        same for {c}
        [the same|same question] for {c}
        [what|how] about in {c}
        now {c}
        and there in {c}
    """,
    "and_country": """
        and of {c}
        and that of {c}
        and what about in {c}
        what about in {c}
        {c} too
        and {c}'s
        and of {c}
        what about {c}
        and {c}
        how about {c}
        and in {c}
        and for {c}
        same for {c}
        {c}
        and what about {c}
        [the same|same question] for {c}
        what of {c}
    """,
    "and_key": """
        and what is my {k}
        and what's the {k}
        {k}
        and the {k} too
        and my {k}
        what about my {k}
        and the {k}
        how about my {k}
        and what about my {k}
        what about the {k}
        also my {k}
    """,
    "and_value": """
        and if it's {v} {a}
        make it {v} {a}
        and what about {v} {a}
        what if it is {v} {a}
        and {v} then
        and {v} {a}
        what about {v} {a}
        how about {v} {a}
        and what is {v} {a}
        {v} {a}
        and {v}
        what about {v}
        how about {v}
        and for {v}
        same for {v}
        now {v} {a}
    """,
    "and_unit": """
        what about in {b}
        how much is that in {b}
        how about in {b}
        and how many {b} is that
        what's that in {b}
        convert that to {b}
        and in {b}
        what about {b}
        and in {b}, how much is that
        how about {b}
        and to {b}
        in {b}
        and what is that in {b}
        {b}
        the same in {b}
    """,
    "scale": """
        what if I {op:that}
        please {op:that}
        could you {op:that}
        {op:that}
        {op:it}
        now {op:that}
        and {op:it}
        {op:the result}
        {op:that number}
        [can you |]{op:it}
        then {op:the result}
    """,
    "shift": """
        and if you {op}
        next {op}
        [please |]{op}
        {op}
        and {op}
        now {op}
        then {op}
        what if you {op}
        [can you |]{op}
        ok now {op}
    """,
    "there_weather": """
        what's it like there
        and what's the weather like
        how's the weather
        is it nice there
        and what is the weather there
        what's the weather [there|like there]
        how is the weather there
        and the weather there
        and the weather
        is it [warm|cold|raining] there
        and how's the weather over there
    """,
    "there_time": """
        what time do they have there
        and what's the time there
        and what time is it there
        what time is it there
        and the time there
        and the time
        what's the local time there
        how late is it there
    """,
    "its_currency": """
        what's its currency
        and what currency do they use
        what money do they use there
        and its currency
        what is its currency
        what currency do they use there
        and the currency
        which currency does it have
    """,
    "its_code": """
        and its [country |]code
        what is its [country |ISO |]code
        and the code
        which code does it have
    """,
    "its_flag": """
        and its flag
        what is its flag
        and the flag
        show me its flag
    """,
    "remember_result": """
        remember that number as my {k}
        [save|note] that as my {k}
        keep that result under {k}
        remember that as my {k}
        [save|store|keep|note] [that|it|the result] as {k}
        remember the result as {k}
        [save|store|keep] that under {k}
        [please |]remember it as {k}
        keep this as my {k}
    """,
    "missing_city": """
        what is the weather like
        how's the weather
        what's the weather like today
        will it rain
        is it cold
        what is the weather
        what's the weather
        how is the weather
        [tell me|check|give me] the weather
        [is it raining|do I need an umbrella|is it cold outside]
        weather
        what's the temperature
    """,
    "missing_unit": """
        convert {v} {a}
        [can you |]convert {v} {a}
        I want to convert {v} {a}
        please convert {v} {a} for me
        change {v} {a} into another unit
        convert {v} {a} to something else
    """,
    "missing_value": """
        convert to {b}
        convert something to {b}
        [can you|could you] convert to {b}
        how many {b} is that
        I need it in {b}
        turn it into {b}
    """,
    "missing_expression": """
        calculate something
        [can you|could you] calculate something
        I need a calculation
        do some math
        I have a calculation for you
        compute something
        use the calculator
    """,
    "missing_country": """
        look up a country
        I have a question about a country
        what is the currency
        which currency do they use
        tell me a country code
        find a country [for me|]
    """,
    "missing_memory": """
        remember something
        [can you|could you] remember something [for me|]
        I want you to remember something
        note something
        please keep something for me
        save something
    """,
    "give_unit": """
        to {b} please
        I want {b}
        {b}, please
        to {b}
        {b}
        into {b}
        in {b}
        {b} please
    """,
    "give_place": """
        I'm in {c}
        in {c} please
        {c}, please
        the city is {c}
        in {c}
        {c}
        for {c}
        I mean {c}
        {c} please
        I am in {c}
    """,
}
