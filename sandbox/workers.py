"""Which worker serves an app: the library that Azure runs where it is installed, else azure-functions alone."""

import importlib.util
from pathlib import Path

from .worker import Worker


def create_worker(app_directory: Path) -> Worker:
    """Return the real worker library's worker if it is installed (Python 3.13 and later), else the fallback."""
    if importlib.util.find_spec("azure_functions_runtime"):
        from .runtime_worker import RuntimeWorker

        return RuntimeWorker(app_directory)
    from .fallback_worker import FallbackWorker

    return FallbackWorker(app_directory)
