# a short job overtakes where it delays nobody, a long one does not
log() { sub -t 1 -o /dev/null "$@"; }
sub -J base -N1 -w n1 --exclusive -t 30 -o /dev/null --wrap 'sleep 100'; R=$J
until_state $R RUNNING
sub -J wide -N4 --exclusive -t 10 -o /dev/null --wrap true; W=$J
reason $W Resources
sub -J long -N1 -n1 -t 120 -o /dev/null --wrap 'sleep 100'; L=$J
sub -J brief -N1 -n1 -t 5 -o /dev/null --wrap 'sleep 100'; B=$J
until_state $B RUNNING
sleep 3
run squeue -h -S i -j $R,$W,$L,$B -o '%j %t %r'
run squeue --start -h -j $W -o '%j %Y'
THROUGH="grep -oE '(Scheduler|SchedNodeList)=[^ ]+'" run scontrol show job $B
run scancel $R $B
over $W; until_state $L RUNNING
run squeue -h -S i -t all -j $R,$W,$L,$B -o '%j %t'
run scancel $L
