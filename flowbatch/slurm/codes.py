"""Slurm's words for what can go wrong, for states and for reasons. Pure tables, as 22.05.8 prints them."""

from __future__ import annotations

from types import MappingProxyType

MESSAGES = MappingProxyType(
    {
        "EAGAIN": "Resource temporarily unavailable",
        "SLURM_UNEXPECTED_MSG_ERROR": "Unexpected message received",
        "SLURMCTLD_COMMUNICATIONS_CONNECTION_ERROR": "Unable to contact slurm controller (connect failure)",
        "ESLURM_INVALID_PARTITION_NAME": "Invalid partition name specified",
        "ESLURM_DEFAULT_PARTITION_NOT_SET": "No partition specified or system default partition",
        "ESLURM_ACCESS_DENIED": "Access/permission denied",
        "ESLURM_JOB_MISSING_REQUIRED_PARTITION_GROUP": "User's group not permitted to use this partition",
        "ESLURM_REQUESTED_NODES_NOT_IN_PARTITION": "Requested nodes not in this partition",
        "ESLURM_TOO_MANY_REQUESTED_CPUS": "More processors requested than permitted",
        "ESLURM_INVALID_NODE_COUNT": "Node count specification invalid",
        "ESLURM_ERROR_ON_DESC_TO_RECORD_COPY": "Unable to create job record, try again",
        "ESLURM_JOB_MISSING_SIZE_SPECIFICATION": "Job size specification needs to be provided",
        "ESLURM_JOB_SCRIPT_MISSING": "Job script not specified",
        "ESLURM_USER_ID_MISSING": "Invalid user id",
        "ESLURM_DUPLICATE_JOB_ID": "Duplicate job id",
        "ESLURM_PATHNAME_TOO_LONG": "Pathname of a file, directory or other parameter too long",
        "ESLURM_NOT_TOP_PRIORITY": "Immediate execution impossible, insufficient priority",
        "ESLURM_REQUESTED_NODE_CONFIG_UNAVAILABLE": "Requested node configuration is not available",
        "ESLURM_REQUESTED_PART_CONFIG_UNAVAILABLE": "Requested partition configuration not available now",
        "ESLURM_NODES_BUSY": "Requested nodes are busy",
        "ESLURM_INVALID_JOB_ID": "Invalid job id specified",
        "ESLURM_INVALID_NODE_NAME": "Invalid node name specified",
        "ESLURM_WRITING_TO_FILE": "I/O error writing script/environment to file",
        "ESLURM_TRANSITION_STATE_NO_UPDATE": "Job can not be altered now, try again later",
        "ESLURM_ALREADY_DONE": "Job/step already completing or completed",
        "ESLURM_INTERCONNECT_FAILURE": "Error configuring interconnect",
        "ESLURM_BAD_DIST": "Task distribution specification invalid",
        "ESLURM_JOB_PENDING": "Job is pending execution",
        "ESLURM_BAD_TASK_COUNT": "Task count specification invalid",
        "ESLURM_INVALID_JOB_CREDENTIAL": "Error generating job credential",
        "ESLURM_IN_STANDBY_MODE": "Slurm backup controller in standby mode",
        "ESLURM_INVALID_NODE_STATE": "Invalid node state specified",
        "ESLURM_INVALID_FEATURE": "Invalid feature specification",
        "ESLURM_ACTIVE_FEATURE_NOT_SUBSET": "Active features not subset of available features",
        "ESLURM_FRAGMENTATION": "Immediate execution impossible, resources too fragmented for allocation",
        "ESLURM_NOT_SUPPORTED": "Requested operation not supported on this system",
        "ESLURM_DISABLED": "Requested operation is presently disabled",
        "ESLURM_DEPENDENCY": "Job dependency problem",
        "ESLURM_BATCH_ONLY": "Only batch jobs are accepted or processed",
        "ESLURM_TASKDIST_ARBITRARY_UNSUPPORTED": "Current SwitchType does not permit arbitrary task distribution",
        "ESLURM_TASKDIST_REQUIRES_OVERCOMMIT": "Requested more tasks than available processors",
        "ESLURM_JOB_HELD": "Job is in held state, pending scheduler release",
        "ESLURM_INVALID_TASK_MEMORY": "Memory required by task is not available",
        "ESLURM_INVALID_ACCOUNT": "Invalid account or account/partition combination specified",
        "ESLURM_INVALID_PARENT_ACCOUNT": "Invalid parent account specified",
        "ESLURM_SAME_PARENT_ACCOUNT": "Account already child of parent account specified",
        "ESLURM_INVALID_LICENSES": "Invalid license specification",
        "ESLURM_NEED_RESTART": (
            "The node configuration changes that were made require restart of the slurmctld daemon to take effect"
        ),
        "ESLURM_ACCOUNTING_POLICY": (
            "Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)"
        ),
        "ESLURM_INVALID_TIME_LIMIT": "Requested time limit is invalid (missing or exceeds some limit)",
        "ESLURM_RESERVATION_ACCESS": "Access denied to requested reservation",
        "ESLURM_RESERVATION_INVALID": "Requested reservation is invalid",
        "ESLURM_INVALID_TIME_VALUE": "Invalid time specified",
        "ESLURM_RESERVATION_BUSY": "Requested reservation is in use",
        "ESLURM_RESERVATION_NOT_USABLE": "Requested reservation not usable now",
        "ESLURM_INVALID_WCKEY": "Invalid wckey specification",
        "ESLURM_RESERVATION_OVERLAP": "Requested reservation overlaps with another reservation",
        "ESLURM_PORTS_BUSY": "Required ports are in use",
        "ESLURM_PORTS_INVALID": "Requires more ports than can be reserved",
        "ESLURM_PROLOG_RUNNING": "PrologSlurmctld is still running",
        "ESLURM_NO_STEPS": "Job steps can not be run on this cluster",
        "ESLURM_INVALID_QOS": "Invalid qos specification",
        "ESLURM_QOS_PREEMPTION_LOOP": "QOS Preemption loop detected",
        "ESLURM_NODE_NOT_AVAIL": "Required node not available (down, drained or reserved)",
        "ESLURM_INVALID_CPU_COUNT": "CPU count specification invalid",
        "ESLURM_PARTITION_NOT_AVAIL": "Required partition not available (inactive or drain)",
        "ESLURM_CIRCULAR_DEPENDENCY": "Circular job dependency",
        "ESLURM_INVALID_GRES": "Invalid generic resource (gres) specification",
        "ESLURM_JOB_NOT_PENDING": "Job is no longer pending execution",
        "ESLURM_QOS_THRES": "Requested account has breached requested QOS usage threshold",
        "ESLURM_PARTITION_IN_USE": "Partition is in use",
        "ESLURM_STEP_LIMIT": "Step limit reached for this job",
        "ESLURM_JOB_SUSPENDED": "Job is current suspended, requested operation disabled",
        "ESLURM_CAN_NOT_START_IMMEDIATELY": "Job can not start immediately",
        "ESLURM_INTERCONNECT_BUSY": "Switch resources currently not available",
        "ESLURM_RESERVATION_EMPTY": "Reservation request lacks users, groups or accounts",
        "ESLURM_INVALID_ARRAY": "Invalid job array specification",
        "ESLURM_RESERVATION_NAME_DUP": "Duplicate reservation name",
        "ESLURM_JOB_STARTED": "Job has already started",
        "ESLURM_JOB_FINISHED": "Job has already finished",
        "ESLURM_JOB_NOT_RUNNING": "Job is not running",
        "ESLURM_JOB_NOT_PENDING_NOR_RUNNING": "Job is not pending nor running",
        "ESLURM_JOB_NOT_SUSPENDED": "Job is not suspended",
        "ESLURM_JOB_NOT_FINISHED": "Job is not finished",
        "ESLURM_TRIGGER_DUP": "Duplicate event trigger",
        "ESLURM_INTERNAL": "Slurm internal error, contact system administrator",
        "ESLURM_INVALID_BURST_BUFFER_CHANGE": (
            "BurstBufferType change requires restart of slurmctld daemon to take effect"
        ),
        "ESLURM_BURST_BUFFER_PERMISSION": "Burst Buffer permission denied",
        "ESLURM_BURST_BUFFER_LIMIT": "Burst Buffer resource limit exceeded",
        "ESLURM_INVALID_BURST_BUFFER_REQUEST": "Burst Buffer request invalid",
        "ESLURM_PRIO_RESET_FAIL": "Changes to job priority are not persistent, change nice instead",
        "ESLURM_CANNOT_MODIFY_CRON_JOB": "Cannot modify scrontab jobs through scontrol",
        "ESLURM_INVALID_MCS_LABEL": "Invalid mcs_label specified",
        "ESLURM_BURST_BUFFER_WAIT": "Waiting for burst buffer",
        "ESLURM_PARTITION_DOWN": "Partition in DOWN state",
        "ESLURM_DUPLICATE_GRES": "Duplicate generic resource (gres) specification",
        "ESLURM_JOB_SETTING_DB_INX": (
            "Job update not available right now, the DB index is being set, try again in a bit"
        ),
        "ESLURM_RSV_ALREADY_STARTED": "Reservation already started",
        "ESLURM_SUBMISSIONS_DISABLED": "System submissions disabled",
        "ESLURM_NOT_HET_JOB": "Job not heterogeneous job",
        "ESLURM_NOT_HET_JOB_LEADER": "Job not heterogeneous job leader",
        "ESLURM_NOT_WHOLE_HET_JOB": "Operation not permitted on individual component of heterogeneous job",
        "ESLURM_CORE_RESERVATION_UPDATE": "Core-based reservation can not be updated",
        "ESLURM_DUPLICATE_STEP_ID": "Duplicate job step id",
        "ESLURM_INVALID_CORE_CNT": "Core count for reservation node list is not consistent!",
        "ESLURM_X11_NOT_AVAIL": "X11 forwarding not available",
        "ESLURM_GROUP_ID_MISSING": "Invalid group id",
        "ESLURM_BATCH_CONSTRAINT": "Job --batch option is invalid or not a subset of --constraints",
        "ESLURM_INVALID_TRES": "Invalid Trackable RESource (TRES) specification",
        "ESLURM_INVALID_TRES_BILLING_WEIGHTS": "Invalid TRESBillingWeights specification",
        "ESLURM_INVALID_JOB_DEFAULTS": "Invalid JobDefaults specification",
        "ESLURM_RESERVATION_MAINT": "Job can not start due to maintenance reservation.",
        "ESLURM_INVALID_GRES_TYPE": "Invalid GRES specification (with and without type identification)",
        "ESLURM_REBOOT_IN_PROGRESS": "Reboot already in progress",
        "ESLURM_MULTI_KNL_CONSTRAINT": "Multiple KNL NUMA and/or MCDRAM constraints require use of a heterogeneous job",
        "ESLURM_UNSUPPORTED_GRES": "Requested GRES option unsupported by configured SelectType plugin",
        "ESLURM_INVALID_NICE": "Invalid --nice value",
        "ESLURM_INVALID_TIME_MIN_LIMIT": "Invalid time-min specification (exceeds job's time or other limits)",
        "ESLURM_DEFER": "Immediate execution impossible. Individual job submission scheduling attempts deferred",
        "ESLURM_CONFIGLESS_DISABLED": "ConfigLess mode is disabled in slurm configuration.",
        "ESLURM_ENVIRONMENT_MISSING": "Environment is missing in job",
        "ESLURM_RESERVATION_NO_SKIP": "Reservation given is not skipable, try deleting instead",
        "ESLURM_RESERVATION_USER_GROUP": "Reservations can't have users and groups specified, only one or the other",
        "ESLURM_PARTITION_ASSOC": (
            "Multiple partition job request not supported when a partition is set in the association"
        ),
        "ESLURM_IN_STANDBY_USE_BACKUP": "Controller is in standby mode, try a different controller",
        "ESLURM_BAD_THREAD_PER_CORE": "Cannot request more threads per core than the job allocation",
        "ESLURM_INVALID_PREFER": "Invalid preferred feature specification",
        "ESLURM_INSUFFICIENT_GRES": "Insufficient GRES available in allocation",
    }
)
"""The text of each error that a command may have to print, by its name in Slurm's errno table."""

