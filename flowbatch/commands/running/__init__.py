"""What the caller becomes: srun, salloc, sattach, sbcast."""
