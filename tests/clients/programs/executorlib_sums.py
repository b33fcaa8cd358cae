"""Functions as jobs of their own, by executorlib and pysqa."""

import json

from executorlib import SlurmClusterExecutor

LIMITS = {"run_time_max": 300, "partition": "debug"}


def add(first: int, second: int) -> int:
    return first + second


if __name__ == "__main__":
    with SlurmClusterExecutor(cache_directory="cache", resource_dict={"cores": 1}) as executor:
        futures = [executor.submit(add, number, number, resource_dict=LIMITS) for number in range(2)]
        print(json.dumps([future.result() for future in futures]))
