# The keys of scontrol's job update, of a waiting and of a running job: what they take and what they say.
sub -o /dev/null -H -t 100 -J waits --wrap 'sleep 100'; P=$J
for w in Account=acc AdminComment=adm Comment=com Contiguous=yes Contiguous=maybe CPUsPerTask=2 CPUsPerTask=x Deadline=now+3hours \
  Dependency= EligibleTime=now+2hours ExcNodeList=n4 Features=nosuch Gres=gpu:1 Gres=help Licenses=foo:1 MailType=END MailUser=me MinCPUsNode=2 MinMemoryCPU=10 \
  MinMemoryCPU=1G MinMemoryNode=20 MinTmpDiskNode=1 TimeMin=1 Name=nnn Name Nice Nice=20 Nice=-20 Nice=x NodeList=n1 NumNodes=x NumTasks=2 OverSubscribe=yes \
  OverSubscribe=x Partition=debug Prefer=fast Prefer=a Priority=-1 QOS=normal ReqCores=1 ReqNodeList=n1 ReqNodes=1 ReqProcs=1 ReqSockets=1 ReqThreads=1 Requeue=0 \
  ReservationName=nosuch StdOut=/tmp/foo StdErr=/tmp/foo TasksPerNode=2 TasksPerNode=x WCKey=key WorkDir=/tmp MinProcs=1 NumProcs=2 SystemComment=x \
  Network=x UserID=root; do
  run scontrol update jobid=$P "$w"
done
run scontrol update userid=root jobid=$P Comment=last
THROUGH="grep -oE '(JobName|Nice|Requeue|NumTasks|CPUs/Task|NtasksPerN:B:S:C|MinTmpDiskNode|ReqNodeList|ExcNodeList|AdminComment|Comment|WorkDir|TresPerNode|TimeMin|WCKey|Prefer)=[^ ]*'" run scontrol show job $P
run scontrol update jobid=$P Priority=
run squeue -h -j $P -o %r
scancel $P; over $P
# a wish for features that nobody has
run sbatch --prefer=a --wrap true
run sbatch "--prefer=fast&" --wrap true
sub -o /dev/null --exclusive -H --wrap 'sleep 100'; P=$J
run scontrol update jobid=$P OverSubscribe=yes
run scontrol release $P
until_state $P RUNNING
run squeue -h -j $P -o '%C %h'
scancel $P; over $P
# by name and user
sub -o /dev/null -H -J twin --wrap true; P=$J
run scontrol update jobname=twin userid=root Comment=ours
run scontrol update jobname=twin userid=nobody Comment=theirs
run scontrol update jobname=twin userid=nosuch Comment=theirs
run squeue -h -j $P -o %k
scancel $P; over $P
# of one that runs
sub -o /dev/null -t 100 -J runs --wrap 'sleep 100'; R=$J
until_state $R RUNNING
for w in AdminComment=a Comment=c Contiguous=yes CPUsPerTask=2 Dependency= ExcNodeList=n4 Features=fast Gres=gpu:1 MailType=END MailUser=me MinCPUsNode=2 MinMemoryNode=20 \
  Name=nnn Nice=10 NumTasks=2 OverSubscribe=yes Priority=77 Priority=x QOS=normal Reboot=no ReqCores=1 ReqProcs=2 ReqSockets=1 ReqThreads=1 Requeue=0 Requeue=x \
  StdOut=/tmp/foo StartTime=now+2hours TasksPerNode=2 WCKey=key WorkDir=/tmp Prefer=fast; do
  run scontrol update jobid=$R "$w"
done
scancel $R; over $R
