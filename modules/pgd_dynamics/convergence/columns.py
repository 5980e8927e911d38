"""What the tables of `pgd_dynamics.convergence` hold; light, since `suite info` shows them."""

from modules.pgd_dynamics.glossary import NETWORK
from suite.glossary import CLAIMS, Table

COLUMNS = {
    "network": NETWORK,
    "start": "number of the start, from 0; uniform in the ball",
    "eta": "step size",
    "eta_factor": "step size, in units of eps^2",
    "beta": "beta of the schedule eta_s = 2 / (beta (s + z)), in units of the smallest curvature at the minimum",
    "median": "median over trajectories",
    "tenth": "10 % quantile over trajectories",
    "ninetieth": "90 % quantile over trajectories",
}
_GAMMA = "|Gamma|, the length of the tangential gradient"
_FIRST = "first step on the sphere with |Gamma|"

TABLES = {
    "claims": CLAIMS,
    "rates": Table(
        "an exponent that the paper bounds",
        "quantity, beta, bound, value, low, high, n, expected, lost",
        {
            "quantity": "what grows or falls, and with what",
            "beta": "beta of the schedule, in units of kappa; empty for constant steps",
            "bound": "exponent of the paper's bound; empty where it has none",
            "value": "exponent measured: slope on logarithms, mean over networks",
            "n": "networks with an exponent",
            "expected": "exponent that the linearised dynamics give in this range, mean over networks",
            "lost": "networks without an exponent, since a trajectory of theirs did not arrive",
        },
    ),
    "by_eta": Table(
        "what Theorem 3.1 bounds, at one step size",
        "quantity, eta, median, tenth, ninetieth, n, never",
        {
            "quantity": "steps to the sphere, steps to |Gamma| < sqrt(eta), or distance of the output",
            "n": "trajectories that have the quantity",
            "never": "trajectories that never had the quantity",
        },
    ),
    "by_step": Table(
        "the schedule of one beta at one step that is read: D_s / D_1 over trajectories",
        "beta, step, time, median, tenth, ninetieth, n",
        {
            "time": "median of (s + z) / z",
            "median": "median over trajectories of D_s / D_1, D the squared distance from the minimum",
            "n": "number of trajectories",
        },
    ),
    "networks": Table(
        "a network at one step size: what the theorem assumes, as sampled",
        "network, eta_factor, slope, gradient, steepest, spread, eq_6",
        {
            "slope": "script L: least |dl/df| at the sampled points of the ball",
            "gradient": "B_l: least |df| at the sampled points of the ball",
            "steepest": "largest |dL| at the sampled points of the ball",
            "spread": "largest angle between df at two points of the sphere, in radians",
            "eq_6": "whether Eq. 6 of Lemma 4.5 holds",
        },
    ),
    "trajectories": Table(
        "a trajectory with a constant step size",
        "eta_factor, network, start, eta, distance, end_distance, minimum, curvature, refined_gamma, definite, "
        "contraction, fast, slow, hit, near, settled, reached, aligned, steps, near_gamma, settled_gamma, hit_cosine, "
        "final_gamma, final_value, interior_decrease, sphere_decrease, tangent_error, inward, near_maximum, "
        "left_minimum, raised, finite",
        {
            "distance": "l2 distance of the theorem's output, the point at near, from the minimum beside it",
            "end_distance": "l2 distance of the last point from the minimum beside the output",
            "minimum": "whether a strict local minimum of L on the sphere is beside the output",
            "curvature": "kappa: smallest tangential curvature at the minimum beside the output",
            "refined_gamma": f"{_GAMMA}, at that minimum as refined: rounding",
            "definite": "whether Xi is positive definite at that minimum, the normal direction included",
            "contraction": "factor by which |Gamma| falls per step between near and settled",
            "fast": "factor by which |Gamma| falls per step as predicted for the largest curvature",
            "slow": "factor by which |Gamma| falls per step as predicted for the smallest curvature",
            "hit": "first step on the sphere; -1 for never",
            "near": f"{_FIRST} < sqrt(eta), the theorem's output; -1 for never",
            "settled": f"{_FIRST} < sqrt(eta) / 10; -1 for never",
            "reached": "first step at a given value of L; -1 here, where none is given",
            "aligned": "first step at which -dL is nearly the outward normal, Lemma 4.5's set of minima; -1 for never",
            "steps": "step at which the trajectory was given up or done",
            "near_gamma": f"{_GAMMA}, at near",
            "settled_gamma": f"{_GAMMA}, at settled",
            "hit_cosine": "cosine of -dL with the outward normal at hit, in [-1, 1]",
            "final_gamma": f"{_GAMMA}, at the end",
            "final_value": "L = -loss at the end",
            "interior_decrease": "least fall of L in a step that ends inside the ball, over eta (Lemma 4.1)",
            "sphere_decrease": "least fall of L in a step along the sphere, over eta^2",
            "tangent_error": "largest error of Lemma 4.2 over the outward steps on the sphere; it says <= 4",
            "inward": "steps on the sphere that point inwards",
            "near_maximum": "steps in the neighbourhood of the maxima of L (Lemma 4.5)",
            "left_minimum": "steps out of the neighbourhood of the minima of L (Lemma 4.5)",
            "raised": "steps that raised L",
            "finite": "whether L was finite throughout",
        },
    ),
    "schedules": Table(
        "a trajectory under the schedule of one beta, at one step that is read",
        "network, start, beta, step, z, squared_distance, predicted",
        {
            "z": "offset z of the schedule: the least with which its first step is below eta",
            "squared_distance": "D_s: squared l2 distance from the minimum",
            "predicted": "natural logarithm of D_s as the linearised dynamics give it",
        },
    ),
    "phases": Table(
        "a trajectory of the picture at one step that is read",
        "network, start, eta, step, radius, cosine, gamma",
        {
            "radius": "distance from the centre of the ball, over eps",
            "cosine": "cosine of -dL with the outward direction, in [-1, 1]",
            "gamma": _GAMMA,
        },
    ),
}
