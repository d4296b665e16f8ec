"""Ways to talk, and to ask for what no tool does."""

from __future__ import annotations

TEXTS = {
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
        [hi|hello|hey] [my friend|everybody|robot|friend]
        good to see you
        hey you
        a good [morning|day|evening] to you
        welcome
        [hello|hi] again
        nice to meet you
        hi computer
        [hi|hello|hey], [are you there|anybody there|is anyone here]
        [good|nice] to [meet|see] you [again|too|]
        [hi|hello|hey] [assistant|there friend|everyone|you two]
        [hiya|yo|heya|hey hey]
        good [morning|evening|afternoon] [to you|everybody|again|friend]
        [a very |]good [morning|afternoon|evening|day] [all|there]
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
        that helps, [thanks|thank you]
        [that was|this is] [helpful|useful]
        [thanks|thank you] for [your help|everything|the answer]
        [cool|lovely|nice|super], [thank you|thanks]
        thanks, that was [helpful|it|great]
        I thank you
        thank you [indeed|kindly]
        [many|a thousand] thanks
        okay, that helped, thanks
        [ok|okay|cool] thx
        thx [a lot|for that|so much]
        [thanks|thx] for [the answer|everything|your time]
        [I am|I'm] [very |so |]grateful
        [that|this] [answer |]was [very |really |so |]helpful
        [that|this] [really |]helped [me|a lot|]
        [cheers|much appreciated|thanks a million|thanks again]
        [I really |we ]appreciate [it|that|your help]
        [just what I needed|exactly what I wanted], [thanks|thank you|thx]
        [very |so |]kind of you
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
        [tell me|say] your name
        [introduce|describe] yourself [please|to me|]
        do you have a name
        what [are you|is your name] [called|exactly|]
        are you [a human|real|a person|a machine|human|a robot|a computer]
        what should I call you
        [which|what] [AI|bot|assistant] [are you|is this]
        what [are|is] you called
        who is [this|there|speaking]
        am I talking to a [robot|human|person]
        who [built|made|trained|wrote|created] you
        [so |and |]who [are you|am I speaking with|am I chatting with]
        [may|can] I [know|ask] your name
        what [sort|kind] of [robot|machine|model|program|bot] are you
        [do they|do people] call you [something|anything]
        [what|which] [language |]model [is this|do you run|is behind you]
        are you [just |only |]a [program|model|bot|robot]
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
        what [can|do] you [offer|know|help with]
        [tell|show] me what you can do
        [list|name] [your|all] [tools|skills|abilities]
        which [things|skills|abilities] [do you have|can you do]
        [do you have|have you got] [any tools|tools|skills]
        what [kind|sort] of [things|tools|help] [do you offer|do you have]
        show [me |]your [abilities|skills|tools]
        [I need|give me] help
        how [do|can] I use you
        what else can you do
        what tools are there
        what [may|could] I ask [you|]
        [how|what] can you [do|help] for me
        [do you know|can you do] [anything|something] [useful|else|]
        [explain|show] [to me |me |]how [you work|I can use you]
        what [are you for|is this for|can this thing do]
        [so |and |]what [can|do] you do [here|exactly|then]
        which [tools|functions|commands] [exist|are there|can I use]
        [tools|skills|options|commands]
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
        how [are|do] you feel [today|now|]
        are you [fine|good|alright]
        [everything|all] [ok|well|good] with you
        how is [it going|your day|life]
        what's up [today|with you]
        how [are you|are you doing] [now|tonight|this morning]
        so how are you
        and how are you doing
        how do things go
        [is|are] [everything|things] [fine|ok|well]
        how [was|is] your [day|night|week|morning]
        [you|are you] [doing |feeling |][okay|fine|great|good] [today|]
        [and |so |]how [are|is] [things|everything|it all] [today|going|]
        are you [happy|tired|busy] [today|now|]
        [hope|I hope] you are [well|fine|okay]
        how [are|were] you [feeling|doing] [this evening|today|then|]
    """,
    "bye": """
        bye
        goodbye
        see you [later|]
        good night
        [ok|okay] bye
        that's all
        until next time
        [see|talk to] you [soon|tomorrow|next time]
        bye bye
        good bye
        until [later|tomorrow|then]
        [have|enjoy] a [nice|good] [day|evening|weekend]
        I [have to|must] go [now|]
        [so|take care] [bye|goodbye]
        that was all for [now|today]
        farewell
        talk [later|to you later|soon]
        [ok|so] see you [soon|later]
        bye for now
        [that is|that's] [all|everything|it] [for now|for today|thanks|]
        [I am|I'm] [leaving|off|done] [now|for today|]
        [see|catch] you [around|later|tomorrow|next week]
        [ok|so|well] [goodbye|farewell|bye] [then|now|]
        [sleep well|good night] [then|my friend|]
        [let us|let's] [stop|end] [here|this]
        [we are|I am|I'm] [done|finished] [here|]
    """,
    "compliment": """
        [great|well done|nice|perfect|cool|awesome|good job]
        you are [great|nice|helpful|good]
        that is [right|correct|great]
        [wonderful|excellent]
        [excellent|fantastic|amazing|brilliant|super|lovely]
        [that's|this is] [excellent|wonderful|nice|good|perfect]
        [what an|an] excellent answer
        [good|great|nice|excellent] [work|answer|bot]
        you are [amazing|wonderful|brilliant|clever|excellent]
        [well|nicely] [done|said]
        I [like|love] [you|that|it]
        [that was|it is] [very |]good
        right answer
        how [nice|wonderful|clever]
        [you|that] [did|went] [well|great|very well]
        [so|very|really] [good|nice|clever|smart|cool]
        what a [good|great|nice|clever|smart|wonderful] [answer|bot|robot|model|job|idea]
        you [know|do|did] [that|this|it] [very |so |]well
        [impressive|bravo|wow|splendid|superb|neat|correct|exactly right]
        [I am|I'm] [really |very |]impressed
        [a|that was a] [very |really |][good|great|nice|helpful|clever] [one|answer|reply]
        you are [so|very|really] [smart|good|kind|helpful|fast]
        [best|nicest] [bot|answer|assistant] [ever|so far]
        [I|we] [really |]like [this|your answer|how you work]
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
        [find|search|look for] a [hotel|flight|shop|doctor] in {c}
        [can you |]recommend [me |]a [hotel|bar|museum] in {c}
        [what is|what's] the [population|size|area|anthem|president|history] of {n}
        [who|what] is the [king|president|leader|mayor] of [{n}|{c}]
        how [big|large|old|far|rich] is [{n}|{c}]
        [draw|paint|sketch|print] [a picture|a map] of {c}
        [define|explain] the word {v}
        [explain|summarize|describe] [to me |]what {v} is
        what [should|can|do] I [read|watch|buy|eat|drink|wear] [today|tonight|in {c}]
        [who|when did somebody] [paint|invent|write|discover] {v}
        [tell me|what is] [the stock price|the price|the cost] of {v}
        how much does {v} cost
        [show|tell|read] me [the news|the headlines|a joke|a story]
        what [happened|is new] in {c} [yesterday|today|]
        why is the sky blue
        what is {v}
        [are|is] {v} [good|healthy|expensive]
        [where|when] can I [buy|find|see] {v}
        [can you|please] [sing|dance|laugh|cook]
        [make|build] me a [website|cake|coffee|list of films]
        [who|what] do you [love|like|think of]
        [open|read|delete|print] [my |the ][file|mail|calendar|photos]
        [remind|wake] me [at seven|tomorrow|in an hour]
        [cancel|change] my [flight|order|appointment]
        where is [{c}|{n}]
        which river flows through {c}
        how do I [cook|make|fix|clean] {v}
        [pay|send] [ten dollars|some money] to {v}
        in which country is {c}
        what [film|book|song] [is|do you recommend] [best|]
        [switch|turn] the [music|lamp|fan|tv] [on|off]
        turn [on|off] my [radio|computer|heating]
        [speak|talk] [French|German|Latin] [with|to] me
        what language do people speak in {c}
        [run|write] a [python|computer] program
        teach me [to dance|languages|python|{v}]
        where is the [next|best] [doctor|shop|station] [in {c}|]
        is it [healthy|expensive|good] to [eat|buy] {v}
        [stop|cancel] the [meeting|order|alarm]
        find me a [doctor|movie|shop|job]
        how many [people|inhabitants] does {n} have
        do many people live in {c}
        order [dinner|lunch|food] for {v}
        make up [a story|a name] for {v}
        compose [music|a letter|a rap] [for me|]
        [look|search] for {v}
        [who|which person] [owns|runs|leads|founded] {v}
        [what|which] [car|phone|laptop|book|game] [should I|do I|can I] [buy|get|read|play]
        [read|write] [my |an |the ][email|emails|diary|letters]
        [take|make] a [photo|selfie|video|call|note for {v}]
        [install|download|update] [{v}|the app|python|a game]
        [what|which] [team|party|player] [won|lost] [yesterday|the match|in {c}]
        when [is|was|does] [the train to {c}|the next bus|{v}|christmas]
        [when|why] did {v} [happen|die|win|start]
        why [is|are] [{v}|people|dogs|you] so [expensive|old|big|famous]
        [do you|can you] [know|remember] [a joke|a good film|a recipe|who {v} is]
        [give|send] me [a recipe for {v}|some money|a present|your phone number|a discount]
        [what|how much] [is|are] [the bitcoin|the gold|the ticket|the fuel] [price|worth]
        [is|was] {v} [a good|an old|a famous] [film|book|singer|place]
        [how|where] did {v} [live|grow up|begin]
        [show|draw] me [a map|a photo|a picture] of [{c}|{n}|{v}]
        [what|which] [sea|airport|language|religion|food] [is|are] [in|near] [{c}|{n}]
        [what is|what's] the [best|oldest|nearest] [hotel|museum|street|airport] [in|near] {c}
        [how many|which] [cities|states|lakes|islands|rivers] [are in|does] {n} [have|]
        who [lives|was born|works] in [{c}|{n}]
        what [time does the shop|time does the museum] [open|close]
        [plan|organize] [a trip|a holiday|a party|my day] [to {c}|in {c}|for me|]
        [rate|review|check|proofread|rewrite] [my essay|this text|my code|{v}]
        [sort|count|spell|reverse] [these words|this list|the letters of {v}|{v}]
        [add|put] {v} [to my calendar|on my shopping list|in the basket]
        [solve|guess] [a riddle|this puzzle|the crossword]
        [tell|give] me [a riddle|a fact about {v}|advice|some tips|news about {v}]
        [should I|may I|can I] [trust|marry|visit|buy|sell] {v}
        [connect|log] me [to|in to] {v}
        [start|stop|pause|restart] [the car|the video|the music|a timer|{v}]
        [roll a die|flip a coin|pick a number|choose a card]
        [measure|weigh|scan|repair] [my dog|the table|this|{v}]
        [post|share|upload] [this|{v}|a photo] [on the web|to my page|]
        [what|how] do [cats|dogs|birds|people] [eat|sleep|think|work]
        [what|which] year [was {v} born|did {v} start|is it in the film]
        [who|what] [sings|plays|wrote] [this song|the song {v}|{v}]
    """,
}
