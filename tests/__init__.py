"""The tests. None is judged by how long an input takes, or takes to make: a busy machine is none of its faults."""

from hypothesis import HealthCheck, settings

settings.register_profile("anywhere", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("anywhere")
