"""All error classes of errors.py, and those that are raised: the classes with a code."""

from update_profile.errors import UpdateProfileError


def all_classes(root: type[UpdateProfileError] = UpdateProfileError) -> list[type[UpdateProfileError]]:
    """Return every class of the tree below the root."""
    return [found for child in root.__subclasses__() for found in (child, *all_classes(child))]


RAISED = [kind for kind in all_classes() if kind.code]
