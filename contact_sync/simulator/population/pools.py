"""Tables that names, places and words are drawn from: Faker's name tables, and small ones of our own.

Data only. E-mail domains are reserved ones (RFC 2606 and 6761); American phone numbers are of the 555 kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

import numpy as np
import numpy.typing as npt

Text = npt.NDArray[np.object_]
Columns = dict[str, Text]


@dataclass(frozen=True, slots=True)
class Place:
    """A city; `area` is its phone area code, `zip_prefix` starts its postal codes."""

    city: str
    state: str
    area: str
    zip_prefix: str


@dataclass(frozen=True, slots=True)
class Culture:
    """People and places of one country."""

    country: str
    dial: str
    weight: float
    zip_length: int
    legal_forms: tuple[str, ...]
    streets: tuple[str, ...]
    places: tuple[Place, ...]
    locale: str

    def names(self) -> tuple[Text, Text, Text]:
        """First names of women, of men, and family names, from Faker's tables."""
        provider = import_module(f"faker.providers.person.{self.locale}").Provider
        families = getattr(provider, "unisex_last_names", provider.last_names)
        tables = (provider.first_names_female, provider.first_names_male, families)
        women, men, family = (np.array(sorted(set(table)), dtype=object) for table in tables)
        return women, men, family


CULTURES = (
    Culture(
        "United States", "1", 0.55, 5, ("Inc.", "LLC", "Corp.", "Co."),
        (
            "Main St", "Oak Ave", "Maple Drive", "2nd Street", "Washington Blvd", "Lake Road", "Hill Ct",
            "Park Ave, Suite 4",
        ),
        (
            Place("Boston", "MA", "617", "021"), Place("Newark", "NJ", "973", "071"),
            Place("Austin", "TX", "512", "787"), Place("Denver", "CO", "303", "802"),
            Place("Seattle", "WA", "206", "981"), Place("Chicago", "IL", "312", "606"),
            Place("Atlanta", "GA", "404", "303"), Place("San José", "CA", "408", "951"),
        ),
        "en_US",
    ),
    Culture(
        "Germany", "49", 0.15, 5, ("GmbH", "AG", "KG", "GmbH & Co. KG"),
        ("Hauptstraße", "Bahnhofstr.", "Schloßallee", "Am Mühlbach", "Goethestraße", "Lindenweg"),
        (
            Place("Berlin", "", "30", "101"), Place("München", "Bayern", "89", "803"), Place("Köln", "", "221", "506"),
            Place("Dresden", "Sachsen", "351", "010"), Place("Leipzig", "Sachsen", "341", "041"),
        ),
        "de_DE",
    ),
    Culture(
        "United Kingdom", "44", 0.1, 6, ("Ltd", "PLC", "LLP"),
        ("High Street", "Church Lane", "Station Road", "Victoria Rd.", "King's Road"),
        (
            Place("London", "", "20", "EC1A "), Place("Leeds", "West Yorkshire", "113", "LS1 "),
            Place("Bristol", "", "117", "BS1 "), Place("Glasgow", "", "141", "G2 "),
        ),
        "en_GB",
    ),
    Culture(
        "France", "33", 0.08, 5, ("SA", "SARL", "SAS"),
        ("rue de la Paix", "avenue Victor-Hugo", "place de l'Église", "boulevard Saint-Michel"),
        (Place("Paris", "", "1", "750"), Place("Bourg-en-Bresse", "", "4", "010"), Place("Nîmes", "", "4", "300")),
        "fr_FR",
    ),
    Culture(
        "Poland", "48", 0.06, 5, ("Sp. z o.o.", "S.A."),
        ("ul. Długa", "ul. Świętego Marcina", "al. Jerozolimskie"),
        (Place("Łódź", "", "42", "900"), Place("Kraków", "", "12", "300"), Place("Warszawa", "", "22", "001")),
        "pl_PL",
    ),
    Culture(
        "Sweden", "46", 0.06, 5, ("AB",),
        ("Storgatan", "Drottninggatan", "Ängsvägen"),
        (Place("Göteborg", "", "31", "411"), Place("Malmö", "", "40", "211"), Place("Örebro", "", "19", "702")),
        "sv_SE",
    ),
)  # fmt: skip

