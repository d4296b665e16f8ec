"""More ways to go on from earlier turns with another thing, as people type them."""

from __future__ import annotations

TEXTS = {
    "and_place": """
        what would it be for {c}
        can you check {c} too
        do {c} next
        and could you do {c} as well
        my brother is in {c}, what about there
        ok, same thing but {c}
        and if I were in {c}
        what about over in {c}
        try {c}
        let's do {c}
        then I fly on to {c}, what about there
        and for my friend in {c}
        {c} next
        and {c}, while you're at it
        once more for {c}
        great, and {c}
        repeat that for {c}
        one more place, {c}
        I'd also like to know for {c}
        {c} instead
        sorry, I meant {c}
        no, for {c}
        make that {c}
        do the same for {c}
        hmm, and in {c} then
    """,
    "and_country": """
        what would it be for {c}
        can you check {c} too
        do {c} next
        and could you do {c} as well
        my brother moved to {c}, what about that one
        ok, same thing but {c}
        and if it were {c}
        try {c}
        let's do {c}
        then we travel on to {c}, what about there
        {c} next
        and {c}, while you're at it
        once more for {c}
        great, and {c}
        repeat that for {c}
        one more country, {c}
        I'd also like to know {c}'s
        {c} instead
        sorry, I meant {c}
        no, for {c}
        make that {c}
        do the same for {c}
        and what's {c}'s
        how about {c}'s
        hmm, and {c} then
    """,
    "and_key": """
        can you check my {k} too
        and could you tell me my {k} as well
        did I give you my {k}
        have you got my {k} too
        ok, and my {k}
        then my {k}
        one more, my {k}
        my {k}, while you're at it
        I've forgotten my {k} too
        what did I say my {k} was
        great, and the {k}
        I'd also like to know my {k}
        sorry, I meant my {k}
        no, the {k}
        do you have the {k} as well
        and remind me of my {k}
        what was my {k} again
        let's see my {k}
        hmm, and my {k} then
        look for my {k} as well
        and do you still have my {k}
        my {k} instead
        and what did I tell you about my {k}
        I could use my {k} too
        and what have you got under {k}
    """,
    "and_value": """
        what would {v} {a} come to
        can you do {v} {a} too
        try {v} {a}
        let's do {v} {a}
        ok, same thing but {v} {a}
        and if I have {v} {a}
        say it was {v} {a}
        {v} {a} next
        and {v} {a}, while you're at it
        once more with {v} {a}
        great, and {v} {a}
        repeat that for {v} {a}
        I'd also like to know for {v} {a}
        sorry, I meant {v} {a}
        no, {v} {a}
        make that {v}
        do the same for {v}
        hmm, and {v} {a} then
        suppose I had {v} {a}
        change it to {v} {a}
        my friend has {v} {a}, what about that
        and could you do {v} as well
        with {v} instead
        how much would {v} {a} be
        redo it with {v}
    """,
    "and_unit": """
        can I have that in {b}
        can you do {b} too
        and could you give it in {b} as well
        try {b}
        let's see it in {b}
        ok, same thing but in {b}
        what does that make in {b}
        and as {b}
        {b} next
        and {b}, while you're at it
        once more, in {b}
        great, and in {b}
        I'd also like to know it in {b}
        sorry, I meant {b}
        no, in {b}
        make that {b}
        hmm, and in {b} then
        how many {b} would it be
        my friend only knows {b}
        put it in {b} for me
        switch that to {b}
        express that as {b}
        I'd rather have {b}
        and how much would that be in {b}
        now do it for {b}
    """,
    "scale": """
        ok, and if you {op:that}
        what do you get when you {op:it}
        go ahead and {op:it}
        take that and {op:it}
        I'd like you to {op:that}
        what happens if we {op:it}
        good, so {op:the result}
        next up, {op:that}
        from there, {op:it}
        now I have to {op:that}, what is it
        say I {op:it}
        do me a favour and {op:that number}
        alright, {op:it}
        great, now {op:that number}
        and what would it be if you {op:that}
        time to {op:it}
        suppose we {op:the result}
        with that, {op:it}
        one more step: {op:that}
        lastly, {op:the number}
        hmm, {op:it} then
        if I {op:that}, what comes out
        if you could {op:that}
        don't stop there, {op:it}
        your answer, {op:it}
    """,
    "shift": """
        ok, {op}
        go on, {op}
        and now {op}
        great, {op}
        alright, {op}
        from there, {op}
        next up, {op}
        and after that {op}
        one more step: {op}
        lastly, {op}
        hmm, {op}
        with the answer, {op}
        the result, {op}
        good, now {op}
        let's go on: {op}
        that number, {op}
        could you {op}
        the answer, {op}
        what comes out with {op}
        do this: {op}
        and how much is it {op}
        fine, then {op}
        finally {op}
        what's your answer {op}
        right, {op}
    """,
    "remember_result": """
        hang on to that as my {k}
        jot that down as {k}
        file that under {k}
        write that down as my {k}
        that's my {k}, don't forget it
        put that away as {k}
        log it as my {k}
        make a note of that, it's my {k}
        can you hold on to that number as {k}
        great, save it, that's my {k}
        I'll need that later, call it {k}
        record the answer as {k}
        memorise that as my {k}
        commit that to memory as {k}
        call that my {k} and keep it
        so my {k} is that, save it please
        put the answer down as my {k}
        I want that saved under {k}
        set my {k} to that
        that goes down as {k}
        for later, that number is my {k}
        would you file the answer as my {k}
        make that number my {k}
        as {k}, please save that
        good, that should be kept as my {k}
    """,
}
