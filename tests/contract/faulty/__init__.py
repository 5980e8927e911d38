"""A plugin whose studies and rules each break one rule of the contract; `sound` alone keeps all of it.

The folder of each study is written when the tests install the plugin, with `DECLARATION` in it.
"""

from suite.plugin import Module, Target

NAMES = (
    "sound", "sourceless", "undescribed", "hiding", "unstable", "mislabelled", "deaf", "lenient", "crashing", "bare",
    "batchwise", "drifting", "wandering", "speechless", "garrulous",
)  # fmt: skip

DECLARATION = """
from suite.plugin import Study

study = Study(
    question="Breaks one rule.",
    config="faulty.studies:{config}",
    measure="faulty.studies:{name}",
    results="faulty.{results}",
    figures="faulty.{figures}",
    presets={{"smoke": {{"numbers": (1, 2, 3, 4)}}}},
)
"""

SOUND_WORDS = """
from suite.glossary import Table

TABLES = {"squares": Table("a number", "number, square", {"number": "what is squared", "square": "its square"})}
"""
WORDS = {
    "speechless": "",
    "garrulous": """
from suite.glossary import Table

COLUMNS = {"cube": "of another study"}
TABLES = {
    "squares": Table("a number", "number, vague", {"number": "it", "root": "of the number"}),
    "cubes": Table("a number", "number", {"number": "what is cubed"}),
}
""",
}

module = Module(
    name="faulty",
    summary="Breaks the contract in every way.",
    paper="Nobody (2026)",
    studies=NAMES,
    gradients={
        "faulty_sound": Target("faulty.rules:sound", "keeps the contract, with an argument that it needs"),
        "faulty_same": Target("faulty.rules:same", "is backpropagation"),
        "faulty_forward": Target("faulty.rules:forward", "has other logits"),
        "faulty_infinite": Target("faulty.rules:infinite", "has infinite gradients, and believes anything"),
    },
)
