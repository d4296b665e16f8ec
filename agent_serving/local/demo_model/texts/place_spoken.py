"""More ways, as different people would type them, to ask about a city's time and weather."""

from __future__ import annotations

TEXTS = {
    "time": """
        my grandma in {c} wants a call, is it late there
        is it [still|already] [morning|evening|night] in {c}
        is it too [late|early] to [call|ring|phone] someone in {c}
        would I wake anybody up if I [called|rang|phoned] {c} [right now|now]
        got a meeting with people in {c}, what does their clock say
        I'm about to [ring|phone|call] {c}, what time is it for them
        are people in {c} asleep [right now|by now|at this hour]
        what hour of the day is it for folks in {c}
        time check for {c}
        time check, {c}
        {c}: what time is it there
        {c} time now, [please|thanks]
        local time {c}
        {c} local time
        {c}'s clock, [what does it say|what's it at]
        what's {c}'s clock reading
        quick, the time in {c}
        is the office in {c} still open, or what time is it there
        our [client|customer|supplier] sits in {c}, what's their local time
        my flight lands in {c}, what do I set my watch to
        what should I set my watch to in {c}
        if I were in {c} [right now|now], what would my watch say
        how late in the day is it over in {c}
        are they having [breakfast|lunch|dinner] in {c} about now, what time is it
        is it daytime or night-time in {c}
        day or night in {c} [right now|at the moment]
        is it past midnight in {c}[ yet| already|]
        has it gone [noon|midnight|five] in {c} yet
        I keep mixing up time zones, what time is it in {c}
        help me with time zones, what's it now in {c} by the clock
        I want to text a mate in {c}, how late have they got it
        just landed in {c} and my phone is dead, what's the time here in {c}
        mind checking what the clock says over in {c}
        any idea what time it is in {c}
        any clue how late it is in {c}
        would you happen to know the time in {c}
        let me know the time over in {c}
        fetch the present time in {c}
        pull up {c}'s local time
        we have someone working from {c}, what time is it at their end
        before I [dial|call], what time is it for {c}
        the exact time in {c}, if you can
        could it be the middle of the night in {c}
        I can never work out the time difference, what's the hour in {c}
        [hours and minutes|hour and minute] in {c} [right now|now]
    """,
    "weekday": """
        have they reached [Monday|Friday|Sunday] in {c} yet
        is it still [Sunday|Monday|Saturday] over in {c}
        which day of the week are they on in {c}
        what day are they on in {c}[ right now| now|]
        are people in {c} at work today, or is it the weekend there
        has the weekend started in {c}[ yet| already|]
        is it a working day in {c}[ today|]
        I need to ring an office in {c}, is it a weekday there
        shops in {c} close on Sundays, what day is it there
        with the time difference, what weekday is it in {c}
        I've lost track, is it [Tuesday|Wednesday|Thursday] or not in {c}
        {c} weekday
        {c}: what day of the week
        {c}, which day is it there
        what's {c}'s day of the week
        over in {c}, is it [Monday|Thursday|Saturday] already
        do folks in {c} have [Friday|Sunday|Tuesday] now
        my cousin is in {c}, what day of the week is it there
        name the day of the week in {c}
        any idea which day it is over in {c}
        [Saturday or Sunday|Sunday or Monday|Monday or Tuesday] in {c} [right now|now]
        has [Monday|Wednesday|Saturday] begun in {c}
        could you see which weekday {c} is on
        so what day have they got over in {c}
        I'm jet-lagged in {c}, what day of the week is it here in {c}
    """,
    "date": """
        I have to date a letter from {c}, what's the date there
        filling in a form in {c}, which date do I put
        has the date changed in {c}[ yet| already|]
        is it [already|still] the same date in {c}
        what's the calendar showing in {c}
        what does the calendar say in {c}
        which day of the month have they got in {c}
        what day and month is it in {c}
        day, month and year in {c}
        what month is it in {c}
        [which|what] year do they write in {c}
        is it [already |]the [first|second|fifth|tenth] of the month in {c}
        are they a day ahead in {c}, what's the date
        has the new month started in {c}
        {c} date
        {c} date today
        {c}: today's date
        what's {c}'s date[ right now| today|]
        with the time zones I can't tell, what's the date over in {c}
        my rent in {c} is due soon, what date is it there
        any idea what the date is in {c}
        mind telling me the date over in {c}
        date check for {c}
        full date for {c}, please
        what date would a newspaper in {c} carry today
    """,
    "time_here": """
        time check
        got the time
        have you got the time
        what time have you got
        what time do you make it
        what's the hour
        any idea what time it is
        could you let me know what time it is
        my watch stopped, what time is it
        I left my phone at home, what's the time
        I've lost track of time, how late is it
        am I late, what time is it
        is it lunchtime yet, what does the clock read
        is it late[ already|]
        just the time, [please|thanks]
        the time, if you'd be so kind
        what's the clock at
        what time is it getting to be
        mind checking the clock for me
        [local time|clock time] [here|right here], please
    """,
    "weather": """
        I'm flying to {c} tomorrow, how warm will it be
        packing for {c}, [do I need a jumper|shorts or trousers|what's the weather doing]
        what should I wear in {c}[ today|]
        what should I pack for {c}, weather-wise
        is it t-shirt weather in {c}
        is it beach weather in {c}[ today| right now|]
        will I freeze in {c}
        am I going to get [wet|soaked|sunburnt] in {c}
        is it bucketing down in {c}
        is it pouring in {c}[ again| right now|]
        is it chucking it down over in {c}
        is it [freezing|boiling|chilly|mild|humid|sweltering] in {c}[ today| right now|]
        is the sun out in {c}
        are there any clouds over {c}
        is there [snow|ice|fog|wind|sunshine] in {c}[ today|]
        how are the skies over {c}
        what's the sky doing over {c}
        what's it doing outside in {c}
        sun or rain in {c}
        coat or no coat in {c}
        umbrella for {c}, yes or no
        {c}: weather
        {c} forecast
        {c} temperature
        {c} temp right now
        {c}, sunny or not
        temp {c}
        weather {c}
        weather check for {c}
        weather update [for|on] {c}
        forecast {c}, [please|thanks]
        what's {c}'s weather like
        how's {c}'s weather[ today| this morning| this afternoon|]
        {c}'s weather, please
        how many degrees would a thermometer in {c} show
        what does the thermometer [say|read] in {c}
        how hot does it get in {c} today
        how cold is it out in {c}
        can I [sit outside|have a picnic|go for a run|hang out washing] in {c}
        good day for [a walk|a barbecue|the park|cycling] in {c}
        we're off to {c} this weekend, will it stay dry
        my parents are on holiday in {c}, have they got sun
        my flight from {c} is delayed, is there a storm there
        I've got an outdoor wedding in {c}, is rain on the way
        I land in {c} tonight, do I want a warm coat
        next stop is {c}, how's the weather looking
        driving to {c} later, are the conditions all right
        thinking of a trip to {c}, is the weather any good
        do they have decent weather in {c}
        are they having a heatwave in {c}
        what kind of [day|weather] are they having in {c}
        what sort of weather am I in for in {c}
        give me a weather report on {c}
        pull up the forecast for {c}
        any chance of [rain|snow|sun|showers] in {c}
        do I want [sunglasses|wellies|gloves|a scarf|sun cream] in {c}
        how's the air outside in {c}, warm or cold
        let me know how warm it is over in {c}
        any idea what the weather's up to in {c}
        outdoors in {c}, what's it like
    """,
}
