"""Config fields as a study declares them and a user types them."""

from typing import Any

import pytest
from pydantic import ValidationError

from suite.plugin import (
    DatasetRef,
    Epsilon,
    Epsilons,
    GradientRef,
    GradientRefs,
    Module,
    Number,
    Reference,
    Steps,
    Study,
    StudyConfig,
    option,
)


class Config(StudyConfig):
    eps: Epsilons = option((0.05,), "strengths", unit="pixels", source="Eq. 1")
    one: Epsilon = option(0.1, "a strength")
    number: Number = option(0.0, "any number")
    steps: Steps = option((5,), "numbers of steps")
    gradients: GradientRefs = option(("bp",), "rules")
    rule: GradientRef = option("bp", "a rule")
    dataset: DatasetRef = option("digits", "data set")
    limit: int | None = option(64, "samples; none: all", gt=0)
    start: str | None = option(None, "free text")
    batch_size: int = option(64, "batch", in_key=False, gt=0)


@pytest.mark.parametrize(
    ("field", "typed", "value"),
    [
        ("eps", "8/255,0.1", (8 / 255, 0.1)),
        ("eps", "0.1", (0.1,)),
        ("eps", 0.1, (0.1,)),
        ("eps", [0.2, "1/10"], (0.2, 0.1)),  # the order typed is kept
        ("one", "8/255", 8 / 255),
        ("number", "-1/4", -0.25),
        ("number", 3, 3.0),
        ("steps", "5,10", (5, 10)),
        ("steps", 7, (7,)),
        ("gradients", "bp,linbp(start=layer4, x=1)", ("bp", "linbp(start=layer4,x=1)")),
        ("gradients", ["bp"], ("bp",)),
        ("rule", "linbp( start = 3 )", "linbp(start=3)"),
        ("gradients", "bp,sgm(lam=1/2)+linbp(start=3)", ("bp", "linbp(start=3)+sgm(lam=0.5)")),
        ("limit", "none", None),
        ("start", "none", "none"),
        ("seed", 5, 5),
    ],
)
def test_values_as_typed(field: str, typed: Any, value: Any) -> None:
    assert getattr(Config(**{field: typed}), field) == value


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("eps", "8/255x", "'8/255x' is not a number"),
        ("eps", "0", "greater than 0"),
        ("eps", "-0.1", "greater than 0"),
        ("eps", "0.1,-0.1", "greater than 0"),
        ("eps", "", "the list is empty"),
        ("eps", [], "the list is empty"),
        ("eps", "0.5,1/2", "twice"),
        ("eps", float("nan"), "finite|greater"),
        ("eps", float("inf"), "finite"),
        ("one", 0, "greater than 0"),
        ("one", "1/0", "divides by zero"),
        ("number", float("inf"), "finite"),
        ("steps", "0", "greater than 0"),
        ("steps", 0, "greater than 0"),
        ("steps", "5,5", "twice"),
        ("steps", "2.5", "integer"),
        ("steps", "ten", "integer"),
        ("gradients", "bp,bp", "twice"),
        ("gradients", "linbp(x=1,y=2),linbp(y=2, x=1)", "twice"),
        ("gradients", "linbp(", "cannot read"),
        ("gradients", "linbp+sgm,sgm+linbp", "twice"),
        ("rule", "1bp", "cannot read"),
        ("rule", "linbp+", "cannot read"),
        ("batch_size", 0, "greater than 0"),
        ("batch_size", "none", "integer"),
        ("seed", -1, "greater than or equal to 0"),
        ("colour", 1, "[Ee]xtra"),
    ],
)
def test_bad_values_are_refused(field: str, typed: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said) as caught:
        Config(**{field: typed})
    assert caught.value.errors()[0]["loc"][0] == field


def test_a_config_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Config().one = 0.2


def test_bad_defaults_are_found_as_soon_as_a_config_is_made() -> None:
    class Bad(StudyConfig):
        eps: Epsilons = option((-1.0,), "strengths")

    with pytest.raises(ValidationError, match="greater than 0"):
        Bad()


def test_what_info_shows_and_what_the_key_leaves_out() -> None:
    extras: dict[str, Any] = {name: info.json_schema_extra for name, info in Config.model_fields.items()}
    assert extras["eps"] == {"unit": "pixels", "source": "Eq. 1", "in_key": True}
    assert not extras["batch_size"]["in_key"]
    assert Config.model_fields["eps"].description == "strengths"


def test_references_are_marked() -> None:
    fields = Config.model_fields
    assert Reference("dataset") in fields["dataset"].metadata
    assert Reference("gradient") in fields["rule"].metadata
    assert not any(isinstance(mark, Reference) for mark in fields["eps"].metadata)


def test_a_module_is_a_light_table() -> None:
    study = Study("summary", "package.file:Config", "package.file:run")
    module = Module("toy", "summary", "paper", {"study": study})
    assert study.presets == {} and module.gradients == {}
    with pytest.raises(AttributeError):
        module.name = "other"  # type: ignore[misc]
