"""`foolbox:NAME`: the labelled samples that come with Foolbox, 20 of each of five data sets, as its `samples` gives.

They are the test split: there is nothing to learn from. Photographs of ImageNet, most of them 512 x 512, are stretched
to 224 x 224 by Pillow's bicubic filter, whatever their shape, as Foolbox does. A file's name says its place and class.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import distribution
from pathlib import Path

from PIL import Image

from suite.data.bounds import bounds
from suite.data.image import Decoder
from suite.data.source import Contents, Decoded, Image8, Source, stamp, to_array
from suite.errors import SuiteError

IMAGENET = "foolbox:imagenet"
SIDE = 224
"""Height and width that the photographs of ImageNet are brought to."""

_FILE = re.compile(r"(?P<of>[A-Za-z0-9]+)_(?P<place>\d\d)_(?P<label>\d+)\.(png|jpg)")

DIGITS = "0,1,2,3,4,5,6,7,8,9"
CLOTHES = "T-shirt/top,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot"
THINGS = "airplane,automobile,bird,cat,deer,dog,frog,horse,ship,truck"
FINE_THINGS = (
    "apple,aquarium_fish,baby,bear,beaver,bed,bee,beetle,bicycle,bottle,bowl,boy,bridge,bus,butterfly,camel,can,castle,"
    "caterpillar,cattle,chair,chimpanzee,clock,cloud,cockroach,couch,crab,crocodile,cup,dinosaur,dolphin,elephant,"
    "flatfish,forest,fox,girl,hamster,house,kangaroo,keyboard,lamp,lawn_mower,leopard,lion,lizard,lobster,man,"
    "maple_tree,motorcycle,mountain,mouse,mushroom,oak_tree,orange,orchid,otter,palm_tree,pear,pickup_truck,pine_tree,"
    "plain,plate,poppy,porcupine,possum,rabbit,raccoon,ray,road,rocket,rose,sea,seal,shark,shrew,skunk,skyscraper,"
    "snail,snake,spider,squirrel,streetcar,sunflower,sweet_pepper,table,tank,telephone,television,tiger,tractor,train,"
    "trout,tulip,turtle,wardrobe,whale,willow_tree,wolf,woman,worm"
)


@dataclass(frozen=True)
class Samples:
    """One of Foolbox's sets of samples.

    Args:
        file: what its files begin with.
        summary: one line.
        classes: their names in label order, with commas between; empty for ImageNet's, which torchvision knows.
    """

    file: str
    summary: str
    classes: str = ""


SAMPLES: Mapping[str, Samples] = {
    "foolbox:mnist": Samples("mnist", "the first 20 test images of mnist", DIGITS),
    "foolbox:fashion_mnist": Samples("fashionMNIST", "the first 20 test images of fashion_mnist", CLOTHES),
    "foolbox:cifar10": Samples("cifar10", "the first 20 test images of cifar10", THINGS),
    "foolbox:cifar100": Samples("cifar100", "the first 20 test images of cifar100", FINE_THINGS),
    IMAGENET: Samples("imagenet", f"20 photographs of ImageNet's 1,000 classes, {SIDE}x{SIDE}, RGB"),
}


def folder() -> Path:
    """Where the installed Foolbox keeps its samples; importing it, which takes a second, is not needed for that."""
    return Path(str(distribution("foolbox").locate_file("foolbox/data")))


def source(ref: str) -> Source:
    """The samples that a reference means. Raises SuiteError where the installed Foolbox has none."""
    named = ((path, _FILE.fullmatch(path.name)) for path in sorted(folder().glob("*")))
    files = [path for path, found in named if found and found["of"] == SAMPLES[ref].file]
    if not files:
        raise SuiteError(f"the samples of {ref} are not in {folder()}", "install foolbox anew")
    return Source(ref.replace(":", "-"), (ref, *map(stamp, files)), partial(_read, ref, files))


@contextmanager
def _read(ref: str, files: list[Path]) -> Iterator[Contents]:
    decode = Decoder(str(folder()), bounds())
    images = [decode(path.name, path.read_bytes()) for path in files]
    if ref == IMAGENET:
        images = [_stretched(image) for image in images]
    labels = [int(path.stem.split("_")[-1]) for path in files]
    shape = images[0].shape
    yield Contents(_classes(SAMPLES[ref].classes), Decoded(shape, (), []), Decoded(shape, images, labels))


def _stretched(image: Image8) -> Image8:
    return to_array(Image.fromarray(image.transpose(1, 2, 0)).resize((SIDE, SIDE)))


def _classes(names: str) -> tuple[str, ...]:
    if names:
        return tuple(names.split(","))
    from torchvision.models import ResNet18_Weights  # two seconds, and only where the photographs are decoded

    return tuple(ResNet18_Weights.DEFAULT.meta["categories"])
