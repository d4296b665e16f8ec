"""More ways, as different people would type them, to ask about a country."""

from __future__ import annotations

TEXTS = {
    "currency": """
        need to pay in {c}, what's the money there
        off to {c} next week, what cash do I take
        what cash do I need for {c}
        which notes and coins do they use in {c}
        what coins do they have in {c}
        what do the banknotes in {c} say, which currency
        I'm at the exchange office, which money do I ask for if I go to {c}
        I have to change some money for {c}, into what
        what should I change my money into for {c}
        do they use [euros|dollars|pounds] in {c}
        is it [euros|dollars|pounds|francs|pesos] in {c}
        can I pay [with|in] [euros|dollars|pounds] in {c}
        can I spend [euros|dollars|pounds] in {c}, or what's the currency
        {c}: which currency
        {c} money
        {c}'s money, what is it called
        {c}'s legal tender
        currency {c}
        currency in {c}, please
        money in {c}
        what's legal tender in {c}
        [what|which] is the legal tender of {c}
        what are prices in {c} given in
        prices in {c} are in which currency
        what currency would a shop in {c} take
        in what currency do people in {c} get paid
        what are wages in {c} paid in
        what would I find in a cash machine in {c}, which currency
        my hotel in {c} wants cash, in which currency
        I owe someone in {c} money, what currency do they use
        sending a bill to a customer in {c}, which currency is it
        what monetary unit does {c} have
        the monetary unit of {c}
        remind me what money {c} uses
        any idea what they spend in {c}
        got any clue which currency {c} is on
        what does one pay with over in {c}
        what do you call the money in {c}
        is there a name for the money people spend in {c}
        planning a holiday in {c}, what's the local currency
    """,
    "code": """
        alpha-2 code [of|for] {c}
        what's the alpha-2 of {c}
        {c} alpha-2
        {c} ISO code
        {c}'s two-letter code, please
        {c} in two letters
        {c}: two-letter country code
        two-letter code for {c}
        code for {c}
        country code {c}
        the form wants a two-letter country code, I'm from {c}
        which two letters stand for {c}
        which two letters do I put for {c}
        what two letters does {c} go by
        I'm filling in an address in {c}, what's the country code
        shipping label to {c}, which country code goes on it
        how do I abbreviate {c}
        how do you write {c} as a two-letter code
        short code [of|for] {c}
        what's {c} for short, as a country code
        what is the ISO 3166 two-letter code for {c}
        remind me of the two-letter code for {c}
        any idea what {c}'s ISO code is
        the ISO abbreviation [of|for] {c}
        my spreadsheet needs the country code of {c}
    """,
    "code3": """
        alpha-3 code [of|for] {c}
        what's the alpha-3 of {c}
        {c} alpha-3
        {c}'s alpha-3 code, please
        {c} three-letter code
        {c}: code in three letters
        {c} three letters ISO
        which three letters do I put for {c}
        which three letters does {c} go by
        the form wants a three-letter country code, I'm from {c}
        how do I abbreviate {c} to three letters
        how do you write {c} as a three-letter code
        what is the ISO 3166 three-letter code for {c}
        what's {c} shortened to three letters
        remind me of the three-letter code for {c}
        any idea what {c}'s three-letter code is
        what three letters are on the scoreboard for {c}
        a three-letter abbreviation [of|for] {c}, please
        my spreadsheet needs the three-letter code of {c}
        not the two-letter one, the three-letter code for {c}
    """,
    "numeric": """
        {c} numeric code
        {c}'s numeric code, please
        {c}: ISO number
        {c} as a number in ISO
        {c} country number
        {c} in digits, the ISO code
        what's {c}'s ISO number
        which digits stand for {c} in ISO 3166
        what are the three digits for {c}
        the three-digit code [of|for] {c}
        what three-digit code does {c} have
        the form wants a numeric country code, I'm from {c}
        my database needs the numeric code of {c}
        under which number is {c} listed in ISO 3166
        what number do I put for {c} in ISO country codes
        how is {c} numbered in ISO 3166
        remind me of the numeric code for {c}
        any idea what {c}'s numeric code is
        not the letters, the numeric code for {c}
        the ISO 3166 numeric of {c}
    """,
    "flag": """
        flag {c}
        flag for {c}
        flag emoji [of|for] {c}
        {c} flag emoji
        {c} flag, [please|thanks]
        {c}: flag
        the emoji flag of {c}
        what emoji do I use for {c}'s flag
        I'm posting about {c}, give me its flag
        going to watch {c} play, which flag do I wave
        we're cheering for {c}, what's the flag
        what flag do people wave in {c}
        which flag flies over {c}
        what flag flies in {c}
        what does {c} fly as its flag
        draw me the flag of {c}
        print the flag of {c}
        put {c}'s flag here
        pull up the flag of {c}
        let me have a look at the flag of {c}
        my kid is doing a school project on {c}, what's its flag
        I can't picture {c}'s flag
        remind me what {c}'s flag looks like
        any idea what the flag of {c} looks like
        the national flag of {c}
    """,
    "official": """
        {c}, what's the full name
        {c}: official name
        {c} official name
        {c} full name
        {c}, in full
        what's {c}'s full name
        what's {c}'s proper name
        what's the proper name of {c}
        what's {c} called in full
        what is {c} really called, officially
        what is {c} called on official papers
        what name does {c} use at the UN
        how is {c} written in treaties, its formal name
        I'm writing to the embassy of {c}, what's its full name
        quiz tonight, what's the official name of {c}
        is {c} a republic or a kingdom
        is {c} [a republic|a kingdom|a federation], by its official name
        {c} must be short for something, what's the full name
        surely {c} is not the whole name, what is it in full
        spell out the official name of {c}
        the name of {c} in full, please
        the long [name|form] of {c}
        the country {c}, tell me about it
        look {c} up for me
        [what's|what is] there to know about {c}
        I've never heard of {c}, tell me about it
        my kid has a school project on {c}, what can you find on it
        pull up the [info|details|facts] on {c}
        any [info|facts|details] on {c}
        remind me of the official name of {c}
    """,
}
