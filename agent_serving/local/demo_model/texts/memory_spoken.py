"""More ways people have something kept, and get it back, as they would type them."""

from __future__ import annotations

TEXTS = {
    "remember": """
        before I forget, {k} is {v}
        before I forget, my {k} is {v}
        just so you know, my {k} is {v}
        FYI my {k} is {v}
        by the way, my {k} is {v}
        btw the {k} is {v}
        [note to self|reminder for later]: {k} is {v}
        I always forget my {k}, it's {v}, hang on to it for me
        I'm bad with details, so keep this: my {k} is {v}
        I'll forget this otherwise: my {k} is {v}
        in case I ask later, my {k} is {v}
        I might ask you later, the {k} is {v}
        you'll need this later: my {k} is {v}
        hold on to this for me, my {k} is {v}
        hang on to my {k}, it's {v}
        jot down my {k}: {v}
        jot this down, the {k} is {v}
        [jot|scribble] down that my {k} is {v}
        pop this in your notes: {k} is {v}
        stick {v} in your memory as my {k}
        put {v} in your notes under {k}
        put it on record that my {k} is {v}
        add to your notes that my {k} is {v}
        add my {k} to your memory, it's {v}
        add a note, {k} is {v}
        file {v} under {k}
        log my {k} as {v}
        record {v} as the {k}
        record that the {k} is {v}
        register my {k} as {v}
        commit this to memory: my {k} is {v}
        my {k} is {v}, commit that to memory
        learn my {k}, it's {v}
        take note, the {k} is {v}
        take this down: {k} is {v}
        take down my {k}, {v}
        make sure you remember my {k} is {v}
        be sure to remember that my {k} is {v}
        try not to forget that my {k} is {v}
        never forget, my {k} is {v}
        don't let me forget my {k}, it's {v}
        don't lose this, my {k} is {v}
        I just changed my {k}, it's {v} now
        we've got a new {k}, it's {v}
        my new {k} is {v}
        update my {k} to {v}
        update: the {k} is now {v}
        from now on my {k} is {v}
        as of today the {k} is {v}
        I decided on my {k}, it's {v}
        as for my {k}, it's {v}
        about my {k}, it's {v}, keep it in your notes
        my {k} happens to be {v}
        you can note {v} for my {k}
        let me tell you my {k}, it's {v}
        let me give you my {k}: {v}
        I'd like you to know that my {k} is {v}
        I'd like to store my {k}, which is {v}
        could you hold on to my {k} for me, it's {v}
        would you mind remembering that my {k} is {v}
        mind noting my {k} down as {v}
        {v}, that's my {k}, don't forget
        {v}, that's the {k}, save it please
        {v} is the {k}, write it down
        {v} is what I use as my {k}, keep that in mind
        when I ask for my {k}, say {v}
        if I ever ask about my {k}, it's {v}
        {k} = {v}
        {k} is {v}, keep that safe
    """,
    "recall": """
        my mind's gone blank, what's my {k}
        I've forgotten my {k} again
        it slipped my mind, what was my {k}
        what was my {k}, I can't think of it
        I can't remember my {k}, can you
        I'm drawing a blank on my {k}
        my {k} escapes me, do you have it
        {k} please, I told you earlier
        you should have my {k} in your notes, what is it
        I gave you my {k} earlier, what was it
        I told you my {k} a while ago, say it again
        I know I told you my {k}, what was it
        earlier I mentioned my {k}, what did I say
        what did I put down for my {k}
        what did I set as my {k}
        what did I set my {k} to
        what have I told you my {k} is
        what did you write down for my {k}
        what do your notes say about my {k}
        check your notes for my {k}
        check your memory, what's the {k}
        have a look in your notes for my {k}
        go through your memory and find my {k}
        dig out my {k}
        dig up the {k} I gave you
        pull up my {k}
        bring up my {k}
        fetch my {k}
        retrieve my {k}
        repeat my {k} back to me
        jog my memory, what's my {k}
        refresh my memory on my {k}
        [read|play] back the {k} I gave you
        hit me with my {k}
        let me have my {k} again
        let me see my {k}
        may I have my {k} back
        could I get my {k} from you
        any idea what my {k} is
        any chance you remember my {k}
        would you happen to know my {k}
        do you still have my {k}
        do you still remember the {k}
        have you still got the {k} I told you
        is my {k} in your notes, and what is it
        did I ever mention my {k}
        a guest is asking for the {k}, what was it
        someone needs my {k}, what did I say it was
        I'm filling in a form, what's my {k}
        I need the {k} I saved
        I want to double-check my {k}, what do you have
        just checking, what's my {k}
        wait, what's my {k}
        what's the {k} I asked you to remember
        which {k} did I ask you to keep
        the {k} I saved, what is it
        saved {k}
        {k}, what was it again
        {k}, remind me
        tell me the {k} you have on file
        what {k} do you have on file for me
        what's stored under {k}
    """,
}
