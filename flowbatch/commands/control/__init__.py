"""What is to change: scontrol, scancel."""
