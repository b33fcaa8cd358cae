"""`python -m flowbatch` is `flow`, for where the scripts of an environment are not on PATH."""

from flowbatch.cli.entry import main

if __name__ == "__main__":
    main()