COMPANY_FIRST = (
    "Acme", "Northwind", "Blue Harbor", "Vertex", "Summit", "Orion", "Cascade", "Pioneer", "Sterling", "Granite",
    "Helix", "Lumen", "Nova", "Atlas", "Beacon", "Cobalt", "Delta", "Evergreen", "Falcon", "Keystone", "Meridian",
    "Quantum", "Redwood", "Sapphire", "Tidal", "Union", "Vantage", "Willow", "Zenith", "Müller", "Björk", "Étoile",
)  # fmt: skip
COMPANY_SECOND = (
    "Logistics", "Foods", "Systems", "Energy", "Medical", "Textiles", "Robotics", "Software", "Materials", "Pharma",
    "Consulting", "Tools", "Optics", "Packaging", "Motors", "Paper", "Steel", "Analytics", "Hotels", "Labs",
    "Chemicals", "Farms", "Media", "Insurance", "Capital",
)  # fmt: skip
INDUSTRIES = (
    "Agriculture", "Banking", "Chemicals", "Construction", "Education", "Electronics", "Energy", "Engineering",
    "Healthcare", "Insurance", "Manufacturing", "Retail", "Technology", "Transportation",
)  # fmt: skip
TITLES = (
    "Account Manager", "Buyer", "CEO", "CFO", "CTO", "Controller", "Engineer", "Facility Manager", "Head of Operations",
    "Head of Purchasing", "IT Director", "Logistics Coordinator", "Marketing Manager", "Office Manager", "Owner",
    "Plant Manager", "Product Manager", "Quality Manager", "Sales Director", "VP, Sales & Marketing",
)  # fmt: skip
DEPARTMENTS = ("Finance", "IT", "Legal", "Marketing", "Operations", "Purchasing", "R&D", "Sales", "NA", "N/A")
LEAD_SOURCES = ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Trade Show", "Other")
ROLE_MAILBOXES = ("info", "sales", "office", "accounting", "contact")
MAIL_HOSTS = ("example.com", "example.org", "example.net")
PLACEHOLDER_EMAILS = ("noemail@example.com", "none@example.com", "test@example.org", "na@example.net")
PLACEHOLDER_PHONES = ("555-555-5555", "000-000-0000", "(555) 555-5555", "1234567890")
NOTES = (
    "Met at the fair, wants a quote",
    "Call back\nafter the holidays",
    "Prefers e-mail;\r\nno calls before 10:00",
    'Said "not now", ask again in Q3',
    "Very happy customer 🎉",
    "NULL",
    "#N/A",
    "null",
    "Line one\r\nLine two\n\nLine four, with a comma",
    "  Budget: 10,000 €; décision en été  ".strip(),
    "Tab\there and a \\ backslash",
    "名刺交換済み",
    "=1+1",
    "Separator\u2028in between",
)
NICKNAMES = {
    "Alexander": "Alex", "Alexandra": "Sandra", "Andrew": "Andy", "Anthony": "Tony", "Barbara": "Barb",
    "Benjamin": "Ben", "Catherine": "Cathy", "Charles": "Chuck", "Christina": "Tina", "Christine": "Chris",
    "Christopher": "Chris", "Cynthia": "Cindy", "Daniel": "Dan", "David": "Dave", "Deborah": "Debbie",
    "Donald": "Don", "Dorothy": "Dot", "Edward": "Ed", "Elizabeth": "Liz", "Eugene": "Gene", "Frederick": "Fred",
    "Gregory": "Greg", "James": "Jim", "Jacqueline": "Jackie", "Jeffrey": "Jeff", "Jennifer": "Jen",
    "Jessica": "Jess", "Johannes": "Hannes", "John": "Jack", "Jonathan": "Jon", "Joseph": "Joe", "Joshua": "Josh",
    "Kathleen": "Kathy", "Katherine": "Kate", "Kenneth": "Ken", "Kimberly": "Kim", "Lawrence": "Larry",
    "Leonard": "Len", "Margaret": "Peggy", "Matthew": "Matt", "Megan": "Meg", "Melissa": "Missy",
    "Michael": "Mike", "Mitchell": "Mitch", "Nathaniel": "Nate", "Nicholas": "Nick", "Pamela": "Pam",
    "Patricia": "Pat", "Patrick": "Pat", "Peter": "Pete", "Philip": "Phil", "Phillip": "Phil", "Rebecca": "Becky",
    "Richard": "Rick", "Robert": "Bob", "Ronald": "Ron", "Samantha": "Sam", "Samuel": "Sam", "Stephanie": "Steph",
    "Stephen": "Steve", "Steven": "Steve", "Susan": "Sue", "Theodore": "Ted", "Theresa": "Terry",
    "Thomas": "Tom", "Timothy": "Tim", "Victoria": "Vicky", "Vincent": "Vince", "Walter": "Walt",
    "William": "Bill", "Zachary": "Zach", "Wolfgang": "Wolf", "Friedrich": "Fritz", "Małgorzata": "Gosia",
}  # fmt: skip