FOUND_BY_CLIENT = frozenset({"ESLURM_INVALID_GRES", "ESLURM_INVALID_GRES_TYPE", "ESLURM_DUPLICATE_GRES"})
"""Errors that sbatch finds before it asks the controller: it prints `sbatch: error: <text>` alone, with no
`Batch job submission failed: ` (nor `allocation failure: `) before the text."""

SUBMIT_RETRIES = "Slurm temporarily unable to accept job, sleeping and retrying"
"""What sbatch prints after EAGAIN (MaxJobCount reached), before it tries again."""


def message(name: str) -> str:
    """The text of an error. Raises KeyError for a name that is not in the table."""
    return MESSAGES[name]


STATES = MappingProxyType(
    {
        "PENDING": "PD",
        "RUNNING": "R",
        "SUSPENDED": "S",
        "COMPLETED": "CD",
        "CANCELLED": "CA",
        "FAILED": "F",
        "TIMEOUT": "TO",
        "NODE_FAIL": "NF",
        "PREEMPTED": "PR",
        "BOOT_FAIL": "BF",
        "DEADLINE": "DL",
        "OUT_OF_MEMORY": "OOM",
        "COMPLETING": "CG",
        "CONFIGURING": "CF",
        "RESIZING": "RS",
        "REQUEUED": "RQ",
        "REQUEUE_FED": "RF",
        "REQUEUE_HOLD": "RH",
        "RESV_DEL_HOLD": "RD",
        "REVOKED": "RV",
        "SIGNALING": "SI",
        "SPECIAL_EXIT": "SE",
        "STAGE_OUT": "SO",
        "STOPPED": "ST",
    }
)
"""Job states, long to compact. The first twelve are base states in Slurm's order (which squeue sorts by)."""

STATE_WORDS = MappingProxyType({code: name for name, code in STATES.items()} | {name: name for name in STATES})
"""What an option that names a state may say, in capitals: the long name or the compact one."""

BASE_STATES = tuple(STATES)[:12]

REASONS = frozenset(
    {
        "None", "Priority", "Dependency", "Resources", "PartitionNodeLimit", "PartitionTimeLimit", "PartitionDown",
        "PartitionInactive", "JobHeldAdmin", "BeginTime", "Licenses", "Reservation", "ReqNodeNotAvail", "JobHeldUser",
        "SchedDefer", "NodeDown", "BadConstraints", "SystemFailure", "JobLaunchFailure", "NonZeroExitCode",
        "TimeLimit", "InactiveLimit", "InvalidAccount", "InvalidQOS", "Cleaning", "Prolog", "QOSNotAllowed",
        "AccountNotAllowed", "DependencyNeverSatisfied", "JobHoldMaxRequeue", "JobArrayTaskLimit", "DeadLine",
        "PartitionConfig", "AccountingPolicy", "OutOfMemory", "MaxMemPerLimit", "ReservationDeleted",
    }
)  # fmt: skip
"""Reason words that can occur here. A reason may also be a sentence (`Job's account not permitted to use ...`)."""
