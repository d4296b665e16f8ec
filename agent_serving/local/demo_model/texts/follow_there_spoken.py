"""More ways to ask on about the place or the country of the turn before."""

from __future__ import annotations

TEXTS = {
    "there_weather": """
        do I need an umbrella over there
        do they have sun
        is it jacket weather there
        should I pack a coat for there
        how hot does it get over there
        and how warm is it
        any rain there
        what's the forecast there
        and the temperature over there
        are they getting rain
        is it sunny at the moment over there
        how's it looking outside there
        what are the skies like there
        are people freezing over there
        can you check the weather for that place too
        and weather-wise
        is it pleasant there today
        will I get wet there
        how cold do they have it
        and is it hot over there
        temp there
        weather in that city
        I'm going there, what's the weather doing
        sunshine or rain over there
        what should I wear there, is it warm
    """,
    "there_time": """
        is it late there
        can I call them now, or is it too late there
        what does the clock say over there
        and what hour is it there
        local time there
        and the local time over there
        is it night there already
        are they asleep by now, what's the time there
        have you got the time for that place
        and what's their time
        what time have they got
        is it still morning over there
        how early is it there
        I want to ring someone there, what time is it
        can you check the time for that city too
        and time-wise, what is it there
        what's the hour there
        time there
        and right now, what time is it over there
        would I wake them up, what's the time there
        what time would it be for people there
        tell me how late they have it
        do they have day or night there
        is it past midnight over there
        could you look up what time it is in that city
    """,
    "its_currency": """
        what do people pay with there
        and what do they spend
        what kind of money is it there
        which notes and coins do they use
        what cash do I need there
        and how does one pay there
        what's the money called over there
        and the name of its money
        what should I exchange my cash for there
        I'm going there, which currency do I need
        and currency-wise
        can you check its currency too
        currency there
        what currency would I need for it
        do you know what money they have
        which money is used over there
        and what's their currency
        their currency
        what are they paying with in that country
        I need cash for it, what's the currency
        also the currency please
        what do shops take there
        what money should I bring
        tell me what people pay with over there
        the currency of that country
    """,
    "its_code": """
        what's its two-letter code
        and its abbreviation
        what do they abbreviate it to
        how is that country abbreviated
        can you check its code too
        also the code please
        what's the short code for it
        and the short form, as a code
        its two letters
        I need its country code as well
        which two letters stand for it
        what's the ISO code of that country
        and in ISO, what is it
        the ISO code there
        give me the two-letter code
        do you know its country code
        what would I write as its country code
        the form asks for its country code, what is it
        what is the abbreviation for that country
        and what's their country code
        their code
        what letters does it go by
        country code for it
        and which ISO code belongs to it
        I also want to know the code
    """,
    "its_flag": """
        what flag do they fly
        can you show its flag too
        also the flag please
        flag of that country
        what's their flag
        and their flag
        let me see the flag
        do you have its flag
        send me the flag emoji for it
        and the flag emoji
        got a flag for it
        I need the flag as well
        what flag would I wave there
        how does the flag look
        and what flag is it
        give me the emoji of its flag
        which flag flies over there
        could I have its flag
        I'd like the flag to go with it
        now the flag of that one
        which flag belongs to it
        and how about the flag
        can I see their flag
        do you know what flag it has
        the flag too
    """,
}
