"""Run `#SBATCH` scripts unchanged, on this machine or on rented GPUs."""

__version__ = "0.1.0"
