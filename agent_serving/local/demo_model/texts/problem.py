"""Sums that are told as a story. `{a}`, `{b}`, `{c}`, `{d}` are numbers, `{n}` is a small one and
`{t}` what is counted."""

from __future__ import annotations

TEXTS = {
    "split": """
        split {a} between {n} people
        [divide|share] {a} [among|between] {n} [people|friends|of us]
        {n} of us share a bill of {a}, how much each
        the bill is {a} and we are {n}, what does everybody pay
        dinner was {a}, split {n} ways
        {a} split {n} ways
        if {n} {t} cost {a}, how much is one
        {n} {t} cost {a}, what does one cost
        I paid {a} for {n} {t}, what is that apiece
        {n} friends share {a} equally, how much does each get
        how much does each person pay if {n} people split {a}
        we drove {a} km in {n} hours, how far is that per hour
        I earn {a} in {n} months, what is that per month
        {a} {t} in {n} boxes, how many in each
        what's {a} shared by {n}
        each of {n} kids gets the same part of {a} {t}, how many
        {a} {t} for {n} people, how many per person
        my share of {a} when {n} of us pay
        [can you|please] split the bill of {a} by {n}
        {n} people, {a} on the bill, each pays what
    """,
    "each": """
        {n} {t} at {a} each
        {n} {t} cost {a} each, how much is that [together|altogether|in total]
        I bought {n} {t} for {a} each, what did I pay
        how much are {n} {t} at {a} [apiece|each]
        what do {n} {t} cost if one is {a}
        one costs {a}, how much for {n}
        {n} boxes with {a} {t} in each, how many {t} are there
        I make {a} an hour and work {n} hours, what do I get
        {a} a day for {n} days, how much is that
        if I save {a} every month, how much is it after {n} months
        {n} rows of {a} {t}, how many in total
        {n} {t} times {a} each, total
        [total|price] for {n} {t} at {a}
        a ticket is {a} and there are {n} of us, what do we pay
        I run {a} km every day, how far is that in {n} days
        {a} per person, {n} people, total
        {n} nights at {a} a night, how much
        how many {t} do {n} kids need if each gets {a}
        rent is {a} a month, what is that in {n} months
        we need {a} {t} for each of {n} tables, how many
    """,
    "left": """
        I had {b} {t} and gave away {a}, how many are left
        I have {b} and spend {a}, what is left
        {b} minus the {a} I spent, what remains
        if I take {a} from {b}, how much is left
        out of {b} {t} I sold {a}, how many do I still have
        my budget is {b} and I spent {a}, how much do I have left
        how much change do I get from {b} if I pay {a}
        it costs {a} and I pay with {b}, what is my change
        there were {b} {t}, {a} are gone, how many remain
        how far is {b} from {a}
        what's the difference between {b} and {a}
        how much more is {b} than {a}
        I need {b} and have {a}, how much is missing
        {b} in the account, {a} goes out, what stays
        how many short of {b} am I with {a}
    """,
    "together": """
        I had {a} {t} and got {b} more, how many now
        {a} in the morning and {b} in the evening, what's the total
        I spent {a} on food and {b} on {t}, how much in total
        add {b} to {a}
        {a} yesterday and {b} today, [together|altogether|total]
        [put|add] {a} and {b} together
        one is {a}, the other {b}, how much are both
        what are {a} and {b} together
        I walked {a} steps and then {b} more, total
        the first costs {a} and the second {b}, what do I pay
        {a} men and {b} women, how many people
        two bills, {a} and {b}, what's the sum
        if I add {b} to my {a}, what do I have
        {b} more than {a}
        {a} plus another {b}
    """,
    "percent": """
        what is {n}% of {b}
        {n} percent of {b}
        a {n}% tip on {b}
        tip of {n} percent on a bill of {b}
        {n}% [tip|tax|interest] on {b}
        how much is a {n}% tip for {b}
        how much tax is {n}% on {b}
        the tax is {n}%, the price {b}, how much tax do I pay
        I get {n}% interest on {b}, how much is that
        take {n}% of {b}
        what would {n} percent of {b} be
        calculate {n}% of {b}
        if {n}% of {b} people came, how many is that
        {n} per cent of {b}
        how many is {n}% of {b} {t}
        what do I tip on {b} at {n}%
        the deposit is {n}% of {b}, how much do I pay
        {n}% of my {b}
        I want to leave a {n}% tip, the bill is {b}
        the fee is {n} percent of {b}
    """,
    "discount": """
        {n}% off {b}
        what is {b} with {n}% off
        {b} minus {n}%
        {b} minus {n} percent
        the price is {b} and there is {n}% off, what do I pay
        {n} percent off {b}
        a {b} coat at {n}% off
        it was {b} but is {n}% cheaper now, what does it cost
        what do I pay for {b} after a {n}% discount
        take {n}% off {b}
        {b} with a discount of {n}%
        {n}% discount on {b}
        the {t} cost {b}, they take off {n}%, how much now
        what's the sale price of {b} at {n}% off
        reduce {b} by {n}%
        {b} less {n}%
        how much is {b} after {n}% off
        knock {n}% off {b}
        decrease {b} by {n} percent
        I have a coupon for {n}% and it costs {b}
    """,
    "raise": """
        {b} plus {n}%
        {b} plus {n} percent
        add {n}% to {b}
        increase {b} by {n}%
        the price is {b} plus {n}% tax, what do I pay
        my rent of {b} goes up by {n}%, what is it then
        raise {b} by {n} percent
        {b} with {n}% on top
        {b} and {n}% [tax|tip|VAT] on top
        what is {b} with a {n}% tip
        I earn {b} and get {n}% more, what will I earn
        {b} including a tip of {n}%
        what's {b} with {n}% VAT
        if {b} grows by {n}%, how much is it
        the total of {b} with {n}% tip
        prices rise by {n}%, what will {b} become
        put {n}% on {b}
        {n}% more than {b}
        {b} went up {n}%, what is it now
        pay {b} plus a {n}% tip, total
    """,
    "average": """
        average of {a}, {b} and {c}
        what is the average of {a}, {b} and {c}
        the mean of {a}, {b} and {c}
        my grades are {a}, {b} and {c}, what's the average
        mean of {a}, {b}, {c}
        [find|give me|work out] the average of {a}, {b} and {c}
        average: {a}, {b}, {c}
        I scored {a}, {b} and {c}, what is that on average
        on average, how much are {a}, {b} and {c}
        {a}, {b} and {c}, average please
        what's the mean value of {a}, {b} and {c}
        {a} {b} {c} average
        average {a}, {b} and {c}
        between {a}, {b} and {c}, what is the average
    """,
    "sum_of_three": """
        add {a}, {b} and {c}
        sum of {a}, {b} and {c}
        add up {a}, {b} and {c}
        what do {a}, {b} and {c} add up to
        total of {a}, {b} and {c}
        {a}, {b} and {c} together
        my bills are {a}, {b} and {c}, what's the total
        I bought things for {a}, {b} and {c}, how much altogether
        sum up {a}, {b}, {c}
        add these: {a}, {b}, {c}
        [please|can you] total {a}, {b} and {c}
        what is the sum of {a}, {b} and {c}
        {a} and {b} and {c}, what's that in total
        put {a}, {b} and {c} together
    """,
    "sum_of_four": """
        add {a}, {b}, {c} and {d}
        sum of {a}, {b}, {c} and {d}
        add up {a}, {b}, {c} and {d}
        what do {a}, {b}, {c} and {d} add up to
        total of {a}, {b}, {c}, {d}
        {a}, {b}, {c} and {d} together
        I bought things for {a}, {b}, {c} and {d}, how much altogether
        sum up {a}, {b}, {c}, {d}
        add these up: {a}, {b}, {c}, {d}
        what is the sum of {a}, {b}, {c} and {d}
    """,
    "share": """
        what percent of {b} is {a}
        what percentage of {b} is {a}
        {a} is what percent of {b}
        {a} out of {b} in percent
        how many percent of {b} is {a}
        {a} out of {b}, what percentage is that
        I got {a} out of {b} points, how many percent
        {a} of {b} as a percentage
        [calculate|work out] {a} as a percentage of {b}
        which percentage is {a} of {b}
        I answered {a} of {b} questions, what percentage
    """,
    "remainder": """
        the remainder of {a} divided by {n}
        what remains when {a} is divided by {n}
        {a} mod {n}
        {a} modulo {n}
        remainder of {a} by {n}
        what is the remainder when you divide {a} by {n}
        {a} {t} in boxes of {n}, how many are left over
        what's left over when I divide {a} by {n}
        {a} % {n}
        the rest of {a} divided by {n}
    """,
    "factorial": """
        {n}!
        {n} factorial
        factorial of {n}
        the factorial of {n}
        what is the factorial of {n}
        what's {n} factorial
        how much is {n}!
        compute {n}!
        [calculate|work out] the factorial of {n}
        in how many ways can I order {n} {t}
    """,
    "cube_root": """
        cube root of {a}
        the cube root of {a}
        what is the cube root of {a}
        third root of {a}
        [find|calculate] the cube root of {a}
        which number cubed is {a}
        cube root {a}
    """,
    "rounded": """
        round {a}
        round {a} to a whole number
        {a} rounded
        round {a} to the nearest whole number
        what is {a} rounded
        please round off {a}
        {a} to the nearest integer
    """,
    "rectangle": """
        area of a room of {a} by {b}
        the area of a {a} by {b} rectangle
        a garden is {a} by {b}, how big is it
        {a} by {b}, what's the area
        a rectangle with sides {a} and {b}, what area
        my room is {a} by {b} meters, what is its area
        how big is a field of {a} times {b}
        the floor is {a} by {b}, how many square meters
        a {a} by {b} wall, area
        length {a}, width {b}, what's the area
    """,
    "dozens": """
        how many are {n} dozen
        {n} dozen {t}, how many is that
        how many {t} in {n} dozen
        {n} dozen
        what is {n} dozen
        I have {n} dozen {t}, how many
        how much is {n} dozen
    """,
    "doubled": """
        double {a}
        twice {a}
        what is double {a}
        {a} doubled
        two times {a}
        what's twice {a}
        if I double {a}, what do I get
        the double of {a}
        {a} twice
        two lots of {a}
    """,
    "logarithm": """
        log of {a}
        the natural log of {a}
        logarithm of {a}
        ln {a}
        log({a})
        what is the logarithm of {a}
        ln of {a}
    """,
    "divisor": """
        greatest common divisor of {a} and {b}
        gcd of {a} and {b}
        the gcd of {a} and {b}
        biggest number that divides {a} and {b}
        gcd({a}, {b})
        what is the greatest common divisor of {a} and {b}
        highest common factor of {a} and {b}
        greatest common factor of {a} and {b}
    """,
}
