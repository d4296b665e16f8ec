"""Ways to ask for what one call answers: sums, units, the weather."""

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
        can you do {x}
        [work|figure] out {x} [for me|]
        help me with {x}
        [I have to|let's] [calculate|compute|work out] {x}
        what number is {x}
        [give|get] me the [result|value|answer] of {x}
        the [result|value|answer] of {x}
        compute {x} for me
        calculate this: {x}
        [how|what] about {x}
        what do you get [for|from] {x}
        [show me|say] what {x} [makes|equals|is]
        {x} makes what
        {x} is how much
        {x} equals
        [could|would] you [figure out|solve|evaluate] {x}
        [I wonder|tell me] what {x} [makes|gives|comes to]
        what will {x} be
        [can|could] you tell me the [result|value] of {x}
        I'd like to have {x} [calculated|computed|worked out]
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
        [what is|what's] {v} {a} when converted to {b}
        [give|show|tell] me {v} {a} in {b}
        how much is {v} {a} [if I want it|when you put it] in {b}
        [do you know|I wonder] how many {b} {v} {a} [is|are|make]
        [say|write|put|show] {v} {a} in {b}
        [how many|the number of] {b} in {v} {a}
        {v} {a} [converted|changed|turned] [to|into] {b}
        [would|will] you [turn|change|translate] {v} {a} into {b}
        {v} {a} [in|as] {b} please
        I [need|want] to [convert|change|turn] {v} {a} [to|into] {b}
        [it is|it's|that is] {v} {a}, [how many|how much in] {b}
        {v} {a} makes how many {b}
        {v} {a} is what in {b}
        what do {v} {a} [make|come to|equal] in {b}
        [to|in] {b}: {v} {a}
        how many {b} does {v} {a} [make|come to|give]
        {b} for {v} {a}
        can you [do|give me|get me] {v} {a} in {b}
        I [have|need|got] {v} {a}. [how many|what is that in] {b}
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
        is it [nice|dry|wet|stormy|foggy] [in|outside in] {c}
        [will it|is it going to] [rain|snow] in {c}
        [should I|do I need to] [take|bring] [an umbrella|a coat|a jacket] [in|to] {c}
        I [wonder|want to know|need to know] how the weather is in {c}
        what [is it|will it be] like outside in {c}
        [what|which] temperature do they have in {c}
        [temperature|forecast|conditions] for {c}
        how many degrees [do they have|are there] in {c}
        do you know [the weather|how the weather is] in {c}
        what does the weather look like in {c}
        what's happening outside in {c}
        [find out|get me|get] the weather [in|for] {c}
        [today's|current] weather [in|for] {c}
        {c}, what's the weather [like|] there
        how's {c}, [warm|cold|rainy]
        [what will|how will] the weather be in {c}
        what will I find when I go to {c}
        my [friend|boss|brother] lives in {c}, [how is|what's] the weather there
        the [weather|forecast|temperature] [in|for] {c}
        [could|would] you tell me the [temperature|forecast] in {c}
        how are the conditions outside in {c}
    """,
}
