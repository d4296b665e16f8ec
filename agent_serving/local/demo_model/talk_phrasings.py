"""Ways to have something kept, to talk, and to ask for what no tool does."""

from __future__ import annotations

TEXTS = {
    "remember": """
        please note that my {k} is {v}
        my {k}'s name is {v}
        don't forget: my {k} is {v}
        [keep|bear] in mind that my {k} is {v}
        make a note that my {k} is {v}
        make a note: my {k} is {v}
        [remember|save] this: my {k} is {v}
        my {k} is {v}, [keep|note|save|store] that
        I want to save my {k}, it is {v}
        for the record, my {k} is {v}
        [remember|note] my {k} is {v}
        you should know that my {k} is {v}
        remember {v} as my {k}
        put down my {k} as {v}
        my {k}: {v}
        remember that my {k} is {v}
        my {k} is {v}
        my {k} is {v}, remember [that|it]
        [note|save|keep in mind|store|write down|don't forget|memorize] that my {k} is {v}
        [remember|save|store|note|keep] my {k}: {v}
        [remember|save|store|keep] {v} as my {k}
        please remember my {k} is {v}
        [the|our] {k} is {v}, [remember|keep|save] it
        the {k} is {v}
        [can|could] you remember that my {k} is {v}
        [remember|note] the {k} is {v}
        I want you to remember that my {k} is {v}
        {k}: {v}
        [for later|note this|remember this]: my {k} is {v}
        my {k} is called {v}
        save {v} under {k}
        [keep|store] {v} under the name {k}
        [set|change] my {k} to {v}
        it is important that my {k} is {v}
    """,
    "recall": """
        what's my {k} called
        what is my {k} called
        what did I say my {k} was
        what's my {k} again
        do you remember what my {k} is
        can you recall my {k}
        what {k} did I give you
        please tell me my {k}
        what do you have [for|as|under] my {k}
        so what is my {k}
        remind me: what is my {k}
        what did I call my {k}
        could you remind me of my {k}
        what was the {k} [again|]
        what is my {k}
        what's my {k}
        what was my {k}
        [tell me|give me|recall|remind me of] my {k}
        do you [remember|know|recall] my {k}
        [can|could] you tell me my {k}
        what did I [say|tell you] [about|was] my {k}
        what is the {k}
        what's the {k} [again|]
        my {k}
        I forgot my {k}
        which {k} do I have
        look up my {k}
        [what|which] {k} did I tell you
        remind me what my {k} is
        do you still know my {k}
        what's the name of my {k}
        what have you noted as my {k}
        [tell me|say] what my {k} was
    """,
    "hello": """
        hi there, how are things
        howdy
        hello [friend|computer|robot]
        hello
        hi
        hey
        hello there
        good [morning|evening|afternoon|day]
        hi [there|you]
        greetings
        hey there
    """,
    "thanks": """
        thanks [for your help|for that|so much]
        thx
        [ok|okay] thanks
        that was helpful, thanks
        I appreciate it
        thanks
        thank you
        thanks a lot
        [great|perfect|nice], [thanks|thank you]
        thank you [very|so] much
        many thanks
        cool, thanks
    """,
    "who": """
        who made you
        what's your name
        are you [ChatGPT|an AI|a person|a bot]
        who am I talking to
        who are you
        what are you
        [are you a robot|are you human|are you real]
        what is your name
        [what|which] model are you
        tell me about yourself
        introduce yourself
    """,
    "abilities": """
        what do you do
        what are you able to do
        what kind of things can you do
        what can you help me with
        how do you work
        what tools [can you use|do you have]
        what can you do
        how can you help me
        what are your [tools|skills|abilities]
        which tools do you have
        help
        what [can I ask you|do you offer|are you good at]
        [list|show me] your tools
    """,
    "how_are_you": """
        how are you today
        how do you feel
        how have you been
        are you doing well
        how are you
        how are you doing
        how's it going
        how do you do
        are you [ok|well]
        what's up
    """,
    "bye": """
        bye
        goodbye
        see you [later|]
        good night
        [ok|okay] bye
        that's all
        until next time
    """,
    "compliment": """
        [great|well done|nice|perfect|cool|awesome|good job]
        you are [great|nice|helpful|good]
        that is [right|correct|great]
        [wonderful|excellent]
    """,
    "impossible": """
        [tell|sing] me a [story|song|poem]
        write a poem
        write [me |]an essay about {v}
        who is {v}
        what is the best [phone|car|film|book]
        remind me to call {v} tomorrow
        what's in the news today
        who painted {v}
        [can you |]book a [flight|hotel] for me
        what is the population of {n}
        recommend [me |]a [book|movie|restaurant|song]
        what is the capital city of {n}
        [find|search] [the web for|google] {v}
        what's the [score|traffic]
        [send|write] a message to {v}
        order some food
        how old is {v}
        what [should I|can I] [cook|eat|wear] today
        delete my files
        tell me a fun fact
        what languages do they speak in {n}
        how do I get from {c} to {n}
        [write|tell|make up|compose] [me |]a [poem|story|song|joke|letter|rap] [about|for] {v}
        tell me a joke
        [send|write] an email to {v}
        book [me |]a [flight|hotel|table|taxi|train] to {c}
        [play|put on] some music
        [play|put on] {v}
        order [me |]a [pizza|taxi|coffee|burger]
        who won the [match|game|election|world cup] [yesterday|in {c}|]
        translate {v} into [French|German|Spanish|Italian|Latin]
        how do you say {v} in [French|German|Spanish]
        what is the capital of {n}
        how many people live in [{c}|{n}]
        who is the president of {n}
        what is the meaning of life
        set an alarm for [seven|tomorrow|noon]
        [call|phone|text] {v}
        [turn|switch] [on|off] the [light|heating|radio|tv]
        what is the price of {v}
        [find|recommend] a restaurant in {c}
        who [wrote|invented|painted|discovered] {v}
        [draw|paint] [me |]a [picture of |]{v}
        when was {v} born
        what does {v} mean
        how tall is {v}
        [open|close] the [door|window|garage]
        [buy|sell] [some |]{v}
        what is the stock price of {v}
        [write|fix] [me |]a [python |]program [for {v}|]
        show me the news [from {c}|]
        how far is it from {c} to {n}
        [navigate|drive] [me |]to {c}
        [define|explain|summarize] {v}
    """,
}
