"""Ways to ask for what takes several steps."""

from __future__ import annotations

TEXTS = {
    "compute_remember": """
        [calculate|compute|work out] {x} and [remember|save|store|keep] [it|the result] as {k}
        what is {x}? [remember|save|keep] it as {k}
        [remember|save|store] the result of {x} as {k}
        [remember|save|keep] {x} as {k}, but [compute|calculate] it first
        {x}, then [remember|save] it as {k}
        work out {x}, then keep the result under {k}
        [calculate|compute|work out] {x}, [and|then] [store|note|save] [it|that] [under|as] {k}
        what is {x}? then [keep|note|store] [the result|that] as {k}
        [figure out|solve|evaluate] {x} and [save|keep] the [result|answer] as my {k}
        [save|note|store|keep] the [result|value|answer] of {x} [as|under] {k}
        how much is {x}? [remember|store|keep] it as my {k}
        I need {x}, [save|remember] it as {k}
        please [work out|compute] {x} and remember it as my {k}
        {x}, and [keep|store|note] the result as {k}
    """,
    "convert_scale": """
        convert {v} {a} to {b} and {op:[it|the result|that]}
        what is {v} {a} in {b}, and then {op:[it|the result]}
        {v} {a} to {b}, then {op:[it|the result]}
        [turn|change] {v} {a} into {b} and {op:that}
        how many {b} are {v} {a}? then {op:it}
        first convert {v} {a} to {b}, then {op:the result}
        [first |]convert {v} {a} [to|into] {b}, [and then|then] {op:it}
        [give me|express] {v} {a} in {b} and [then |]{op:it}
        what is {v} {a} in {b}? [now|then] {op:that}
        how much is {v} {a} in {b}? {op:the result}
        [first |]turn {v} {a} into {b}, then {op:it}
        {v} {a} in {b}, and {op:that}
        I need {v} {a} in {b}, then {op:it}
    """,
    "convert_remember": """
        convert {v} {a} to {b} and [remember|save|keep] it as {k}
        [remember|save|store] {v} {a} in {b} as {k}
        {v} {a} to {b}, then [remember|save] it as {k}
        how many {b} are {v} {a}? [keep|save] it as {k}
        turn {v} {a} into {b} and store the result as {k}
        [first |]convert {v} {a} [to|into] {b}, then [store|note|keep] [it|the result] as {k}
        what is {v} {a} in {b}? [remember|save|store] [it|that] as my {k}
        [turn|change] {v} {a} into {b} and [remember|save|keep] [it|that] as {k}
        how much is {v} {a} in {b}? [save|note] [it|the result] as {k}
        [note|keep|store] {v} {a} in {b} [as|under] my {k}
        {v} {a} in {b}, and [keep|store|remember] [that|it] as {k}
        express {v} {a} in {b} and keep the result as my {k}
    """,
    "convert_scale_remember": """
        convert {v} {a} to {b}, {op:it} and [remember|save|keep] [it|the result] as {k}
        {v} {a} to {b}, then {op:it}, then [remember|save] it as {k}
        first convert {v} {a} to {b}, then {op:that} and store it as {k}
        what is {v} {a} in {b}? {op:it} and keep the result as {k}
        [turn|change] {v} {a} into {b}, {op:it} and [store|note|save] [that|it|the result] as {k}
        how many {b} are {v} {a}? {op:that} and [keep|remember] it as {k}
        convert {v} {a} [to|into] {b}, then {op:the result} and [keep|save] it as my {k}
        first turn {v} {a} into {b}, then {op:it}, then [store|keep] the result as {k}
        {v} {a} in {b}, {op:it}, and [remember|save] that as {k}
        what is {v} {a} in {b}? Then {op:it} and save it as my {k}
        how much is {v} {a} in {b}? {op:the result} and store that as {k}
    """,
    "compute_convert": """
        what is {x} {a} in {b}
        convert {x} {a} to {b}
        [calculate|compute] {x} and convert [it|the result] from {a} to {b}
        how many {b} are {x} {a}
        work out {x} {a} in {b}
        {x} {a} to {b}
        [turn|change] {x} {a} into {b}
        [work out|figure out] {x} and [turn|convert] [it|that] from {a} [to|into] {b}
        [express|give me] {x} {a} in {b}
        how much is {x} {a} in {b}
        {x} {a} in {b}
        what is {x}? convert [it|the result] from {a} to {b}
        first [compute|calculate] {x}, then convert it from {a} to {b}
        I need {x} {a} in {b}
    """,
    "compute_convert_remember": """
        [calculate|compute] {x}, convert it from {a} to {b} and [remember|save] it as {k}
        work out {x}, turn it from {a} into {b} and keep it as {k}
        convert {x} {a} to {b} and [remember|save|keep] it as {k}
        what is {x} {a} in {b}? remember it as {k}
        [turn|change] {x} {a} into {b} and [store|note|remember] [it|the result] as {k}
        [compute|work out] {x}, then [turn|convert] it from {a} to {b} and [keep|store] that as {k}
        how many {b} are {x} {a}? [save|keep|remember] it as {k}
        first [calculate|compute] {x}, convert it from {a} to {b}, then [save|store] it as {k}
        {x} {a} in {b}, and [remember|keep] [it|that] as my {k}
        how much is {x} {a} in {b}? [keep|store] the result as {k}
        {x} {a} to {b}, then [save|remember] it as {k}
    """,
    "recall_scale": """
        {op:my {k}}
        take my {k} and {op:it}
        [can you |]{op:my {k}}
        what do I get if I {op:my {k}}
        look up my {k} and {op:it}
        recall my {k}, then {op:it}
        [get|find|take] my {k}, then {op:it}
        [look up|recall|get] my {k} and {op:[it|that]}
        [please |][could you |]{op:my {k}}
        what is it if you {op:my {k}}
        I want you to {op:my {k}}
        first [recall|look up] my {k}, then {op:that}
        how much is it if I {op:my {k}}
    """,
    "recall_scale_remember": """
        {op:my {k}} and [remember|save|keep] it as {j}
        take my {k}, {op:it} and [remember|save] the result as {j}
        look up my {k}, {op:it}, and store it as {j}
        recall my {k}, {op:it} and keep that as {j}
        [get|find] my {k}, {op:it} and [remember|save|store] [it|that] as {j}
        [look up|recall|take] my {k}, {op:that}, then [keep|save] the result as {j}
        first recall my {k}, then {op:it}, then store it as {j}
        {op:my {k}}, then [save|keep|note] [it|the result] as {j}
        please {op:my {k}} and [note|store] that as my {j}
        I want you to {op:my {k}} and keep the result as {j}
        {op:my {k}}, and [store|remember] the result under {j}
    """,
    "recall_scale_convert": """
        {op:my {k}} and convert it from {a} to {b}
        take my {k}, {op:it} and convert the result from {a} to {b}
        look up my {k}, {op:it}, then turn it from {a} into {b}
        recall my {k}, {op:it} and convert it from {a} to {b}
        [get|find] my {k}, {op:it} and [convert|turn] [it|that] from {a} [to|into] {b}
        [recall|look up] my {k}, {op:that} and turn the result from {a} into {b}
        first recall my {k}, then {op:it}, then convert it from {a} to {b}
        {op:my {k}}, then [convert|turn] [it|the result] from {a} [to|into] {b}
        please {op:my {k}} and convert that from {a} to {b}
        I want you to {op:my {k}} and turn it from {a} into {b}
        {op:my {k}} and change the result from {a} to {b}
    """,
    "recall_scale_convert_remember": """
        {op:my {k}}, convert it from {a} to {b} and [remember|save] it as {j}
        take my {k}, {op:it}, convert it from {a} to {b} and keep it as {j}
        look up my {k}, {op:it}, turn it from {a} into {b} and store it as {j}
        recall my {k}, {op:it}, convert it from {a} to {b} and save it as {j}
        [get|find] my {k}, {op:it}, [convert|turn] it from {a} to {b} and [keep|save] it as {j}
        [recall|take] my {k}, {op:that}, turn it from {a} into {b}, then [store|save] that as {j}
        first recall my {k}, then {op:it}, convert it from {a} to {b} and keep that as {j}
        {op:my {k}}, turn [it|that] from {a} into {b} and [store|note|remember] that as {j}
        please {op:my {k}}, convert it from {a} to {b} and save that as {j}
        {op:my {k}}, then convert it from {a} to {b}, then [keep|remember] it as {j}
        I want you to {op:my {k}}, convert it from {a} to {b} and store it as my {j}
    """,
    "recall_convert": """
        convert my {k} from {a} to {b}
        [what is|what's] my {k} in {b} [if it is in {a}|from {a}]
        turn my {k} from {a} into {b}
        look up my {k} and convert it from {a} to {b}
        my {k} is in {a}, what is it in {b}
        [get|find|recall|take] my {k} and [convert|turn|change] it from {a} [to|into] {b}
        how many {b} is my {k}, it is in {a}
        how much is my {k} in {b} [from|if it is in] {a}
        my {k} is in {a}, [convert|turn] it [to|into] {b}
        [change|translate] my {k} from {a} [to|into] {b}
        the {k} from {a} to {b}
        I want my {k} converted from {a} to {b}
        [please |]express my {k} in {b}, it is in {a}
    """,
    "recall_weather": """
        what is the weather in my {k}
        how is the weather in my {k}
        weather in my {k}
        [check|tell me] the weather [in|for] my {k}
        what's the weather like in my {k}
        look up my {k} and tell me the weather there
        is it [raining|sunny|cold|warm] in my {k}
        [find|get|recall] my {k} and [check|tell me] the weather there
        [can you|could you] [check|tell me] the weather in my {k}
        the weather [in|for] my {k}
        how's the weather in my {k} [today|now|]
        what's it like in my {k}
        take my {k} and tell me the weather
        what is the temperature in my {k}
        is it [warm|cold|raining|sunny] [today|now] in my {k}
        how [warm|cold] is it in my {k}
    """,
    "weather_fahrenheit": """
        [what is|what's] the temperature in {c} in [fahrenheit|degrees fahrenheit]
        how [warm|cold|hot] is it in {c} in fahrenheit
        temperature in {c} in fahrenheit
        weather in {c} in fahrenheit
        [tell me|give me] the temperature in {c} in fahrenheit
        how many degrees fahrenheit is it in {c}
        [check|look up|get] the temperature in {c} in [fahrenheit|degrees fahrenheit]
        what temperature is it in {c} in fahrenheit
        in fahrenheit, how [warm|cold|hot] is it in {c}
        the [temperature|weather] in {c} in [fahrenheit|degrees fahrenheit]
        [how many|what] degrees fahrenheit [are there|do they have] in {c}
        what's the weather in {c} in degrees fahrenheit
        {c} temperature in fahrenheit
        I [need|want] the temperature in {c} in fahrenheit
    """,
    "recall_weather_fahrenheit": """
        [what is|what's] the temperature in my {k} in fahrenheit
        how [warm|cold|hot] is it in my {k} in fahrenheit
        temperature in my {k} in fahrenheit
        [tell me|give me] the temperature in my {k} in fahrenheit
        how many degrees fahrenheit is it in my {k}
        [check|look up|get] the temperature in my {k} in [fahrenheit|degrees fahrenheit]
        what temperature is it in my {k} in fahrenheit
        in fahrenheit, how [warm|cold|hot] is it in my {k}
        the [temperature|weather] in my {k} in fahrenheit
        what degrees fahrenheit do they have in my {k}
        what's the weather in my {k} in degrees fahrenheit
        I [need|want] the temperature in my {k} in fahrenheit
        weather in my {k} in fahrenheit
    """,
    "recall_weather_fahrenheit_remember": """
        [remember|save|keep] the temperature in my {k} in fahrenheit as {j}
        what is the temperature in my {k} in fahrenheit? [remember|save] it as {j}
        look up the temperature in my {k} in fahrenheit and keep it as {j}
        [get|find] the temperature in my {k} in fahrenheit and store it as {j}
        [look up|get|check] the temperature in my {k} in fahrenheit and [remember|save] that as {j}
        how [warm|cold|hot] is it in my {k} in fahrenheit? [store|keep|note] it as {j}
        [store|note] the temperature in my {k} in [fahrenheit|degrees fahrenheit] [as|under] {j}
        what is the temperature in my {k} in fahrenheit? [keep|store] [it|that] as {j}
        find the temperature in my {k} in fahrenheit, then [save|keep] it as {j}
        the temperature in my {k} in fahrenheit, and remember it as {j}
    """,
    "currency_remember": """
        [remember|save|keep|store] the currency of {c} as {k}
        look up the currency of {c} and [remember|save] it as {k}
        what is the currency of {c}? [remember|save|keep] it as {k}
        find the currency of {c}, then store it as {k}
        [find|get|look up] the currency of {c} and [keep|store|note] [it|that] as {k}
        [which|what] currency [does {c} have|is used in {c}]? [save|remember] it as {k}
        [look up|get] the currency of {c}, then [save|remember|keep] it as {k}
        the currency of {c}, and [remember|store] [it|that] as {k}
        [note|keep|save] [the|what] currency {c} [has|uses] as my {k}
        tell me the currency of {c} and [remember|save] it as {k}
        what is the currency of {c}? [store|note] that as my {k}
    """,
}
