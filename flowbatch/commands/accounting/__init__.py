"""What was, and whose it is: sacct, sacctmgr, and the reports."""
