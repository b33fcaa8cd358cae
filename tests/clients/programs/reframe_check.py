"""A check of two tasks that must say something."""

import reframe as rfm
import reframe.utility.sanity as sn

# ruff: noqa: RUF012, F821  (a check is written so: its class gives meaning to its body)


@rfm.simple_test
class Says(rfm.RunOnlyRegressionTest):
    valid_systems = ["*"]
    valid_prog_environs = ["builtin"]
    executable = "hostname"
    num_tasks = 2
    num_tasks_per_node = 2
    time_limit = "5m"

    @sanity_function
    def said(self):
        return sn.assert_found(r"\w", self.stdout)
