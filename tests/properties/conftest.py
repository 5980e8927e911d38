"""One profile for all: the same examples in every run, so that a failure is everybody's."""

from datetime import timedelta

from hypothesis import HealthCheck, settings

settings.register_profile(
    "suite", derandomize=True, database=None, max_examples=60, deadline=timedelta(seconds=2),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
settings.load_profile("suite")
