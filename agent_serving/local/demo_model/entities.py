"""What conversations are about. `held_out` things never occur in training."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final
from zlib import crc32

# City → IANA zone, known by heart. Any other city is asked for by its name, and the tool's answer
# names the zone.
ZONES: Final = {
    "Berlin": "Europe/Berlin",
    "Paris": "Europe/Paris",
    "London": "Europe/London",
    "Madrid": "Europe/Madrid",
    "Rome": "Europe/Rome",
    "Vienna": "Europe/Vienna",
    "Zurich": "Europe/Zurich",
    "Amsterdam": "Europe/Amsterdam",
    "Oslo": "Europe/Oslo",
    "Athens": "Europe/Athens",
    "Moscow": "Europe/Moscow",
    "Istanbul": "Europe/Istanbul",
    "Lisbon": "Europe/Lisbon",
    "Dublin": "Europe/Dublin",
    "Tokyo": "Asia/Tokyo",
    "Seoul": "Asia/Seoul",
    "Shanghai": "Asia/Shanghai",
    "Beijing": "Asia/Shanghai",
    "Singapore": "Asia/Singapore",
    "Hong Kong": "Asia/Hong_Kong",
    "Mumbai": "Asia/Kolkata",
    "Delhi": "Asia/Kolkata",
    "Dubai": "Asia/Dubai",
    "Bangkok": "Asia/Bangkok",
    "Cairo": "Africa/Cairo",
    "Nairobi": "Africa/Nairobi",
    "Lagos": "Africa/Lagos",
    "Sydney": "Australia/Sydney",
    "Auckland": "Pacific/Auckland",
    "New York": "America/New_York",
    "Chicago": "America/Chicago",
    "Los Angeles": "America/Los_Angeles",
    "San Francisco": "America/Los_Angeles",
    "Toronto": "America/Toronto",
    "Lima": "America/Lima",
    "Sao Paulo": "America/Sao_Paulo",
}

_CITIES = """Boston Denver Seattle Austin Dallas Miami Portland Houston Phoenix Detroit Quito Bogota
Caracas Santiago Montevideo Medellin Cusco Cordoba Rosario Salvador Recife Havana Kingston Panama
Managua Monterrey Tijuana Montreal Vancouver Calgary Ottawa Halifax Anchorage Honolulu
Munich Hamburg Cologne
Frankfurt Leipzig Dresden Bremen Graz Salzburg Geneva Basel Bern Lyon Nice Bordeaux Lille
Marseille Toulouse Milan Naples Turin Venice Florence Bologna Palermo Seville Valencia Bilbao Malaga
Porto Braga Leeds Bristol Glasgow Cardiff Belfast Edinburgh Oxford York Cork Galway Bergen Tromso
Malmo Gothenburg Uppsala Aarhus Odense Turku Tampere Helsinki Stockholm Copenhagen Warsaw Krakow
Gdansk Poznan Prague Brno Budapest Debrecen Bratislava Ljubljana Zagreb Split Belgrade Sofia Varna
Bucharest Kyiv Odesa Lviv Minsk Vilnius Riga Tallinn Tartu Izmir Ankara Tbilisi Yerevan Baku Tehran
Baghdad Amman Beirut Damascus Riyadh Doha Muscat Kabul Tashkent Almaty Karachi Lahore Dhaka Colombo
Kolkata Chennai Pune Jaipur Kathmandu Thimphu Yangon Hanoi Jakarta Bandung Manila Cebu Taipei Osaka
Kyoto Nagoya Sapporo Fukuoka Busan Incheon Harbin Chengdu Wuhan Xiamen Ulaanbaatar Perth Brisbane
Adelaide Hobart Darwin Wellington Dunedin Suva Apia Tunis Algiers Oran Rabat Fez Tripoli Khartoum
Kampala Kigali Lusaka Harare Maputo Windhoek Gaborone Durban Pretoria Dakar Accra Kumasi Abuja
Bamako Lome Conakry Abidjan Reykjavik Nuuk Valletta Nicosia"""
CITIES: Final = (*ZONES, *_CITIES.split(), "Cape Town", "Buenos Aires", "Mexico City", "Rio Branco",
                 "St Gallen", "La Paz", "San Diego", "Las Vegas", "New Orleans", "Kuala Lumpur",
                 "Tel Aviv", "Addis Ababa", "San Juan", "Port Louis", "Da Nang")  # fmt: skip

_COUNTRIES = """Japan Germany Peru France Spain Italy Brazil Chile Canada Mexico India China Kenya
Ghana Nigeria Egypt Morocco Norway Sweden Denmark Finland Poland Hungary Romania Bulgaria Greece
Portugal Ireland Iceland Austria Switzerland Belgium Netherlands Luxembourg Ukraine Georgia Armenia
Israel Jordan Lebanon Iraq Qatar Oman Pakistan Nepal Thailand Vietnam Malaysia Singapore Indonesia
Philippines Australia Argentina Uruguay Paraguay Bolivia Colombia Ecuador Cuba Jamaica Haiti
Honduras Guatemala Nicaragua Panama Tunisia Algeria Ethiopia Uganda Rwanda Zambia Zimbabwe Botswana
Namibia Angola Mozambique Madagascar Senegal Mali Croatia Serbia Slovenia Slovakia Lithuania Latvia
Estonia Malta Mongolia Kazakhstan Uzbekistan Fiji Samoa Tonga Bangladesh Cambodia Albania Cyprus"""
COUNTRIES: Final = (*_COUNTRIES.split(), "New Zealand", "South Africa", "Saudi Arabia", "Sri Lanka",
                    "Costa Rica", "South Korea", "United States", "United Kingdom", "Czechia",
                    "Dominican Republic", "El Salvador", "DE", "JPN", "BR", "NZ")  # fmt: skip
_NO_COUNTRIES = """Atlantis Narnia Wakanda Zogland Ruritania Gondor Mordor Oz Utopia Elbonia
Genovia Freedonia Sokovia Latveria Lilliput Borduria Syldavia Westeros"""
NO_COUNTRIES: Final = tuple(_NO_COUNTRIES.split())

# Kind → ways to write a unit. All of one kind convert into each other.
UNITS: Final[dict[str, tuple[str, ...]]] = {
    "length": ("miles", "km", "meters", "feet", "inches", "cm", "yards", "kilometers", "mm", "ft",
               "metres", "kilometres", "mile", "centimeters", "meter", "foot", "furlongs"),
    "mass": ("kg", "pounds", "grams", "ounces", "lb", "lbs", "oz", "tonnes", "stone", "kilograms",
             "g", "tons", "mg"),
    "volume": ("liters", "gallons", "cups", "ml", "pints", "quarts", "litres", "tablespoons",
               "teaspoons", "milliliters"),
    "time": ("hours", "minutes", "seconds", "days", "weeks", "years", "months"),
    "speed": ("mph", "km/h", "m/s", "knots"),
    "area": ("acres", "hectares", "m**2"),
    "data": ("GB", "MB", "bytes", "bits", "TB", "megabytes", "gigabytes"),
    "energy": ("joules", "kcal", "kJ", "calories", "kWh"),
    "power": ("watts", "horsepower", "kW"),
    "pressure": ("bar", "psi", "pascal", "atm"),
}  # fmt: skip
HEAT: Final = {
    "celsius": "degC",
    "Celsius": "degC",
    "degrees celsius": "degC",
    "degrees Celsius": "degC",
    "C": "degC",
    "fahrenheit": "degF",
    "Fahrenheit": "degF",
    "degrees fahrenheit": "degF",
    "degrees Fahrenheit": "degF",
    "F": "degF",
    "kelvin": "kelvin",
}
NO_UNITS: Final = (
    "bananas",
    "wibbles",
    "zorks",
    "elephants",
    "blips",
    "spoons",
    "apples",
    "clouds",
)

_KEY_WORDS = """favourite lucky secret wifi garden house office project team dog cat car bike phone
blue green red big small old new first second main spare front back summer winter holiday trip train
hotel flight parking locker door gate code number name password colour song book movie meal food
drink tea coffee shop market doctor dentist school teacher sister brother mother father friend
neighbour boss uncle aunt cousin birthday address city town street floor room desk seat ticket
budget
price rent salary weight height size shoe shirt hat ring key box bag plan idea goal task list note
meeting deadline account badge server port machine printer laptop camera guitar piano game score
level rank club gym pool lake river tree flower fruit cheese bread soup cake recipe pet horse"""
KEY_WORDS: Final = tuple(_KEY_WORDS.split())
_VALUES = """green purple orange silver golden crimson jasmine lavender tulip walnut maple cedar
falcon badger otter lynx raven heron salmon trout pizza ramen lasagna curry pancakes waffles mango
papaya cherry lemon jazz opera tango chess poker tennis rugby hockey violin trumpet Luna Rex Bella
Milo Coco Oscar Ruby Felix Nora Emil Greta Hugo Ines Jonas Klara Lars Mira Nils Olga Pavel Rosa Sven
Tessa Viktor Wanda Yusuf Zoe Anna Boris Clara David Elena Monday Tuesday Friday Sunday March June"""
VALUES: Final = tuple(_VALUES.split())


def drawn(thing: str) -> int:
    """A number that looks random and is the same for the same thing."""
    return crc32(thing.lower().encode())


def is_held_out(thing: str, one_in: int = 6) -> bool:
    return drawn(thing) % one_in == 0


def some(things: Sequence[str], rng: Random, *, held_out: bool) -> str:
    """One of the half that training sees, or of the other. ValueError where that is empty."""
    mine = [thing for thing in things if is_held_out(thing) == held_out]
    if not mine:
        raise ValueError(f"none of {things!r} is on this side")
    return rng.choice(mine)
