"""Jobs come: sbatch and scrontab."""
