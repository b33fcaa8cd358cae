"""May this be asked for? The controller's checks in slurmctld's order, with its words."""
