"""Allocations: jobs without a script, held on their node for the command that asked for them (srun outside a job, salloc)."""
