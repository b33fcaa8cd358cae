"""`srun` inside a job, on the job's own machine: what was asked, what the node grants, the tasks and their streams."""
