"""`python -m service`, which is `tallyhook`."""

import gc
import sys


def main() -> int:
    """Run the command line.

    What is loaded lives as long as the process: while it comes no garbage is looked for, and later collections don't walk
    it, which is a pause of 0.1 s each otherwise (docs/performance.md).
    """
    gc.disable()
    from service.cli import main as run

    gc.freeze()
    gc.enable()
    return run()


if __name__ == "__main__":
    sys.exit(main())
