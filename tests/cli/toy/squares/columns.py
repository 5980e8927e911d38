"""What the squares' table holds."""

from suite.glossary import Table

TABLES = {
    "squares": Table(
        "a number",
        "number, square, name",
        {"number": "what is squared", "square": "its square", "name": "n and the number"},
    ),
}
