"""`python -m flowbatch` is `flow`, for where the scripts of an environment are not on PATH."""

import sys

from flowbatch.cli.entry import main

if __name__ == "__main__":
    sys.exit(main())
