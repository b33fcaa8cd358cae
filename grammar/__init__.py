"""Grammars of Slurm's small languages, one file each, read by flowbatch.directives."""
