# scontrol update of a waiting and of a running job
sub -o /dev/null --begin=now+1hour -t 10 -J waits --wrap 'sleep 100'; P=$J
sub -o /dev/null -t 10 -J runs --wrap 'sleep 100'; R=$J
until_state $R RUNNING
line() { run squeue -h -j "$1" -o '%j|%y|%P|%D|%l|%T'; }
for w in Name=abc JobName=abd 'Comment=a word' Nice=50 Requeue=0 NumTasks=2 MailType=END,FAIL MailUser=me \
  Dependency=afterok:$R Dependency=bogus Dependency= Features=nosuch Features= Partition=nosuch Partition=debug \
  Account=acc MinMemoryNode=100 MinMemoryCPU=50 NumNodes=2 NumNodes=1 TimeMin=50 TimeMin=5 TimeMin=x StartTime=2040-01-01 StartTime=bogus \
  Deadline=2020-01-01 ReqNodeList=n2 ReqNodeList=nope ReqNodeList= ExcNodeList=n3 ExcNodeList= Licenses=foo:1 \
  Contiguous=yes MinCPUsNode=2 CPUsPerTask=2 nosuch=1 StdErr=/x Requeue=x NumTasks=x Priority=x MinMemoryNode=x \
  MailType=bogus TimeLimit=20 TimeLimit=x Priority=0; do
  run scontrol update jobid=$P "$w"
done
line $P
THROUGH="grep -oE '(JobName|Nice|JobState|Reason|Requeue|TimeLimit|TimeMin|StartTime|Partition|ReqNodeList|ExcNodeList|NumTasks|CPUs/Task|MinCPUsNode|MinMemory[A-Za-z]*|Features|Contiguous|Comment|MailUser|MailType)=[^ ]*'" run scontrol show job $P
for w in Name=abc Comment=hello Account=acc Dependency=afterok:$P StartTime=now+1hour Requeue=0 NumTasks=3 ExcNodeList=n2 \
  Features=x MinMemoryNode=200 MailType=END MailUser=me TimeLimit=5; do
  run scontrol update jobid=$R "$w"
done
line $R
scancel $R $P; over $R; over $P
run scontrol update jobid=$R comment=late
run scontrol update jobid=99999999 comment=late
run scontrol update jobid=$R
run scontrol update
run scontrol update comment=x
