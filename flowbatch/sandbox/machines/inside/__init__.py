"""What runs in an instance: its first process and the commands that speak to it. Standard library alone: the system's own python3 runs it."""
