"""The tests. No verdict depends on how long an input takes, or takes to generate, since the machine may be busy."""

from hypothesis import HealthCheck, settings

settings.register_profile("anywhere", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("anywhere")
