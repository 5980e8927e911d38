"""Names of models in tables."""

from modules.linbp.names import short_names


def test_names_are_short_where_that_tells_them_apart() -> None:
    assert short_names(["resnet56@a.th", "resnet20@b.th", "vgg16"]) == {
        "resnet56@a.th": "resnet56", "resnet20@b.th": "resnet20", "vgg16": "vgg16",
    }  # fmt: skip
    assert short_names(["resnet20@a.th", "resnet20@b.th", "mlp"]) == {
        "resnet20@a.th": "resnet20@a.th", "resnet20@b.th": "resnet20@b.th", "mlp": "mlp",
    }  # fmt: skip
