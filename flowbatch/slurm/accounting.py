"""The fields of sacct 22.05 in the order of its `--helpformat`, with the widths and sides of their columns; and ours."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AccountingField:
    """`width` holds where none is asked for; `left`: the text stands at the left then. `ours`: Slurm has no such field."""

    name: str
    width: int
    left: bool = False
    ours: bool = False


FIELDS: tuple[AccountingField, ...] = (
    AccountingField("Account", 10),
    AccountingField("AdminComment", 15),
    AccountingField("AllocCPUS", 10),
    AccountingField("AllocNodes", 10),
    AccountingField("AllocTRES", 10),
    AccountingField("AssocID", 7),
    AccountingField("AveCPU", 10),
    AccountingField("AveCPUFreq", 10),
    AccountingField("AveDiskRead", 14),
    AccountingField("AveDiskWrite", 14),
    AccountingField("AvePages", 10),
    AccountingField("AveRSS", 10),
    AccountingField("AveVMSize", 10),
    AccountingField("BlockID", 16),
    AccountingField("Cluster", 10),
    AccountingField("Comment", 14),
    AccountingField("Constraints", 19),
    AccountingField("ConsumedEnergy", 14),
    AccountingField("ConsumedEnergyRaw", 17),
    AccountingField("Container", 19),
    AccountingField("CPUTime", 10),
    AccountingField("CPUTimeRAW", 10),
    AccountingField("DBIndex", 10, left=True),
    AccountingField("DerivedExitCode", 15),
    AccountingField("Elapsed", 10),
    AccountingField("ElapsedRaw", 10),
    AccountingField("Eligible", 19),
    AccountingField("End", 19),
    AccountingField("ExitCode", 8),
    AccountingField("Flags", 19),
    AccountingField("GID", 6),
    AccountingField("Group", 9),
    AccountingField("JobID", 12, left=True),
    AccountingField("JobIDRaw", 12, left=True),
    AccountingField("JobName", 10),
    AccountingField("Layout", 9),
    AccountingField("MaxDiskRead", 12),
    AccountingField("MaxDiskReadNode", 15),
    AccountingField("MaxDiskReadTask", 15),
    AccountingField("MaxDiskWrite", 12),
    AccountingField("MaxDiskWriteNode", 16),
    AccountingField("MaxDiskWriteTask", 16),
    AccountingField("MaxPages", 8),
    AccountingField("MaxPagesNode", 12),
    AccountingField("MaxPagesTask", 14),
    AccountingField("MaxRSS", 10),
    AccountingField("MaxRSSNode", 10),
    AccountingField("MaxRSSTask", 10),
    AccountingField("MaxVMSize", 10),
    AccountingField("MaxVMSizeNode", 14),
    AccountingField("MaxVMSizeTask", 14),
    AccountingField("McsLabel", 12),
    AccountingField("MinCPU", 10),
    AccountingField("MinCPUNode", 10),
    AccountingField("MinCPUTask", 10),
    AccountingField("NCPUS", 10),
    AccountingField("NNodes", 8),
    AccountingField("NodeList", 15),
    AccountingField("NTasks", 8),
    AccountingField("Partition", 10),
    AccountingField("Priority", 10),
    AccountingField("QOS", 10),
    AccountingField("QOSRAW", 6),
    AccountingField("Reason", 22),
    AccountingField("ReqCPUFreq", 10),
    AccountingField("ReqCPUFreqGov", 13),
    AccountingField("ReqCPUFreqMax", 13),
    AccountingField("ReqCPUFreqMin", 13),
    AccountingField("ReqCPUS", 8),
    AccountingField("ReqMem", 10),
    AccountingField("ReqNodes", 8),
    AccountingField("ReqTRES", 10),
    AccountingField("Reservation", 20),
    AccountingField("ReservationId", 8),
    AccountingField("Reserved", 10),
    AccountingField("ResvCPU", 10),
    AccountingField("ResvCPURAW", 10),
    AccountingField("Start", 19),
    AccountingField("State", 10),
    AccountingField("Submit", 19),
    AccountingField("SubmitLine", 20),
    AccountingField("Suspended", 10),
    AccountingField("SystemComment", 15),
    AccountingField("SystemCPU", 10),
    AccountingField("Timelimit", 10),
    AccountingField("TimelimitRaw", 10),
    AccountingField("TotalCPU", 10),
    AccountingField("TRESUsageInAve", 14),
    AccountingField("TRESUsageInMax", 14),
    AccountingField("TRESUsageInMaxNode", 18),
    AccountingField("TRESUsageInMaxTask", 18),
    AccountingField("TRESUsageInMin", 14),
    AccountingField("TRESUsageInMinNode", 18),
    AccountingField("TRESUsageInMinTask", 18),
    AccountingField("TRESUsageInTot", 14),
    AccountingField("TRESUsageOutAve", 15),
    AccountingField("TRESUsageOutMax", 15),
    AccountingField("TRESUsageOutMaxNode", 19),
    AccountingField("TRESUsageOutMaxTask", 19),
    AccountingField("TRESUsageOutMin", 15),
    AccountingField("TRESUsageOutMinNode", 19),
    AccountingField("TRESUsageOutMinTask", 19),
    AccountingField("TRESUsageOutTot", 15),
    AccountingField("UID", 6),
    AccountingField("User", 9),
    AccountingField("UserCPU", 10),
    AccountingField("WCKey", 10),
    AccountingField("WCKeyID", 10),
    AccountingField("WorkDir", 20),
    AccountingField("Cost", 10, ours=True),
    AccountingField("Price", 10, ours=True),
    AccountingField("Placements", 10, ours=True),
)

BRIEF = "jobid,state,exitcode"
STANDARD = "jobid,jobname,partition,account,alloccpus,state,exitcode"
LONG = (
    "jobid,jobidraw,jobname,partition,maxvmsize,maxvmsizenode,maxvmsizetask,avevmsize,maxrss,maxrssnode,maxrsstask,averss,"
    "maxpages,maxpagesnode,maxpagestask,avepages,mincpu,mincpunode,mincputask,avecpu,ntasks,alloccpus,elapsed,state,exitcode,"
    "avecpufreq,reqcpufreqmin,reqcpufreqmax,reqcpufreqgov,reqmem,consumedenergy,maxdiskread,maxdiskreadnode,maxdiskreadtask,"
    "avediskread,maxdiskwrite,maxdiskwritenode,maxdiskwritetask,avediskwrite,reqtres,alloctres,tresusageinave,tresusageinmax,"
    "tresusageinmaxnode,tresusageinmaxtask,tresusageinmin,tresusageinminnode,tresusageinmintask,tresusageintot,"
    "tresusageoutmax,tresusageoutmaxnode,tresusageoutmaxtask,tresusageoutave,tresusageouttot"
)
"""The formats of `--brief`, of nothing said, and of `--long`."""


def find(word: str) -> AccountingField | None:
    """The first field whose name begins so; case does not matter."""
    return next((field for field in FIELDS if field.name.lower().startswith(word.lower())), None)
