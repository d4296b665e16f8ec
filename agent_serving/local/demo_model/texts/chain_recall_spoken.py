"""More ways to ask for several steps that start from what was remembered."""

from __future__ import annotations

TEXTS = {
    "recall_scale": """
        you know my {k}, please {op:it}
        I told you my {k} before, now {op:it}
        get out my {k} and {op:that}
        what happens if you {op:my {k}}
        say I {op:my {k}}, what's the answer
        grab my {k}, {op:it}
        I saved my {k} earlier, could you {op:it}
        dig up my {k} and {op:the number}
        I'm curious what comes out when you {op:my {k}}
        let's {op:my {k}}
        if you {op:my {k}}, what do you end up with
        start from my {k} and {op:it}
        pull up my {k}, then please {op:that}
        what would it be if we {op:my {k}}
        use my {k}: {op:it}
        would you mind, {op:my {k}}
        I need to {op:my {k}}, what's that
        fetch my {k} and then {op:it}
        you have my {k} in your notes, {op:it} for me
        what number comes out if I {op:my {k}}
        remember my {k}? {op:it}
        time to {op:my {k}}
        do me a favour and {op:my {k}}
        with the {k} I gave you, {op:it}
        suppose I {op:my {k}}, where does that leave me
    """,
    "recall_scale_remember": """
        grab my {k}, {op:it}, and file the answer as {j}
        you know my {k}, so {op:it} and jot it down as {j}
        pull up my {k}, {op:it} and log that as my {j}
        my {j} is what you get if you {op:my {k}}, save it
        {op:my {k}}, then write the answer down as {j}
        fetch my {k}, {op:the number}, put it away as {j}
        I told you my {k}: {op:it} and hang on to the result as {j}
        let's {op:my {k}} and call the result {j}, keep that
        start from my {k}, {op:it}, and record what you get as {j}
        set my {j} to what comes out when you {op:my {k}}
        dig up my {k}, {op:that}, and memorise it as my {j}
        use my {k}: {op:it}, then save as {j}
        could you {op:my {k}} and make a note of it as {j}
        with the {k} I gave you, {op:it}, and file that under {j}
        for my {j}, {op:my {k}} and keep the answer
        three steps: find my {k}, {op:it}, store it as {j}
        {op:my {k}}, put the answer down as my {j}
        get out my {k}, {op:it}, and hold on to it as {j}
        I need to {op:my {k}}, and what comes out is my {j}, so save that
        you have my {k} in your notes, {op:it} and log it as {j}
        remember my {k}? {op:it} and save that as {j}
        do me a favour, {op:my {k}} and file it as my {j}
        if you {op:my {k}} you get my {j}, write that down
        {op:my {k}} for me, and commit it to memory as {j}
        I saved my {k} earlier, {op:it} and put that down as {j}
    """,
    "recall_scale_convert": """
        grab my {k}, {op:it}, and switch it from {a} to {b}
        you know my {k}, it's in {a}: {op:it} and give it to me in {b}
        pull up my {k}, {op:it}, then go from {a} to {b}
        what do I get in {b} if I {op:my {k}}, which is in {a}
        my {k} is in {a}, {op:it} and tell me the answer in {b}
        fetch my {k}, {op:the number}, make {a} into {b}
        say I {op:my {k}}, that's {a}, how many {b} is it
        {op:my {k}}, those are {a}, I need {b}
        I told you my {k}: {op:it} and change that from {a} over to {b}
        let's {op:my {k}} and put it from {a} into {b}
        start from my {k}, {op:it}, {a} to {b}
        dig up my {k}, {op:that}, and convert what you get from {a} into {b}
        use my {k}: {op:it}, then {a} to {b}
        could you {op:my {k}} and switch the answer from {a} to {b}
        with the {k} I gave you, {op:it}, then turn it from {a} to {b}
        three steps: my {k}, {op:it}, {a} to {b}
        get out my {k}, {op:it} and show it in {b}, it is in {a}
        if you {op:my {k}}, what is it in {b} (from {a})
        I need to {op:my {k}} and see it in {b} rather than {a}
        you have my {k} in {a}, {op:it} and express that in {b}
        remember my {k}? {op:it}, then convert {a} to {b}
        do me a favour, {op:my {k}}, then go from {a} to {b}
        {op:my {k}} for me and put the answer in {b}, it was in {a}
        I saved my {k} in {a}, {op:it} and let me have it in {b}
        what's it in {b} when you {op:my {k}} (that one is in {a})
    """,
    "recall_scale_convert_remember": """
        grab my {k}, {op:it}, switch it from {a} to {b} and file it as {j}
        you know my {k}: {op:it}, go from {a} to {b} and jot it down as {j}
        pull up my {k}, {op:it}, {a} to {b}, then log that as {j}
        my {k} is in {a}, {op:it}, make it {b} and save that as my {j}
        fetch my {k}, {op:the number}, turn {a} into {b}, put it away as {j}
        {op:my {k}}, go from {a} to {b}, and write the answer down as {j}
        I told you my {k}: {op:it}, change {a} to {b} and hang on to it as {j}
        let's {op:my {k}}, put it from {a} into {b} and call that {j}, keep it
        start from my {k}, {op:it}, convert {a} to {b}, record it as my {j}
        dig up my {k}, {op:that}, take it from {a} to {b} and memorise it as {j}
        use my {k}: {op:it}, then {a} to {b}, then save as {j}
        could you {op:my {k}}, switch the answer from {a} to {b} and note it as {j}
        with the {k} I gave you, {op:it}, go {a} to {b} and file it under {j}
        four steps: find my {k}, {op:it}, {a} to {b}, store as {j}
        get out my {k}, {op:it}, turn it from {a} to {b} and hold on to it as {j}
        for my {j}, {op:my {k}}, convert from {a} to {b} and keep the answer
        I need to {op:my {k}}, have it in {b} instead of {a}, and save it as {j}
        you have my {k} in {a}, {op:it}, express that in {b} and log it as {j}
        remember my {k}? {op:it}, convert {a} to {b} and save the answer as {j}
        do me a favour, {op:my {k}}, go from {a} to {b}, and file that as my {j}
        {op:my {k}} for me, put it from {a} into {b}, commit it to memory as {j}
        I saved my {k} in {a}, {op:it}, change it to {b} and put that down as {j}
        set my {j} to this: {op:my {k}}, then from {a} to {b}
        my {j} is what you get if you {op:my {k}} and go from {a} to {b}, save it
        {op:my {k}}, {a} to {b}, keep as {j}
    """,
    "recall_convert": """
        grab my {k}, it's in {a}, I need {b}
        you know my {k} in {a}, what does that make in {b}
        pull up my {k} and switch it from {a} to {b}
        I told you my {k} in {a}, now I'd like it in {b}
        my {k} from {a} to {b}
        fetch my {k} and go from {a} to {b}
        how would my {k} read in {b}, it's in {a} now
        put my {k} into {b}, I gave it to you in {a}
        I saved my {k} in {a}, let me have it in {b}
        dig up my {k}, then {a} to {b}
        use my {k}: {a} to {b}
        my {k} was in {a}, the form asks for {b}
        could you switch my {k} over from {a} to {b}
        with the {k} I gave you in {a}, how many {b} is that
        you have my {k} in your notes, in {a}, make that {b}
        remember my {k}? it's {a}, what is it in {b}
        I need to see my {k} in {b} rather than {a}
        my american friend asks for my {k} in {b}, I only have {a}
        get out my {k} and put it from {a} into {b}
        say my {k} in {b} instead of {a}
        if my {k} is in {a}, how many {b} do I have
        express the {k} you kept for me in {b}, it's in {a}
        let me know my {k} as {b}, it was saved as {a}
        look in your notes for my {k} and take it from {a} to {b}
        work out my {k} in {b} from {a}
    """,
    "recall_weather": """
        I'm heading to my {k}, how's the weather there
        you know my {k}, what's the weather doing there
        do I need a coat in my {k}
        should I pack an umbrella for my {k}
        I'm off to my {k} tomorrow, what's it like out there
        what's the forecast for my {k}
        any rain in my {k}
        I told you my {k}, check the weather there please
        my {k}: what's the weather
        pull up my {k} and see how warm it is there
        is it nice out in my {k}
        how are the skies over my {k}
        sunshine or rain in my {k}
        see what the weather is doing in my {k}
        do they have sun in my {k} at the moment
        is it freezing in my {k}
        forecast, my {k}
        fetch my {k} and check how the weather is in that city
        my mum is in my {k}, has she got good weather
        weather report for my {k} please
        what should I expect weather-wise in my {k}
        is it jacket weather in my {k}
        how hot is it over in my {k}
        temp in my {k}
        can I go out without a coat in my {k}
    """,
    "recall_weather_fahrenheit": """
        I'm heading to my {k}, how warm is it there in fahrenheit
        you know my {k}, what's the temperature there in fahrenheit
        how many degrees F is it in my {k}
        my {k}, temperature in fahrenheit please
        temp in my {k}, in fahrenheit
        I only understand fahrenheit, how hot is my {k} right now
        what does the thermometer say in my {k}, in fahrenheit
        pull up my {k} and get me the temperature there in fahrenheit
        packing for my {k}, how warm is it in degrees fahrenheit
        could you get me the fahrenheit temperature for my {k}
        fahrenheit reading for my {k}
        how's the weather over in my {k}, and use fahrenheit
        is it cold in my {k}? I need it in fahrenheit
        find out how warm my {k} is, in fahrenheit not celsius
        I told you my {k}, check the temperature there in fahrenheit
        temperature for my {k} but in fahrenheit
        what's it like out in my {k}, degrees fahrenheit please
        look up how warm it is in my {k} and convert it to fahrenheit
        weather for my {k} please, and no celsius, fahrenheit
        get the weather in my {k} and turn the temperature into fahrenheit
        what's the current temp in my {k} in degrees F
        I'm off to my {k} tomorrow, tell me in fahrenheit how warm it is
        my mum is in my {k}, how hot is it for her in fahrenheit
        fetch my {k}, check how warm it is there, give it in fahrenheit
        do it in fahrenheit: how cold is it in my {k}
    """,
    "recall_weather_fahrenheit_remember": """
        get the fahrenheit temperature for my {k} and file it as {j}
        how many degrees F is it in my {k}? jot it down as {j}
        you know my {k}, write down its temperature in fahrenheit as {j}
        find out how warm my {k} is in fahrenheit and log that as my {j}
        my {j} is the temperature in my {k} in fahrenheit, look it up and save it
        temp in my {k} in fahrenheit, save as {j}
        pull up my {k}, get the temperature in fahrenheit, hang on to it as {j}
        put the fahrenheit temperature in my {k} down as {j}
        set my {j} to the temperature in my {k} in fahrenheit
        check how hot it is in my {k}, in fahrenheit, and make a note of it as {j}
        what does the thermometer say in my {k} in fahrenheit? file it under {j}
        fahrenheit reading for my {k}, store under {j}
        could you get the temperature in my {k} in fahrenheit and record it as {j}
        I'm heading to my {k}, save how warm it is in fahrenheit as my {j}
        see how cold it is in my {k}, in fahrenheit, and put that away as {j}
        weather in my {k} in fahrenheit, then jot the number down as {j}
        as my {j}, save the temperature in my {k} in degrees fahrenheit
        look up how warm it is in my {k}, convert to fahrenheit, keep that as {j}
        fetch my {k}, get the temperature there in fahrenheit and log it as {j}
        I told you my {k}: hold on to its temperature in fahrenheit as {j}
        for my {j}, get how warm it is in my {k} in fahrenheit and save it
        memorise the temperature in my {k}, in fahrenheit, as my {j}
        how's the weather in my {k} in fahrenheit? save the degrees as {j}
        turn the temperature in my {k} into fahrenheit and file that as my {j}
        under {j}, put how many degrees fahrenheit it is in my {k}
    """,
}
