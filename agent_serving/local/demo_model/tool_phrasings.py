"""Ways to ask for what one call answers."""

from __future__ import annotations

TEXTS = {
    "calculator": """
        [add up|total|sum] {x}
        quick math: {x}
        could you do {x} [for me|]
        what do I get [for|from|with] {x}
        [I'd like|I would like] to know what {x} is
        what would {x} be
        and what is {x}
        [please |]tell me how much {x} is
        {x}, what is that
        what is {x} equal to
        what is {x}
        what's {x}
        [calculate|compute|evaluate|work out|solve] {x}
        {x}
        {x} =
        how much is {x}
        [can|could] you [calculate|compute|work out] {x}
        [give me|tell me] {x}
        [what is|what's] the [result|value|answer] of {x}
        [I need|I want to know] {x}
        what does {x} [equal|make|come to|give]
        [use the calculator for|run the calculator on] {x}
        [find|get] [|the value of ]{x}
        how much does {x} make
        {x} equals what
        do the math: {x}
        [do you know|can you tell me] what {x} is
        [please |]figure out {x}
    """,
    "convert": """
        how many {b} in {v} {a}
        [what's|what is] {v} {a} to {b}
        {v} {a} into {b}
        {v} {a} equals what in {b}
        {v} {a}, in {b}
        [I'd like|I would like] {v} {a} in {b}
        [say|give] {v} {a} in {b}
        [please |]convert {v} {a} into {b}
        can you tell me how many {b} [are in|make up] {v} {a}
        how many {b} do I get from {v} {a}
        what would {v} {a} be in {b}
        {v} {a} would be how many {b}
        convert {v} {a} in {b}
        how many {b} [make|is] {v} {a}
        [it is|it's|I ran|we drove|I weigh|it weighs] {v} {a}, what is that in {b}
        convert {v} {a} to {b}
        [what is|what's] {v} {a} in {b}
        how many {b} [are|is] {v} {a}
        how many {b} are in {v} {a}
        how many {b} are there in {v} {a}
        {v} {a} in {b}
        {v} {a} to {b}
        [turn|change|translate|transform] {v} {a} into {b}
        how much is {v} {a} in {b}
        [can|could] you convert {v} {a} [to|into] {b}
        express {v} {a} in {b}
        [I have|there are] {v} {a}, how many {b} is that
        [I need|give me|I want] {v} {a} in {b}
        {v} {a} is how many {b}
        [what is|what's] {v} {a} [expressed|measured] in {b}
        {v} {a} equals how many {b}
        [tell me|find out] how many {b} {v} {a} [are|is|make]
        how [long|big|heavy|far] is {v} {a} in {b}
        if I have {v} {a}, what is that in {b}
        convert from {a} to {b}: {v}
        {v} {a} [as|->] {b}
    """,
    "time": """
        what's the [current|local] time in {c}
        [what's|what is] the time [right now|now] in {c}
        do you have the time in {c}
        [I'd like|I would like] to know the time in {c}
        what time would it be in {c} [now|]
        [say|get me] the time in {c}
        what time have they got in {c}
        my friend lives in {c}, what time is it there
        time [now|right now] in {c}
        what is the time for {c}
        what time is it in {c}
        what's the time in {c}
        [what is|tell me|give me|show me] the [current time|local time|time] in {c}
        time in {c}
        current time in {c}
        [do you know|can you tell me] what time it is in {c}
        what time do they have in {c}
        [can|could] you [check|look up|get] the time in {c}
        how late is it in {c}
        [what is|what's] the clock [saying|showing] in {c}
        {c} time
        what time is it [right now|now|at the moment|currently] in {c}
        [I need|I want] to know the time in {c}
        in {c}, what time is it
        [check|look up|get] the [|local |current ]time [in|for] {c}
        what hour is it in {c}
        the time in {c}
    """,
    "weekday": """
        what day of the week is it in {c} [now|right now|]
        what day is today in {c}
        what's the day in {c}
        is it [Sunday|Friday|the weekend] [already |]in {c}
        what's the weekday in {c}
        what day is it in {c}
        what weekday is it in {c}
        [which|what] day of the week is it in {c}
        what day is it [now|today|right now] in {c}
        [tell me|give me] the [weekday|day of the week] in {c}
        is it Monday in {c}
        weekday in {c}
        what is the day of the week in {c}
    """,
    "date": """
        what's today's date in {c}
        what is the date [today|right now] in {c}
        what day of the month is it in {c}
        [I need|get me] [today's|the] date in {c}
        what date is it in {c}
        what's the date in {c}
        [what is|tell me|give me] [the|today's|the current] date in {c}
        date in {c}
        which date do they have in {c}
        what is today's date in {c}
        the [current |]date in {c}
    """,
    "time_here": """
        what time is it
        what's the time
        [tell me|give me] the time
        what time is it [now|right now]
        do you know what time it is
        [the |]current time
        [can you |]check the time
        how late is it
    """,
    "currency": """
        what's {c}'s currency
        what is {c}'s currency
        what [money|currency] do I need in {c}
        what is the money [called|used] in {c}
        [can|could] you tell me the currency of {c}
        what currency is used in {c}
        what's the name of the currency in {c}
        what kind of money do they have in {c}
        which money is used in {c}
        I am going to {c}, what currency do I need
        what is the currency of {c}
        what currency does {c} [use|have]
        what's the currency in {c}
        which currency [is used|do they use] in {c}
        [what|which] money do they use in {c}
        currency of {c}
        {c} currency
        how do [people|you|I] pay in {c}
        [tell me|give me|find|look up] the currency of {c}
        [with|in] what currency do [people|they] pay in {c}
        what do they pay with in {c}
        the currency used in {c}
    """,
    "code": """
        what is {c}'s [country |]code
        which ISO code does {c} have
        what's the abbreviation for {c}
        what is the two-letter abbreviation of {c}
        what is the [country |ISO |two-letter ][code of|code for] {c}
        what's the [country |ISO |two letter ]code of {c}
        country code of {c}
        {c} country code
        what code does {c} have
        ISO code [of|for] {c}
        [tell me|give me|find|look up] the [country|ISO|two-letter] code [of|for] {c}
        the code of {c}
    """,
    "code3": """
        what is the three-letter code of {c}
        three-letter code of {c}
        what's the three letter code for {c}
        [tell me|give me|find|look up] the three-letter code [of|for] {c}
        what is {c}'s three-letter code
        the code of {c} in three letters
    """,
    "numeric": """
        what is the numeric code of {c}
        numeric code [of|for] {c}
        what's the [ISO |]numeric code [of|for] {c}
        [tell me|give me|find|look up] the numeric code of {c}
        what number does {c} have [in ISO 3166|as a country]
        which number is the code of {c}
    """,
    "flag": """
        can you show me the flag of {c}
        [what's|what is] the flag of {c}
        I want to see the flag of {c}
        what is the flag of {c}
        show me the flag of {c}
        what does the flag of {c} look like
        flag of {c}
        {c} flag
        what's {c}'s flag
        [give me|find|look up] the flag of {c}
    """,
    "official": """
        what is {c}'s official name
        what's {c} called officially
        what is the full name of {c}
        [find|look up] {c} for me
        give me information about {c}
        what is the official name of {c}
        official name of {c}
        what is {c} officially called
        what's the [full|official|formal] name of {c}
        look up {c}
        [tell me about|look up the country] {c}
        [what do you know about|info about|information on] {c}
        how is {c} officially called
    """,
    "weather": """
        what's the forecast for {c}
        how's it looking in {c}
        [what's|what is] it like in {c}
        tell me how the weather is in {c}
        any rain in {c}
        [is it|will it be] [nice|cold|warm|wet] in {c} today
        [should I|do I have to] take an umbrella in {c}
        how is the weather [today|now|right now] in {c}
        what's the temperature like in {c}
        [I'd like|I would like] the weather in {c}
        what are the conditions in {c}
        [how|what] about the weather in {c}
        weather for {c}
        what's the weather [today|now|right now] in {c}
        my sister is in {c}, how's the weather there
        what is the weather in {c}
        what's the weather [in|like in] {c}
        how is the weather in {c}
        how's the weather in {c}
        weather in {c}
        {c} weather
        [what is|tell me|give me|check] the [current weather|forecast] [in|for] {c}
        [show me|tell me|look up] the weather [in|for] {c}
        [can|could] you [check|look up|tell me] the weather in {c}
        is it [raining|sunny|cold|warm|hot|windy|cloudy|snowing] in {c}
        [how|what] is it like outside in {c}
        how [warm|cold|hot] is it in {c}
        [what is|what's] the temperature in {c}
        do I need [an umbrella|a coat|a jacket] in {c}
        what's it like in {c} [now|today|right now]
        weather report for {c}
        what weather do they have in {c}
        I am [going|travelling] to {c}, what is the weather [there|like]
        how many degrees is it in {c}
        [I need|I want] the weather [in|for] {c}
        does it [rain|snow] in {c}
        temperature in {c}
        what will I find outside in {c}
    """,
}
