"""Ways to go on within one message, and to ask for what takes something kept or just found."""

from __future__ import annotations

TEXTS = {
    "and_keep": """
        and remember it as {k}
        and save that as {k}
        then remember it as {k}
        and keep the result as {k}
        and store it under {k}
        then save the result under {k}
        and note it as my {k}
        and put it down as {k}
        and remember the answer as my {k}
        then keep that as my {k}
        and file it under {k}
        store the result as {k}
        remember that as {k}
        save it as my {k}
        keep it under {k}
        and call that {k}, please remember it
        and hold on to it as {k}
        that is my {k}, remember it
        then write it down as {k}
        and memorize it as {k}
    """,
    "and_then": """
        then {op:it}
        and {op:it}
        and then {op:that}
        then {op:the result}
        now {op:it}
        and {op:that}
        {op:the result} after that
        after that {op:it}
        and finally {op:the result}
        next {op:it}
        afterwards {op:that}
        and {op:the answer}
    """,
    "recall_currency": """
        what currency does my {k} have
        what is the currency of my {k}
        which money do they use in my {k}
        what do they pay with in my {k}
        look up the currency of my {k}
        the currency of my {k}
        take my {k} and tell me its currency
        recall my {k}, then look up its currency
        which currency has the country that I saved as {k}
        what money will I need in my {k}
        you know my {k}, what's the currency there
        currency in my {k}
    """,
    "recall_flag": """
        what flag does my {k} have
        what is the flag of my {k}
        show me the flag of my {k}
        look up the flag of my {k}
        the flag of my {k}
        recall my {k}, then show me its flag
        which flag has the country that I saved as {k}
        you know my {k}, what does its flag look like
        take my {k} and give me its flag
        I want to see the flag of my {k}
    """,
    "recall_code": """
        what is the code of my {k}
        which country code does my {k} have
        look up the country code of my {k}
        the ISO code of my {k}
        recall my {k}, then tell me its country code
        what's the abbreviation for my {k}
        two-letter code of my {k}
        which code has the country that I saved as {k}
    """,
    "weather_difference": """
        what is the difference in temperature between {c} and {d}
        how much warmer is {c} than {d}
        how many degrees are between {c} and {d}
        by how much is {c} warmer than {d}
        temperature difference between {c} and {d}
        the difference between the temperatures in {c} and {d}
        how much hotter is it in {c} than in {d}
        subtract the temperature in {d} from the one in {c}
        compare {c} with {d}: how many degrees warmer is it
        how many degrees warmer is {c} compared to {d}
        the temperature in {c} minus the temperature in {d}
        take the temperature of {c} and subtract that of {d}
    """,
    "recall_product": """
        multiply my {k} by my {j}
        my {k} times my {j}
        what is my {k} times my {j}
        multiply {k} and {j}
        the product of my {k} and my {j}
        recall my {k} and my {j} and multiply them
        take my {k} and multiply it with my {j}
        how much is my {k} multiplied by my {j}
    """,
    "recall_sum": """
        add my {k} and my {j}
        my {k} plus my {j}
        what is my {k} plus my {j}
        the sum of my {k} and my {j}
        recall my {k} and my {j} and add them
        how much are my {k} and my {j} together
        add up {k} and {j}
        what do my {k} and my {j} come to
    """,
}
