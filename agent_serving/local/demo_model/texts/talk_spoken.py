"""More ways to talk, and to ask for what no tool does, as people type them."""

from __future__ import annotations

TEXTS = {
    "impossible": """
        I'd like to reserve a table for two in {c}
        get me a cab to the airport
        any cheap flights to {c} this weekend
        can you check me in for my flight to {c}
        I need a room in {c} for three nights, sort it out please
        could you text {v} that I'm running late
        let {v} know I'm on my way
        ring {v} for me
        drop {v} a line and say thanks
        reply to the mail from {v}
        turn the volume up
        I'm in the mood for some {v}, put it on
        skip this track
        queue up something relaxing
        what are the headlines this morning
        anything new about {v}
        who's winning the game at the moment
        did {v} win last night
        how do I say good morning in Spanish
        put this into French for me: {v}
        I need {v} in Italian
        make me laugh
        got any good jokes about {v}
        I could do with a funny story
        show me some pictures of {v}
        I need a logo with {v} on it
        generate an image of {c} at night
        write a bit of code that sorts a list
        why does my program crash
        fix the bug in my script
        wake me up at six
        set a timer for ten minutes
        put an alarm on for tomorrow morning
        don't let me miss my meeting, ping me before it
        what's on my calendar this week
        move my appointment to Friday
        when did the second world war end
        who was the first person on the moon
        who discovered {c}
        tell me about the history of {c}
        what's {v} famous for
        can you explain black holes to me
        how does a car engine work
        I've got a headache, what should I take
        what can I make for dinner with {v}
        my laptop is broken, any idea what's wrong
        is there a good place to eat in {c}
        what should I see when I'm in {c}
        how long is the drive from {c} to {n}
        which bus do I take to the station
        are the roads in {c} busy
        do I need a visa for {n}
        which language should I speak in {n}
        who's in charge of {n}
        how many folks live in {c}
        help me with my essay about {v}
        give me a nice birthday message for {v}
        dim the lights a bit
        is the door locked
        how are my shares doing
        should I invest in {v}
        get me some groceries
        when's the next train from here to {c}
        give me a good name for my cat
        recommend something to watch
    """,
    "abilities": """
        what are you capable of
        what have you got to offer
        what sort of questions can you answer
        I'm new here, what can I do with you
        give me an idea of what you can do
        what's in your toolbox
        what would you be useful for
        tell me about your features
        what features have you got
        how could you be of use to me
        I don't know what to ask, what can you handle
        which jobs can I give you
        what could I try with you
        what's your purpose
        can you list the things you do
    """,
    "who": """
        and you are
        who's this
        do you go by a name
        is there a human behind this
        what should I know about you
        tell me who you are
        is this a chatbot
        so what's your name then
        who am I dealing with
        are you some sort of computer program
        I'd like to know who you are
        where do you come from
        who's your maker
        whose idea were you
        say a few words about yourself
    """,
    "how_are_you": """
        how's everything going
        how's life treating you
        you alright
        how's your day been
        are you having a good day
        how goes it
        what's new with you
        everything good on your end
        how do you feel this morning
        did you sleep well
        you good
        how have things been
        feeling okay today
        how's my favourite robot doing
        in good shape today
    """,
    "hello": """
        hey, good to have you here
        hi, it's me
        hello, I'm back
        morning
        evening all
        good morning sunshine
        oh hello
        hey, you there
        ahoy
        hi, first time here
        top of the morning to you
        well hello there
        hey hello
        just wanted to say hi
        afternoon
    """,
    "thanks": """
        ta
        you've been a great help
        that's just what I was after, thank you
        thanks, I owe you one
        couldn't have done it without you, thanks
        you saved my day
        thank you, you're a star
        brilliant, thanks a bunch
        that's very good of you
        nice one, thanks
        thank you ever so much
        thanks, that's all I wanted to know
        I'm much obliged
        much obliged
        bless you, that was useful
    """,
    "bye": """
        cheerio
        I'm heading off now
        gotta go
        got to run, bye
        have a good one
        right, I'm off
        ciao
        take care of yourself
        that'll be all, bye
        see ya
        nothing else for now, goodbye
        time for bed, good night
        so long
        we'll speak again soon
        I'll leave you to it
    """,
    "compliment": """
        you rock
        spot on
        you're a genius
        that was quick
        top marks
        you're better than I thought
        nailed it
        couldn't be better
        you're really getting the hang of this
        that was a clever move
        hats off to you
        you never let me down
        I'm a fan of yours
        love how fast you are
        couldn't have said it better
    """,
}
