"""The thin clients that stand on PATH as sbatch, squeue, scancel."""
