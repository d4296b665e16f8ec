"""Ways to go on from earlier turns."""

from __future__ import annotations

TEXTS = {
    "and_place": """
        what about in {c}
        and {c}
        and what about in {c}
        ok and {c}
        and over in {c}
        and in {c} please
        {c} too
        and in {c}
        what about {c}
        and {c}
        how about {c}
        how about in {c}
        and what about {c}
        {c}
        in {c}
        and for {c}
        same for {c}
        [the same|same question] for {c}
        [what|how] about in {c}
        now {c}
        and there in {c}
        [ok|so|now] [what|how] about {c}
        and [over |][there |]in {c}
        [now|then] in {c}
        [also|next] {c}
        the same [thing |]in {c}
        [and|now] the same for {c}
        I also [need|want] {c}
        {c} as well
        {c}, too
        [and|also] for {c} please
        tell me for {c}
    """,
    "and_country": """
        and of {c}
        and that of {c}
        and what about in {c}
        what about in {c}
        {c} too
        and {c}'s
        and of {c}
        what about {c}
        and {c}
        how about {c}
        and in {c}
        and for {c}
        same for {c}
        {c}
        and what about {c}
        [the same|same question] for {c}
        what of {c}
        [ok|so|now] [what|how] about {c}
        [and|now] the same for {c}
        the same of {c}
        [also|next|now] {c}
        and what of {c}
        I also [need|want] {c}'s
        {c} as well
        [and|also] that of {c} please
        tell me for {c}
        what is it for {c}
    """,
    "and_key": """
        and what is my {k}
        and what's the {k}
        {k}
        and the {k} too
        and my {k}
        what about my {k}
        and the {k}
        how about my {k}
        and what about my {k}
        what about the {k}
        also my {k}
        [ok|so|now] what about my {k}
        [and|also|now] [my|the] {k}
        [and|also] my {k} please
        I also [need|want] my {k}
        my {k} as well
        and do you know my {k}
        how about the {k}
        the {k}
        what about {k}
        [next|now] my {k} please
    """,
    "and_value": """
        and if it's {v} {a}
        make it {v} {a}
        and what about {v} {a}
        what if it is {v} {a}
        and {v} then
        and {v} {a}
        what about {v} {a}
        how about {v} {a}
        and what is {v} {a}
        {v} {a}
        and {v}
        what about {v}
        how about {v}
        and for {v}
        same for {v}
        now {v} {a}
        [ok|so] [what|how] about {v} {a}
        [and|now] with {v} {a}
        {v} {a} instead
        [also|next] {v} {a}
        the same [for|with] {v} {a}
        if it [is|were] {v} {a}
        and [if|when] it is {v}
        what [is|would] {v} {a} be
        now the same for {v}
        what is it for {v} {a}
    """,
    "and_unit": """
        what about in {b}
        how much is that in {b}
        how about in {b}
        and how many {b} is that
        what's that in {b}
        convert that to {b}
        and in {b}
        what about {b}
        and in {b}, how much is that
        how about {b}
        and to {b}
        in {b}
        and what is that in {b}
        {b}
        the same in {b}
        [ok|so] [what|how] about {b}
        [and|now] [that|the same] in {b}
        [and|also] in {b} please
        how many {b} [is|are|makes] that
        [and|now] [convert|change|turn] [it|that] [to|into] {b}
        show [me |]that in {b}
        I [also |]need [it|that] in {b}
        {b} instead
        in {b} instead
        what would that be in {b}
        [now|then] to {b}
    """,
    "scale": """
        what if I {op:that}
        please {op:that}
        could you {op:that}
        {op:that}
        {op:it}
        now {op:that}
        and {op:it}
        {op:the result}
        {op:that number}
        [can you |]{op:it}
        then {op:the result}
        ok {op:that}
        [so |]{op:it}
        I [want|need] you to {op:that}
        [would|will] you {op:it}
        and then {op:that}
        let's {op:that}
        {op:the number}
        [now|next] {op:the result}
        [and|now] please {op:it}
        {op:this}
    """,
    "shift": """
        and if you {op}
        next {op}
        [please |]{op}
        {op}
        and {op}
        now {op}
        then {op}
        what if you {op}
        [can you |]{op}
        ok now {op}
        and then {op}
        so {op}
        [now|and] please {op}
        what about {op}
        that, {op}
        and what is {op}
        after that {op}
    """,
    "there_weather": """
        what's it like there
        and what's the weather like
        is it nice there
        and what is the weather there
        what's the weather [there|like there]
        how is the weather there
        and the weather there
        and the weather
        is it [warm|cold|raining] there
        and how's the weather over there
        [what|how] is the weather [over |]there
        [is it|will it be] [nice|dry|wet|sunny|windy] there
        [and|so] what is it like there
        [tell me|check] the weather there
        and is it [warm|cold|raining] there
        the weather there
        does it rain there
        [what's|what is] the temperature there
        what about the weather there
        [how many degrees|how warm|how cold] is it there
    """,
    "there_time": """
        what time do they have there
        and what's the time there
        and what time is it there
        what time is it there
        and the time there
        and the time
        what's the local time there
        how late is it there
        [what's|what is] the [current |]time there
        [and|so] how late is it there
        [tell me|check] the [local |]time there
        [and|so] what time do they have there
        the time there
        [what|which] time is it over there
        and what is the local time there
        what about the time there
        do you know the time there
        [show me|look at] the clock there
    """,
    "its_currency": """
        what's its currency
        and what currency do they use
        what money do they use there
        and its currency
        what is its currency
        what currency do they use there
        and the currency
        which currency does it have
        [and|so] what is its currency
        [and|so] the money there
        [what|which] currency do they have there
        what money do they have
        [tell me|give me] its currency
        and which currency is used there
        how do people pay there
        what is the currency there
        [what|how] about its currency
        the currency there
    """,
    "its_code": """
        and its [country |]code
        what is its [country |ISO |]code
        and the code
        which code does it have
        [tell me|give me] its [country |ISO |]code
        [and|so] what's its code
        what [country |ISO |]code does it have
        what about its [country |]code
        its [country |ISO |]code
        and which code [has it|does it have]
        how is it abbreviated
        the code of it
    """,
    "its_flag": """
        and its flag
        what is its flag
        and the flag
        show me its flag
        [tell me|give me] its flag
        and what is its flag
        what does its flag look like
        what about its flag
        its flag
        which flag does it have
        [can you |]show [me |]the flag
        the flag of it
        I want to see its flag
    """,
    "remember_result": """
        remember that number as my {k}
        [save|note] that as my {k}
        keep that result under {k}
        remember that as my {k}
        [save|store|keep|note] [that|it|the result] as {k}
        remember the result as {k}
        [save|store|keep] that under {k}
        [please |]remember it as {k}
        keep this as my {k}
        [note|store|save|remember] [this|it|that] as my {k}
        [note|store|save|remember|keep] [the|this|that] [result|number] [as|under] {k}
        I want to [keep|save] [that|it] as my {k}
        [can|could] you [save|remember|keep] [that|it|the result] as {k}
        and [save|keep|remember] [it|that] as my {k}
        [that|this] is my {k}, remember it
        now store [it|that] as {k}
        keep [the result|that number] as my {k}
        let that be my {k}
    """,
}
