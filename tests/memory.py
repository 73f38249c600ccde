"""Where the tests' files are: in memory where that has room, since a database waits for its disk most of the time."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - whoever makes files in it makes folders of its own
_ROOM: Final = 2 * 1024**3
"""A run needs a tenth of this, and PostgreSQL lets its log grow to half of it before it makes room."""


def prefer() -> None:
    """Let all temporary files of this process and its children be in memory; nothing where `TMPDIR` says otherwise.

    A kill ends a process and never the machine, so that what it wrote is as lasting here as on a disk.
    """
    if "TMPDIR" in os.environ or not os.access(_MEMORY, os.W_OK) or shutil.disk_usage(_MEMORY).free < _ROOM:
        return
    os.environ["TMPDIR"] = str(_MEMORY)
    tempfile.tempdir = None  # it was read before
