"""Ways to have something kept, and to get it back."""

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
        [remember|note|save] that the {k} is {v}
        I want you to [note|save|keep] that my {k} is {v}
        [keep|note] my {k} for [me|later]: {v}
        [store|save|write down] my {k} as {v}
        it [is|would be] good to remember that my {k} is {v}
        my {k} is {v}. [remember|note|save|keep] [it|that|this]
        [can|could] you [save|store|note|keep] my {k}, [it is|it's] {v}
        {v} is my {k}
        {v} is my {k}, [remember|save|keep] that
        [let|make] my {k} be {v}
        [the|my] {k} is called {v}, [remember|note] [it|that]
        [note|memorize|store] {v} [as|under] my {k}
        [new|for later]: my {k} is {v}
        you [must|have to] remember my {k}: {v}
        please [save|store|keep] {v} for me as my {k}
        [important|attention]: my {k} is {v}
        [set|put] my {k} to {v}
        [know|write down] that my {k} is {v}
        [write|put] down: my {k} is {v}
        now my {k} is {v}
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
        [can|could] you [look up|find|get] my {k}
        I [need|want] [my {k}|to know my {k}]
        [show|say|read] me my {k}
        what [have I|did I] [saved|noted|stored|kept] as my {k}
        what [is saved|is noted|do you have noted] [as|under] my {k}
        [do you have|have you got] my {k}
        [did I tell|have I told] you my {k}
        what do you [know|remember] about my {k}
        [which|what] was my {k} [again|]
        how was my {k} called
        [could|can] you say what my {k} [is|was]
        what {k} have I [got|told you]
        tell me what my {k} is
        I don't remember my {k}
        [find|get|show] my {k}
        my {k} was what
        [tell|remind] me [which|what] {k} I have
    """,
}
