"""Slurm's face: its codes, fields, wording, times and host lists. Standard library only."""
