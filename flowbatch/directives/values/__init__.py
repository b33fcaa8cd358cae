"""One module a value language of Slurm: text to value by its grammar in grammar/, and back."""
