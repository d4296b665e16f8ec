"""More ways to ask for what takes several steps, as people type them: computing, converting."""

from __future__ import annotations

TEXTS = {
    "compute_remember": """
        punch {x} into the calculator and file the answer under {k}
        do the math on {x} and hang on to it as my {k}
        my {k} is {x}, work that out and make a note of the number
        [run|crunch] {x} for me and put the answer down as {k}
        whatever {x} comes to, [save|jot] that down as my {k}
        I'd like {x} worked out and saved as {k}
        {x} - and stick the answer in your memory as {k}
        add this up: {x}. save the total as {k}
        set my {k} to the result of {x}
        let {k} be whatever {x} comes to, and don't forget it
        figure {x} out, I want to keep the number as my {k}
        I'm filling in a form: {x}, and file what you get as my {k}
        what does {x} come to? make a note of it as {k}
        can you do {x} and hold on to the answer as {k}
        quick sum, {x}, log the answer as my {k}
        calc {x}, save as {k}
        what's {x}, and [could|can] you write it down as {k}
        you'll have to do {x} first, but then remember what you get as {k}
        run the numbers on {x} and memorise it as my {k}
        for my notes: {x}, store the outcome as {k}
        give me {x} and record it under the name {k}
        my new {k} should be {x}, calculate it and save it
        do {x} on the calculator, then log it as {k}
        I need you to solve {x} and then to keep it in mind as my {k}
        tell me what {x} makes and put it away as {k}
    """,
    "convert_scale": """
        {v} {a} into {b} and after that {op:it}
        switch {v} {a} over to {b}, then {op:the result}
        what do I get if I convert {v} {a} to {b} and {op:it}
        put {v} {a} in {b} for me and {op:the answer}
        the recipe says {v} {a}, I need that in {b}, then {op:it}
        say I have {v} {a}: make that {b} and {op:it}
        two steps: {v} {a} to {b}, and {op:that}
        I've got {v} {a}, go to {b} and then please {op:it}
        get me {v} {a} in {b}. once you have it, {op:that}
        take {v} {a}, switch to {b}, {op:the result}
        start with {v} {a}, go to {b}, then {op:that number}
        could you turn {v} {a} to {b} for me and then {op:the answer}
        how many {b} is {v} {a}, and what is it if you {op:that}
        work out {v} {a} in {b}, and when you have it {op:it}
        I measured {v} {a}, I want {b}, and then {op:the number}
        conv {v} {a} to {b}, then {op:it}
        after you've put {v} {a} into {b}, {op:the result}
        {v} {a} is how many {b}? now {op:it}
        {v} {a} -> {b}, then {op:that}
        see how many {b} {v} {a} makes and {op:it}
        if I change {v} {a} to {b} and {op:it}, what's the number
        what's {v} {a} as {b}? please {op:the answer}
        I'd like {v} {a} converted to {b} and then have you {op:it}
        need {v} {a} in {b} first, next {op:that}
        make {v} {a} into {b}, [then|and] {op:the number}
    """,
    "convert_remember": """
        my {k} is {v} {a}, save it in {b} though
        I need {v} {a} in {b}, file it under {k}
        switch {v} {a} to {b} and write it down as {k}
        put down {v} {a} as my {k}, but in {b}
        what's {v} {a} in {b}? jot it down as my {k}
        make {v} {a} into {b}, then hang on to it as {k}
        {v} {a} into {b}, and file that as {k}
        I measured {v} {a}, get me that in {b} and log it as {k}
        set my {k} to {v} {a} in {b}
        memorise {v} {a} as {b}, call it {k}
        how many {b} would {v} {a} be? hold on to that as my {k}
        conv {v} {a} to {b}, save as {k}
        work {v} {a} out in {b} and put it away as {k}
        I'd like {v} {a} converted to {b} and saved as my {k}
        take {v} {a}, go to {b}, then record it as {k}
        could you get {v} {a} in {b} and make a note of it as {k}
        {v} {a} is what in {b}? log it under {k}
        for later: {v} {a} in {b}, that's my {k}
        as my {k}, save {v} {a} in {b}
        see how many {b} {v} {a} is and don't forget it, it's my {k}
        [they told me|the label says] {v} {a}, convert to {b} and keep it as my {k}
        {v} {a} -> {b}, store under {k}
        go from {v} {a} to {b} and commit the number to memory as {k}
        under {k}, please put {v} {a} converted to {b}
        change {v} {a} over to {b} and then write that down as my {k}
    """,
    "convert_scale_remember": """
        switch {v} {a} to {b}, {op:it}, and file the result as {k}
        three things: {v} {a} to {b}, {op:that}, save it as {k}
        take {v} {a}, make it {b}, {op:the result} and write it down as {k}
        put {v} {a} into {b}, then {op:it}, and jot the answer down as my {k}
        I need {v} {a} in {b}, then {op:it}, and log it under {k}
        start with {v} {a}, go to {b}, {op:it} and hang on to the answer as {k}
        work out {v} {a} in {b}, {op:that}, then file it as my {k}
        for my {k}: convert {v} {a} to {b}, {op:it} and save the answer
        {v} {a} into {b}, after that {op:it}, last store it as {k}
        get {v} {a} in {b}, {op:the number} and memorise it as {k}
        I measured {v} {a}, turn that into {b}, {op:it} and save it as my {k}
        conv {v} {a} to {b}, {op:it}, save as {k}
        could you make {v} {a} into {b}, {op:the result} and note that down as {k}
        see how many {b} {v} {a} is, {op:it}, and record the answer as {k}
        {v} {a} -> {b}, {op:that}, keep under {k}
        first {v} {a} to {b}, next {op:the answer}, finally remember it as my {k}
        go from {v} {a} to {b}, {op:it}, and put what you get away as {k}
        I'd like you to convert {v} {a} to {b}, {op:it} and keep it in mind as {k}
        what's {v} {a} as {b}? {op:that}, then write the answer down as my {k}
        once {v} {a} is in {b}, {op:it} and file the outcome as {k}
        my {k} is what you get when you turn {v} {a} into {b} and {op:it}, save it
        the label says {v} {a}, go to {b}, {op:that}, and log the number as {k}
        change {v} {a} over to {b}, then {op:the number}, and call that {k}, for later
        {v} {a} is how many {b}? now {op:it} and hold on to it as my {k}
        have {v} {a} in {b}, {op:the result}, and commit it to memory as {k}
    """,
    "compute_convert": """
        I have {x} {a}, what does that make in {b}
        what would {x} {a} be in {b}
        total up {x} {a} and show it in {b}
        do {x} first, those are {a}, and I need {b}
        {x} {a}, how much is it in {b}
        crunch {x} and switch the answer from {a} to {b}
        the parts are {x} {a}, I need the total in {b}
        punch in {x}, then go from {a} to {b}
        work {x} out, it's in {a}, and give it to me in {b}
        I walk {x} {a}, so how many {b} is that
        {x} in {a}, converted to {b} please
        my shelf is {x} {a}, I only have a {b} scale
        if something is {x} {a}, how many {b} does that make
        could you put {x} {a} into {b} for me
        run {x} through the calculator and convert what you get from {a} into {b}
        calc {x}, then {a} to {b}
        we used {x} {a}, tell me that as {b}
        do the sum {x} and change it from {a} over to {b}
        see what {x} {a} is when it's in {b}
        {x} {a} -> {b}
        the answer to {x} is in {a}, what is that in {b}
        how many {b} do I get out of {x} {a}
        switch {x} {a} over to {b}
        need to know {x} {a} as {b}
        for a recipe, {x} {a} in {b}
    """,
    "compute_convert_remember": """
        put {x} {a} into {b} and file it under {k}
        my {k} is {x} {a}, but save it in {b}
        I have {x} {a}, get that in {b} and write it down as {k}
        crunch {x}, go from {a} to {b} and hang on to it as my {k}
        do {x}, switch it from {a} to {b}, log it as {k}
        {x} {a} into {b}, and jot that down as my {k}
        punch in {x}, convert from {a} to {b}, then file the answer as {k}
        what would {x} {a} be in {b}? make a note of it as my {k}
        set my {k} to {x} {a} in {b}
        switch {x} {a} over to {b} and put it away as {k}
        the parts are {x} {a}, I want that in {b}, saved as {k}
        calc {x}, {a} to {b}, save as {k}
        total up {x}, turn the total from {a} to {b} and record it as {k}
        for later: {x} {a} in {b}, under the name {k}
        work {x} out, change it from {a} to {b}, and memorise that as my {k}
        could you get {x} {a} in {b} and hold on to it as {k}
        run {x}, it's in {a}, make it {b} and keep it as my {k}
        {x} {a} -> {b}, store under {k}
        as my {k}, save {x} {a} converted to {b}
        see how many {b} {x} {a} makes and put it down as {k}
        I'd like {x} worked out, converted from {a} to {b} and saved as my {k}
        three steps: {x}, then {a} to {b}, then keep it as {k}
        we used {x} {a}, so find that in {b} and log it as my {k}
        do the sum {x}, go from {a} to {b} and commit it to memory as {k}
        make {x} {a} into {b}, then don't forget it, it's my {k}
    """,
    "weather_fahrenheit": """
        I'm flying to {c}, what's the temperature there in fahrenheit
        I only understand fahrenheit, how hot is {c} right now
        how many degrees F is it in {c}
        {c} weather, fahrenheit please
        temp in {c}, in fahrenheit
        I'm American, so give me {c}'s temperature in fahrenheit
        what's {c} at today in fahrenheit
        what does the thermometer say in {c}, in fahrenheit
        my aunt in {c} says it's chilly, what is that in fahrenheit
        packing for {c}, how warm is it there in degrees fahrenheit
        could you get me the fahrenheit temperature for {c}
        fahrenheit reading for {c}
        how's the weather over in {c}, and use fahrenheit
        is it cold in {c}? I need it in fahrenheit
        find out how warm {c} is, in fahrenheit not celsius
        check {c}, I want the temperature in fahrenheit
        temperature for {c} but in fahrenheit
        what's it like out in {c}, degrees fahrenheit please
        how hot does it get in {c} today in fahrenheit
        look up how warm it is in {c} and convert it to fahrenheit
        weather for {c} please, and no celsius, fahrenheit
        get the weather in {c} and turn the temperature into fahrenheit
        what's the current temp in {c} in degrees F
        degrees fahrenheit in {c}, please
        I'm off to {c} tomorrow, tell me in fahrenheit how warm it is
    """,
    "currency_remember": """
        I'm off to {c}, note what money they use as my {k}
        find out what they pay with in {c} and file it under {k}
        what money do they use in {c}? jot it down as {k}
        see which currency {c} has and hang on to it as my {k}
        {c}'s currency, save it as {k}
        my {k} is whatever the currency of {c} is, make a note
        put the currency of {c} down as {k}
        look up what people pay with in {c}, then write that down as my {k}
        set my {k} to the currency of {c}
        check {c}'s currency and log it as {k}
        need to pay in {c}, so find the currency and keep it as my {k}
        currency of {c}, store under {k}
        which money is used in {c}? file that as my {k}
        could you find {c}'s currency for me and hold on to it as {k}
        for my trip: save the currency they have in {c} as {k}
        what do they spend in {c}? remember the currency as {k}
        get the name of the currency in {c} and memorise it as {k}
        as my {k}, remember what currency {c} uses
        I keep forgetting the currency of {c}, look it up and save it as my {k}
        how do people pay in {c}? write the currency down as {k}
        under {k}, put the currency of {c}
        tell me which currency {c} uses and record it as my {k}
        we travel to {c} soon, find its currency and put it away as {k}
        find the money of {c} and commit it to memory as {k}
        let my {k} be {c}'s currency, look it up first
    """,
}
