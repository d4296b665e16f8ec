"""More ways to leave something out, and to supply it then, as people type them."""

from __future__ import annotations

TEXTS = {
    "missing_city": """
        should I bring a brolly
        is it going to rain
        can I go out in a t-shirt
        I'm going for a walk, is it dry outside
        what's the weather doing
        is it jacket weather
        I'm off for a run, how warm is it
        weather report please
        any rain [today|later|]
        is the sun out
        how many degrees is it
        what does the thermometer say
        I'm packing, what will the weather be like
        [do|will] I get wet [if I go out|out there|]
        what should I expect weather-wise
        could I have the forecast
        we want a barbecue, is the weather good
        is it freezing [out|]
        any chance of sun
        quick look at the weather please
    """,
    "missing_unit": """
        I've got {v} {a} and need a conversion
        my recipe says {v} {a}, I don't know that unit
        switch {v} {a} to something I understand
        could you do a conversion for me, it's {v} {a}
        I need to convert {v} {a}
        {v} {a}, convert please
        put {v} {a} into a different unit for me
        how do I write {v} {a} in another unit
        {v} {a} needs converting
        {v} {a} to convert
        help me convert {v} {a}
        can {v} {a} be converted
        I'd like another unit for {v} {a}
        I don't want {v} {a}, give it to me in another unit
        start with {v} {a} and convert that
        express {v} {a} differently
        what else could I call {v} {a}, in some other unit
        let's convert {v} {a}
        unit conversion for {v} {a} please
        show me {v} {a} in a unit that I know
    """,
    "missing_value": """
        I need a conversion into {b}
        switch something over to {b}
        how do I get something into {b}
        help me convert something into {b}
        I have something that I need in {b}
        could you do a conversion to {b} for me
        let's convert something to {b}
        unit conversion, to {b}
        what would that be in {b}, can you convert
        I've got a measurement, I want it in {b}
        my recipe needs {b}, can you convert
        can you convert things into {b}
        give me the {b} for something
        I'd like to see something in {b}
        the form asks for {b}, help me convert
        work out how many {b} I have
        put something into {b} for me
        convert an amount to {b}
        I'm trying to get {b} out of another unit
        change an amount into {b}
    """,
    "missing_expression": """
        I need some numbers crunched
        can you add something up for me
        got a sum for you
        I'm bad at math, help me with a sum
        punch something into the calculator for me
        could you run a calculation
        I've got some arithmetic to do
        let's crunch some numbers
        are you up for some arithmetic
        time for some math
        calculator please
        I have to work something out
        do a quick calculation for me
        would you add up a few numbers
        I need to multiply something
        can you divide two numbers
        math question
        I could use a calculator
        there's a sum that I can't do in my head
        I want to do some maths
    """,
    "missing_country": """
        I want to know a country's currency
        can you tell me about a country
        which money do they use
        I'm travelling, what currency do I need
        what do they pay with
        help me find a country code
        I need the flag of a country
        got a country question for you
        let's look a country up
        I need a two-letter country code
        could you find a country's flag for me
        what's the money called
        can you give me a currency for a country
        country lookup please
        check a currency for me
        I'm filling in a form, what's the country code
        there's a country that I want to look up
        look up the code of a country
        we're going abroad, which money do we need
        I'd like to see a country's flag
    """,
    "missing_memory": """
        I have something you should remember
        can I give you something to remember
        hang on to something for me
        jot something down
        could you write something down for me
        take this down
        I'd like you to make a note of something
        don't let me forget something
        would you hold on to something for me
        keep something in mind for me
        I need you to memorise something
        file something away for me
        let me tell you something to keep
        there's something I don't want to forget
        put something in your memory
        got something for you to remember
        add something to your memory
        I want to leave a note with you
        time to make a note
        note this down for me
    """,
    "give_unit": """
        I was thinking of {b}
        {b} would do
        let's go with {b}
        {b} I guess
        make that {b}
        oh sorry, {b}
        I meant to {b}
        go for {b}
        try {b}
        into {b} of course
        {b} if you can
        I'd prefer {b}
        well, {b}
        ah, to {b}
        how about {b}
        {b} will do nicely
        the other unit is {b}
        it has to be in {b}
        as {b}
        hmm, {b}
    """,
    "give_place": """
        oh sorry, {c}
        I was thinking of {c}
        let's go with {c}
        {c} of course
        ah, in {c}
        well, {c}
        over here in {c}
        I'm staying in {c}
        we're in {c} at the moment
        I meant in {c}
        make it {c}
        try {c}
        I'm asking about {c}
        {c} if you can
        I'm off to {c}
        I'm going to {c}
        the one I mean is {c}
        hmm, {c}
        go for {c}
        my home is in {c}
    """,
}
