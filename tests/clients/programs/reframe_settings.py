"""Where reframe's checks run: by its `slurm` and its `squeue` scheduler."""

site_configuration = {
    "systems": [
        {
            "name": "here",
            "hostnames": [".*"],
            "partitions": [
                {
                    "name": "slurm",
                    "scheduler": "slurm",
                    "launcher": "srun",
                    "access": ["-p debug"],
                    "environs": ["builtin"],
                },
                {"name": "squeue", "scheduler": "squeue", "launcher": "local", "environs": ["builtin"]},
            ],
        }
    ],
    "environments": [{"name": "builtin", "cc": "true", "cxx": "", "ftn": ""}],
}
