"""How much input the property tests make up. pytest's option --hypothesis-profile chooses another profile.

The other folders have no such tests, do not import hypothesis, and do not know the option's names: use it with
tests/unit alone.
"""

from hypothesis import settings

settings.register_profile("quick", derandomize=True, max_examples=25, deadline=None)
settings.register_profile("fixed", derandomize=True, max_examples=400, deadline=None)
settings.register_profile("random", max_examples=2_000, deadline=None)
settings.load_profile("quick")
