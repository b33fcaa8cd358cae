# heterogeneous jobs that run: suspended, signalled, cancelled in part, requeued, depended on
q() { squeue -h -t all -S i -j $A -o '   %i|%T|%r|%N'; }
all() { # ID STATE: waits until every component is in that state
  for i in $(seq 300); do
    [ "$(squeue -h -t all -j $1 -o %T | sort -u | paste -sd,)" = $2 ] && return
    sleep 0.1
  done
  echo "still $(squeue -h -t all -j $1 -o %T)"
}
p() { squeue -h -t all -S i -j $A -o '   %i|%T|%N'; }
began() { until_state $1 RUNNING; said out up; }
sub -o out -t 10 --wrap 'trap "echo got it" USR1; echo up; sleep 100 & while ! wait; do :; done' : -n2 -t 12; A=$J; C=$((A + 1))
began $A; q
THROUGH=young run squeue -s -j $A
run scontrol suspend $A+1
run scontrol suspend $C
run scontrol resume $C
run scontrol suspend $A; q
run scontrol resume $A; q
run scontrol update jobid=$C timelimit=8
run scontrol update jobid=$A comment=whole
run squeue -h -S i -j $A -O jobarrayid,timelimit,comment
run scontrol hold $A+1; run scontrol release $A+1
run scontrol requeue $C
run scontrol requeue $A+1
run scancel -b -s USR1 $A+1
run scancel -s USR1 $C
sub -d after:$C -H --wrap true
sub -d afterok:$C --wrap true; D=$J
sub -d afternotok:$A --wrap true; N=$J
run scancel $A+1; q
until_state $C CANCELLED
reason $D DependencyNeverSatisfied
run squeue -h -j $D,$N -o '%r|%E' -S i
run scancel $A+1
run scancel $D $N
run scontrol requeue $A
all $A PENDING; p
run squeue -h -t all -S i -j $A -O jobarrayid,restartcnt,timelimit
run scontrol hold $A; q
run scancel $A; q
sub -o out2 --wrap 'echo up; sleep 100' : -n2; A=$J
until_state $A RUNNING; said out2 up
run scancel $A+0
over $A; q
sub -o out2 -J gone --wrap 'echo up; sleep 100' : -n2; A=$J
until_state $A RUNNING
run scancel -v -n gone
over $A; q
run scontrol requeue $A
all $A PENDING; p
run scancel $A
sub -o out2 -J held --wrap 'echo up; sleep 100' : -n2; A=$J
until_state $A RUNNING
run scontrol requeuehold $A
all $A PENDING; q
run scontrol release $A; p
run scancel $A
