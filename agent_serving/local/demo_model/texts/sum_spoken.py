"""More ways people ask for sums and units, as they would type them."""

from __future__ import annotations

TEXTS = {
    "calculator": """
        what's the damage for {x}
        punch {x} into the calculator
        [crunch|run] the numbers on {x}
        [I'm|I am] terrible at maths, what's {x}
        my calculator is dead, can you do {x}
        too lazy to do this in my head: {x}
        need a hand with some maths, {x}
        [maths|math] homework says {x}, what should I get
        my kid is stuck on {x}, what's the right answer
        how would you work out {x}
        {x}, how much does that come to
        {x} comes out at what
        what does {x} [work out to|amount to|add up to]
        what should I get if I type in {x}
        splitting a bill here, {x} is how much
        just so I'm sure, how much is {x}
        double-check this for me: {x}
        I keep getting {x} wrong, what is it really
        can't figure out {x}, any help
        {x}, what's the answer
        answer to {x}
        what's the answer to {x}
        [got|have you got] an answer for {x}
        go ahead and calculate {x}
        [mind|would you mind] working out {x}
        any chance you could work out {x}
        I was wondering what {x} comes to
        [stick|put|type] {x} in the calculator
        calculator: {x}
        calc {x}
        eval {x}
        solve this one: {x}
        what do we get when we take {x}
        suppose I take {x}, what do I end up with
        if you take {x}, what do you end up with
        doing my budget, I need {x}
        for my spreadsheet I need the value of {x}
        we're arguing about {x}, who can settle it with the exact result
        settle a bet: what is {x}
        pop quiz, {x}
        be my calculator: {x}
        let me have the result of {x}
        it would help me to know {x}
        do you happen to know what {x} comes to
        the sum I'm stuck on is {x}
        here's a sum for you: {x}
        [there's|here's] one for the calculator, {x}
        {x} please, I need the exact number
        {x} and be precise
        exactly how much would {x} be
        what's the total if it's {x}
        the shop wants {x}, how much am I paying
        at the till it says {x}, what do I owe
        I'm trying to work out {x}
        how do I get the answer to {x}, just give me the number
        I should know this but what's {x}
        quickly, {x}
        {x}, go
        {x}, can you do that one
        spare me the arithmetic and do {x}
        before I pay, can you check what {x} is
        not sure what {x} is, could you see
    """,
    "convert": """
        recipe says {v} {a}, I only have a scale in {b}
        the recipe calls for {v} {a}, what's that in {b}
        the label says {v} {a}, how many {b} is it
        the sign says {v} {a}, what would it be in {b}
        I only understand {b}, so what's {v} {a}
        I never learned {a}, can you put {v} {a} into {b} for me
        we don't use {a} here, what's {v} {a} in {b}
        I grew up with {b}, what does {v} {a} mean
        what's {v} {a} in proper {b}
        my friend says {v} {a}, but I think in {b}
        the manual gives {v} {a} and I need it in {b}
        the form asks for {b} but all I have is {v} {a}
        the form wants {b}, I've got {v} {a}
        mine only shows {a}, it reads {v} {a}, what's that in {b}
        in {b}, what's {v} {a}
        in {b}, how much would {v} {a} be
        in terms of {b}, {v} {a} is what
        what's the equivalent of {v} {a} in {b}
        {b} equivalent of {v} {a}
        equivalent in {b} for {v} {a}
        what's the {b} figure for {v} {a}
        {v} {a} corresponds to how many {b}
        how many {b} [correspond|amount] to {v} {a}
        how many {b} would {v} {a} work out to
        {v} {a} works out to how many {b}
        what does {v} {a} come out to in {b}
        {v} {a} comes to how many {b}
        {a} to {b}, {v}
        {a} to {b}: {v}
        {a} into {b} please, it's {v}
        from {a} to {b}, the number is {v}
        going from {a} to {b}, what does {v} become
        {v} from {a} to {b}
        take {v} {a} and give it to me in {b}
        change {v} from {a} to {b}
        switch {v} {a} over to {b}
        swap {v} {a} for {b}
        make {v} {a} into {b}
        do a conversion for me, {v} {a} to {b}
        unit conversion: {v} {a} to {b}
        [quick conversion|conversion needed]: {v} {a} to {b}
        could I get {v} {a} in {b}
        may I have {v} {a} in {b}
        let me see {v} {a} in {b}
        let's have {v} {a} in {b}
        help me convert {v} {a} to {b}
        help, I need {v} {a} in {b}
        [mind|would you mind] converting {v} {a} to {b}
        any idea what {v} {a} is in {b}
        any idea how many {b} {v} {a} would be
        I'm trying to figure out {v} {a} in {b}
        I can't picture {v} {a}, give it to me in {b}
        {v} {a} means nothing to me, what is it in {b}
        no clue what {v} {a} is, say it in {b}
        {v} {a}, what's that in {b}
        {v} {a}, that's how many {b}
        {v} {a}, how much is that if you use {b}
        {v} {a} but in {b}
        {v} {a} = how many {b}
        {v} {a} = {b}
        {v} {a} > {b}
        {v} {a} [given|shown|written] in {b}
        {v} {a} is the same as how many {b}
        what number of {b} is the same as {v} {a}
        if it's {v} {a}, how many {b} would that be
        if something is {v} {a}, what is it in {b}
        suppose it's {v} {a}, what does that make it in {b}
        say it's {v} {a}, how many {b} would I be looking at
        someone told me {v} {a}, I'd rather hear it in {b}
        they gave me {v} {a}, I want {b}
        they said {v} {a} on the news, what's that in {b}
        I read {v} {a} somewhere, how many {b} is that
        my cousin said {v} {a}, how much is it in {b}
        for a school project I need {v} {a} as {b}
        for work I have to write {v} {a} in {b}
        ordering online, it says {v} {a}, how many {b} would that be
        I'm abroad and everything is in {a}, so what's {v} {a} in {b}
        I measured {v} {a}, how would I say that in {b}
        how do I write {v} {a} in {b}
        how do you say {v} {a} in {b}
        roughly how many {b} is {v} {a}
        exactly how many {b} are {v} {a}
        I was wondering how many {b} {v} {a} would be
        I have no feeling for {a}, how many {b} is {v} {a}
    """,
}
