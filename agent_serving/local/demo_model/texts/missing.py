"""Ways to leave something out, and to supply it then."""

from __future__ import annotations

TEXTS = {
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
        what weather do we have
        [is it|will it be] [nice|warm|sunny|windy] [today|outside|]
        [do I need|should I take] [a coat|a jacket|an umbrella] [today|]
        [how|what] is it like outside
        [check|get|give me] the [temperature|forecast]
        I [want|need] [to know |]the weather
        how [warm|cold|hot] is it [outside|today|]
        the weather please
        [what is|tell me] the temperature [today|]
        [can you|could you] [check|tell me] the weather
        does it rain
        what's the forecast
    """,
    "missing_unit": """
        convert {v} {a}
        [can you |]convert {v} {a}
        I want to convert {v} {a}
        please convert {v} {a} for me
        change {v} {a} into another unit
        convert {v} {a} to something else
        [turn|change] {v} {a} into something else
        I have {v} {a} to convert
        [can you|could you|would you] [change|convert] {v} {a} for me
        [convert|change] {v} {a} to [another|some other|a different] unit
        {v} {a} in [another|some other|a different] unit
        {v} {a} in something else
        I [need|want] {v} {a} [converted|changed]
        what is {v} {a} in other units
        [do|make] a conversion of {v} {a}
    """,
    "missing_value": """
        convert to {b}
        convert something to {b}
        [can you|could you] convert to {b}
        how many {b} is that
        I need it in {b}
        turn it into {b}
        I [want|need] to convert [something|it] to {b}
        [turn|change] something into {b}
        [can you|could you] [turn|change] something into {b}
        convert it to {b}
        [tell me|say] how many {b} it is
        [a conversion|conversion] to {b}
        I want {b}
        I have to convert something to {b}
        give [it to me|me something] in {b}
    """,
    "missing_expression": """
        calculate something
        [can you|could you] calculate something
        I need a calculation
        do some math
        I have a calculation for you
        compute something
        use the calculator
        [calculate|compute] [it|this] [for me|]
        I [want|need] to [calculate|compute] something
        [do|make] a [calculation|sum] [for me|]
        [help me|can you help] with [a calculation|some math|a sum]
        [use|start|open] your calculator
        can you do [math|sums|some math]
        let's [calculate|do some math]
        [solve|work out] something
        I need [the calculator|to use the calculator]
    """,
    "missing_country": """
        look up a country
        I have a question about a country
        what is the currency
        which currency do they use
        tell me a country code
        find a country [for me|]
        [find|check] a country [please|for me]
        I [want|need] to [look up|find] a country
        [tell me|I need|give me] a [currency|country code|flag|country]
        [show|tell] me a country's [flag|currency|code]
        what's the [country |ISO |]code
        [what|which] country code is it
        show me [the|a] flag
        [can you|could you] [look up|find] a country
        what's the currency
        I need information about a country
    """,
    "missing_memory": """
        remember something
        [can you|could you] remember something [for me|]
        I want you to remember something
        note something
        please keep something for me
        save something
        [remember|note|save|keep|store] something for [me|later]
        [please |][remember|note|save] [a thing|something]
        I [want|need] to [save|note|store] something
        [can you|could you] [save|note|keep] something
        [I have|there is] something to remember
        [make|take] a note
        you should remember something
        please remember this
        remember this for me
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
        [I need|give me|make it] {b}
        in {b} please
        [into|to] {b}, please
        [that would be|it should be] {b}
        [let's say|say] {b}
        {b} [would be good|is fine]
        I'd like {b}
        to {b}, thanks
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
        for {c} please
        [it's|it is] {c}
        in [the city of |]{c}
        [let's say|say|take] {c}
        here in {c}
        [my|the] city is {c}
        I [live|am] in {c}
        for the city of {c}
        I'm [now |]in {c}
        I want it for {c}
    """,
}
