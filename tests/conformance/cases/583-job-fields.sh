# More of scontrol update job, and scontrol top.
sub -o /dev/null -H --wrap 'sleep 100'; P=$J
for w in Gres=gpu:2 Gres=foo:1 StdOut=/tmp/foo StdErr=/tmp/foo StdIn=/tmp/foo WorkDir=/tmp ReservationName=nosuch AdminComment=foo \
  SystemComment=foo ReqNodeList=n1 EndTime=now+1hour Network=foo Container=foo; do
  run scontrol update jobid=$P "$w"
done
THROUGH="grep -oE '(StdOut|StdErr|WorkDir|TresPerNode|AdminComment|ReqNodeList)=[^ ]*'" run scontrol show job $P
scancel $P; over $P
sub -o /dev/null --wrap 'sleep 100'; R=$J
until_state $R RUNNING
for w in EndTime=foo StdOut=/tmp/foo Gres=gpu:1 WorkDir=/tmp ReqCores=2 AdminComment=foo; do
  run scontrol update jobid=$R "$w"
done
THROUGH="grep -oE '(StdOut|AdminComment)=[^ ]*'" run scontrol show job $R
run scontrol update jobid=$R EndTime=now+1hour
scancel $R; over $R
# top
for i in 1 2 3 4; do sub -o /dev/null --begin=now+1hour --wrap true; done
T=$J
run scontrol top
run scontrol top 99999999
run scontrol top foo
run scontrol top $T
THROUGH="cut -d' ' -f1,2" run squeue -h -o '%i %y %T' -S -p
run scontrol top $T
THROUGH="cut -d' ' -f1,2" run squeue -h -o '%i %y %T' -S -p
run scontrol hold $T
run scontrol top $T
