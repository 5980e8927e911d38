"""Words for columns that several studies of this module have; light to import."""

NET = {
    "d": "input dimension: number of pixels",
    "m": "hidden neurons of the net",
    "c0": "C0: no neuron is further than C0 / sqrt(m) from its start; 0 for the net at initialisation",
    "run": "number of the net, from 0; each has an initialisation and an order of samples of its own",
    "accuracy": "share of all test points that the net classifies correctly, in [0, 1]",
    "left": "whether the net left its ball during training",
    "distance": "furthest neuron's distance from its start, in units of 1 / sqrt(m): at most c0 within the ball",
    "margin": "y f(x): the net's output times the label; positive where it is right",
    "norm": "l2 norm of the image",
    "note": "what to know of a net that is not what one expects; else empty",
}
