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
    """,
    "convert_scale": """
        convert {v} {a} to {b} and {op:[it|the result|that]}
        what is {v} {a} in {b}, and then {op:[it|the result]}
        {v} {a} to {b}, then {op:[it|the result]}
        [turn|change] {v} {a} into {b} and {op:that}
        how many {b} are {v} {a}? then {op:it}
        first convert {v} {a} to {b}, then {op:the result}
    """,
    "convert_remember": """
        convert {v} {a} to {b} and [remember|save|keep] it as {k}
        [remember|save|store] {v} {a} in {b} as {k}
        {v} {a} to {b}, then [remember|save] it as {k}
        how many {b} are {v} {a}? [keep|save] it as {k}
        turn {v} {a} into {b} and store the result as {k}
    """,
    "convert_scale_remember": """
        convert {v} {a} to {b}, {op:it} and [remember|save|keep] [it|the result] as {k}
        {v} {a} to {b}, then {op:it}, then [remember|save] it as {k}
        first convert {v} {a} to {b}, then {op:that} and store it as {k}
        what is {v} {a} in {b}? {op:it} and keep the result as {k}
    """,
    "compute_convert": """
        what is {x} {a} in {b}
        convert {x} {a} to {b}
        [calculate|compute] {x} and convert [it|the result] from {a} to {b}
        how many {b} are {x} {a}
        work out {x} {a} in {b}
        {x} {a} to {b}
    """,
    "compute_convert_remember": """
        [calculate|compute] {x}, convert it from {a} to {b} and [remember|save] it as {k}
        work out {x}, turn it from {a} into {b} and keep it as {k}
        convert {x} {a} to {b} and [remember|save|keep] it as {k}
        what is {x} {a} in {b}? remember it as {k}
    """,
    "recall_scale": """
        {op:my {k}}
        take my {k} and {op:it}
        [can you |]{op:my {k}}
        what do I get if I {op:my {k}}
        look up my {k} and {op:it}
        recall my {k}, then {op:it}
    """,
    "recall_scale_remember": """
        {op:my {k}} and [remember|save|keep] it as {j}
        take my {k}, {op:it} and [remember|save] the result as {j}
        look up my {k}, {op:it}, and store it as {j}
        recall my {k}, {op:it} and keep that as {j}
    """,
    "recall_scale_convert": """
        {op:my {k}} and convert it from {a} to {b}
        take my {k}, {op:it} and convert the result from {a} to {b}
        look up my {k}, {op:it}, then turn it from {a} into {b}
        recall my {k}, {op:it} and convert it from {a} to {b}
    """,
    "recall_scale_convert_remember": """
        {op:my {k}}, convert it from {a} to {b} and [remember|save] it as {j}
        take my {k}, {op:it}, convert it from {a} to {b} and keep it as {j}
        look up my {k}, {op:it}, turn it from {a} into {b} and store it as {j}
        recall my {k}, {op:it}, convert it from {a} to {b} and save it as {j}
    """,
    "recall_convert": """
        convert my {k} from {a} to {b}
        [what is|what's] my {k} in {b} [if it is in {a}|from {a}]
        turn my {k} from {a} into {b}
        look up my {k} and convert it from {a} to {b}
        my {k} is in {a}, what is it in {b}
    """,
    "recall_weather": """
        what is the weather in my {k}
        how is the weather in my {k}
        weather in my {k}
        [check|tell me] the weather [in|for] my {k}
        what's the weather like in my {k}
        look up my {k} and tell me the weather there
    """,
    "weather_fahrenheit": """
        [what is|what's] the temperature in {c} in [fahrenheit|degrees fahrenheit]
        how [warm|cold|hot] is it in {c} in fahrenheit
        temperature in {c} in fahrenheit
        weather in {c} in fahrenheit
        [tell me|give me] the temperature in {c} in fahrenheit
        how many degrees fahrenheit is it in {c}
    """,
    "recall_weather_fahrenheit": """
        [what is|what's] the temperature in my {k} in fahrenheit
        how [warm|cold|hot] is it in my {k} in fahrenheit
        temperature in my {k} in fahrenheit
        [tell me|give me] the temperature in my {k} in fahrenheit
        how many degrees fahrenheit is it in my {k}
    """,
    "recall_weather_fahrenheit_remember": """
        [remember|save|keep] the temperature in my {k} in fahrenheit as {j}
        what is the temperature in my {k} in fahrenheit? [remember|save] it as {j}
        look up the temperature in my {k} in fahrenheit and keep it as {j}
        [get|find] the temperature in my {k} in fahrenheit and store it as {j}
    """,
    "currency_remember": """
        [remember|save|keep|store] the currency of {c} as {k}
        look up the currency of {c} and [remember|save] it as {k}
        what is the currency of {c}? [remember|save|keep] it as {k}
        find the currency of {c}, then store it as {k}
    """,
}
