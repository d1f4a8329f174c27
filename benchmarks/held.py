"""What this process holds: memory, tasks, descriptors and threads."""

import asyncio
import gc
import os
import threading
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Held:
    """The resources that the process holds."""

    mebibytes: float
    tasks: int
    descriptors: int
    threads: int

    @classmethod
    def now(cls) -> "Held":
        """Return the current values. A value is 0 if the system does not provide it."""
        gc.collect()
        statm, descriptors = Path("/proc/self/statm"), Path("/proc/self/fd")
        pages = int(statm.read_text().split()[1]) if statm.exists() else 0
        return cls(
            mebibytes=pages * os.sysconf("SC_PAGE_SIZE") / 2**20 if pages else 0.0,
            tasks=len(asyncio.all_tasks()),
            descriptors=len(list(descriptors.iterdir())) if descriptors.exists() else 0,
            threads=threading.active_count(),
        )
