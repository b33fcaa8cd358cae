# heterogeneous jobs that wait: hold, release, update, requeue, suspend, cancel, by leader and by component
q() { squeue -h -S i -j $A -o '   %i|%T|%r|%j|%l|%E'; }
sub -H -n1 -J one --wrap 'sleep 60' : -n2 -J two; A=$J; C=$((A + 1)); q
run scontrol release $A+1; q
run scontrol hold $A+1; q
run scontrol release $C; q
run scontrol hold $C; q
run scontrol hold $A+0; q
run scontrol release $C+0
run scontrol hold $A+9
run scontrol update jobid=$A name=both; q
run scontrol update jobid=$A+1 name=second; q
run scontrol update jobid=$A+0 name=first; q
run scontrol update jobid=$C timelimit=6; q
run scontrol update jobid=$A timelimit=9; q
run scontrol update jobid=$A+1 timelimit=4; q
run scontrol update jobid=$A+9 name=none
run scontrol update jobid=$C partition=nosuch
run scontrol update jobid=$A dependency=afterok:99999; q
run scontrol update jobid=$C dependency=; q
run scontrol requeue $A
run scontrol requeue $C
run scontrol requeue $A+1
run scontrol requeue $A,$C
run scontrol requeuehold $C
run scontrol suspend $A
run scontrol suspend $C
run scontrol resume $A
run scontrol resume $C
run scontrol notify $A hi
run scontrol notify $C hi
run scontrol wait_job $A
run scancel $A+1
run scancel -v $C
run scancel $A+5
run scancel -v $C+0
run scancel -n second
q
run scancel -v -n first
run squeue -h -S i -t all -j $A -o '%i %T %r'
run scancel $A+1
run scontrol suspend $C
run scontrol requeue $C
sub -H --wrap true : -n1; A=$J
run scancel $A+0
run squeue -h -S i -t all -j $A -o '%i %T'
sub -H --wrap true; A=$J
run scancel $A+0
run scancel $A+1
run scontrol hold $A+1
run scontrol show job $A+1
