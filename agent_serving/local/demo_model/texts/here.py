"""Ways to ask what needs no place, and what a code stands for."""

from __future__ import annotations

TEXTS = {
    "date_here": """
        what is the date
        what's the date today
        today's date
        what day of the month is it
        tell me [the date|today's date]
        what date do we have
        what is today's date
        which date is it
        the date please
        [can|could] you tell me [the|today's] date
        I need today's date
        what's today
        give me the date
        current date
        date today
        which year is it
        what year do we have
        what month is it
        do you know the date
        what date is it today
        how far into the month are we
    """,
    "weekday_here": """
        what day is it
        what day of the week is it
        which weekday is it
        what day is today
        is it Monday today
        is today Friday
        which day is it today
        what weekday do we have
        tell me what day it is
        is it the weekend [yet|]
        what day of the week do we have [today|]
        today's weekday
        day of the week
        I have lost track, what day is it
        do you know what day it is
        what weekday are we on
        the weekday please
    """,
    "by_code": """
        which country has the code {c}
        what country is {c}
        country code {c}, which one is that
        who is {c}
        which country is {c}
        what does {c} stand for
        what country does {c} stand for
        whose code is {c}
        {c} is which country
        {c} is the code of which country
        which country uses the code {c}
        what country has {c} as its code
        the country behind {c}
        I see {c} on a list, which country is it
        look up the country code {c}
        country number {c}
        which nation has the code {c}
        find the country with code {c}
        decode {c}, which country
        what's {c}, as a country code
        my parcel says {c}, where is that
        the web address ends in .{c}, which country is that
        to which country does {c} belong
        name the country with the code {c}
    """,
}
