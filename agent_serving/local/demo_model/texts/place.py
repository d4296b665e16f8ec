"""Ways to ask for what one call answers about times and countries."""

from __future__ import annotations

TEXTS = {
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
        [how late|what time] is it over in {c}
        [what is|what's] the time over there in {c}
        could you tell me [the|the local|the current] time in {c}
        [tell me|say] what time it is in {c}
        I wonder what time it is in {c}
        what time do the clocks show in {c}
        [show me|look at] the clock in {c}
        what would the time be in {c}
        I [need|want|have] to know what time it is in {c}
        [give me|get me] the local time [of|for] {c}
        what is {c}'s [local|current|] time
        the [local|current] time in {c}
        [please |]find out the time in {c}
        at what time are they in {c} now
        [local time|clock] [in|for] {c}
        my [friend|boss|mother] is in {c}, what time [is it|do they have] there
        [now|right now], what time is it in {c}
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
        [tell me|say] [what|which] day it is in {c}
        [what|which] weekday do they have in {c}
        do you know what day it is in {c}
        [do they have|have they got] Monday in {c}
        [is it|is it already] [Tuesday|Wednesday|Thursday|Saturday] in {c}
        I need the [weekday|day of the week] in {c}
        [current|today's] weekday in {c}
        day of the week [in|for] {c}
        [could|can] you tell me the [weekday|day] in {c}
        which day is it in {c}
        the [weekday|day of the week] in {c}
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
        [tell me|say] what date it is in {c}
        [which|what] date is it [today|now|right now] in {c}
        do you know the date in {c}
        could you tell me the date in {c}
        [today's date|current date] [in|for] {c}
        I want to know the date in {c}
        [look up|check|find out] the date in {c}
        what's the current date in {c}
        what [is|would be] the date over in {c}
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
        what is the time [now|right now|]
        [could|can] you tell me [the time|what time it is]
        [I need|I want] to know the time
        time [please|now]
        [show|give] me the [clock|current time]
        do you have the time
        [look at|check] the clock
        what does the clock [say|show]
        how late do we have it
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
        [I need|I want] to know the currency of {c}
        what's the money in {c}
        what [money|currency] [do people|do they|does one] use in {c}
        [which|what] currency [is it|do they have] in {c}
        [do you know|could you tell me] the currency of {c}
        name the currency of {c}
        [find|check|look up] [the|which] currency [of|for] {c}
        what is the [name of the |national |]currency [of|in|for] {c}
        what [is|will be] the currency there in {c}
        the [money|currency] [of|in] {c}
        which [money|currency] do I [need|take] for {c}
        {c}, what currency do they use
        in {c}, which currency is used
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
        [I need|I want] the [country|ISO] code [of|for] {c}
        [do you know|could you tell me] the [country|ISO] code of {c}
        the [country|ISO|two-letter] code [of|for] {c}
        [which|what] [country|ISO|two-letter] code does {c} have
        what are the two letters for {c}
        abbreviation [of|for] {c}
        what is {c} in ISO [code|letters]
        [look up|find] the code [of|for] {c}
        how is {c} abbreviated
    """,
    "code3": """
        what is the three-letter code of {c}
        three-letter code of {c}
        what's the three letter code for {c}
        [tell me|give me|find|look up] the three-letter code [of|for] {c}
        what is {c}'s three-letter code
        the code of {c} in three letters
        [I need|I want] the [three-letter|three letter] code [of|for] {c}
        what [three-letter|three letter] code does {c} have
        the [three-letter|three letter] code [of|for] {c}
        what are the three letters for {c}
        which three letters stand for {c}
        [could|can] you tell me the three-letter code of {c}
        three letter [ISO |]code [of|for] {c}
        {c} in three letters
        what is the code of {c} [with|in] three letters
    """,
    "numeric": """
        what is the numeric code of {c}
        numeric code [of|for] {c}
        what's the [ISO |]numeric code [of|for] {c}
        [tell me|give me|find|look up] the numeric code of {c}
        what number does {c} have [in ISO 3166|as a country]
        which number is the code of {c}
        [I need|I want] the numeric code [of|for] {c}
        which numeric code does {c} have
        the numeric [country |ISO |]code [of|for] {c}
        what is {c}'s numeric code
        which number [does {c} have|stands for {c}] [in ISO 3166|as a country]
        the country number of {c}
        [could|can] you tell me the [numeric code|ISO number] of {c}
        the code of {c} [as a number|in numbers]
        [what is the|give me the|the] ISO number [of|for] {c}
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
        [I need|I want] the flag of {c}
        [could|can] you [find|give me|get me] the flag of {c}
        the flag of {c}
        {c}'s flag
        [how|what] does {c}'s flag look [like|]
        which flag [does {c} have|is that of {c}]
        [show me|let me see] {c}'s flag
        [do you know|tell me] the flag of {c}
        [show|send] me the [{c} flag|flag for {c}]
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
        [I need|I want] the [official|full|formal] name of {c}
        the [official|full|formal] name of {c}
        tell me the [official|full|formal] name of {c}
        [could|can] you look up [the country |]{c}
        what is the country {c} [called|named] officially
        what does {c} call itself officially
        {c}'s [official|full|formal] name
        [show|get] me [information|info] [on|about] {c}
        [tell me|say] [something|more] about {c}
        what can you tell me about {c}
        how do you call {c} officially
        [what|which] official name does {c} have
        find the country {c}
    """,
}
