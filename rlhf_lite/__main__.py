"""`python -m rlhf_lite` is the same as `rlhf-lite`."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
