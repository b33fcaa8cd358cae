"""What is there: squeue, sinfo, and the views of jobs, nodes and steps that all listings share."""
