"""On the machine: starts, watches, signals and reaps jobs. Standard library only."""
