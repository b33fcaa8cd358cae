"""What was said: one file a Slurm command, run inside the controller on behalf of a caller."""
