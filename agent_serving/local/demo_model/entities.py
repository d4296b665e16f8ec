"""What conversations are about. `held_out` things never occur in training."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final
from zlib import crc32

from pycountry import countries

from agent_serving.local.demo_model.zones import ZONES

_CITIES = """Portland Detroit Quito Montevideo Medellin Cusco Cordoba Rosario Salvador Recife
Kingston Panama Managua Monterrey Tijuana Calgary Ottawa Halifax Cologne Frankfurt
Leipzig Dresden Bremen Graz Salzburg Basel Bern Lyon Nice Bordeaux Lille Marseille
Toulouse Naples Turin Venice Florence Bologna Palermo Seville Valencia Bilbao Malaga
Porto Braga Leeds Bristol Glasgow Cardiff Belfast Oxford York Cork Galway Bergen Tromso
Malmo Gothenburg Uppsala Aarhus Odense Turku Tampere Krakow Gdansk Poznan Brno Debrecen
Bratislava Ljubljana Zagreb Split Belgrade Varna Odesa Lviv Minsk Vilnius Riga Tallinn
Tartu Izmir Ankara Tbilisi Yerevan Baku Amman Beirut Damascus Riyadh Doha Muscat Kabul
Tashkent Almaty Lahore Colombo Chennai Pune Jaipur Thimphu Yangon Bandung Cebu Kyoto
Nagoya Sapporo Fukuoka Busan Incheon Harbin Chengdu Wuhan Xiamen Ulaanbaatar Hobart
Darwin Dunedin Suva Apia Tunis Algiers Oran Rabat Fez Tripoli Khartoum Kampala Kigali
Lusaka Harare Maputo Windhoek Gaborone Durban Pretoria Dakar Kumasi Abuja Bamako Lome
Conakry Abidjan Nuuk Valletta Nicosia"""
CITIES: Final = (*ZONES, *_CITIES.split(), "Rio Branco",
                 "St Gallen", "La Paz", "New Orleans", "Kuala Lumpur",
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
                    "Dominican Republic", "El Salvador", "DE", "BR", "NZ")  # fmt: skip
_NO_COUNTRIES = """Atlantis Narnia Wakanda Zogland Ruritania Gondor Mordor Oz Utopia Elbonia
Genovia Freedonia Sokovia Latveria Lilliput Borduria Syldavia Westeros"""
NO_COUNTRIES: Final = tuple(_NO_COUNTRIES.split())

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


def code(rng: Random, *, held_out: bool) -> str:
    """Of a country: of two letters, of three, or its number."""
    mine = [one for one in countries if is_held_out(one.alpha_2) == held_out]
    one = rng.choice(mine)
    kind = rng.random()
    code = one.alpha_2 if kind < 0.5 else one.alpha_3 if kind < 0.85 else one.numeric
    return str(code)


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
