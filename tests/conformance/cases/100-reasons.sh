# why a job waits
sub -H -o /dev/null --wrap true; H=$J
sub --begin=now+1hour -o /dev/null --wrap true; B=$J
sub --priority=0 -o /dev/null --wrap true; P=$J
sub -p closed -o /dev/null --wrap true; C=$J
sub -N 99 -o /dev/null --wrap true; N=$J
sub -p short -t 60 -o /dev/null --wrap true; T=$J
reason $B BeginTime; reason $C PartitionDown
sleep 3
run squeue -j $H,$B,$P,$C,$N,$T -S i -o '%A %t %r %R'
sub -N4 --exclusive -o /dev/null --wrap 'sleep 60'; R=$J
until_state $R RUNNING
sub -N1 -o /dev/null --wrap true; W=$J
reason $W Resources
sub -N1 -o /dev/null --wrap true; X=$J
reason $X Priority
run squeue -j $R,$W,$X -S i -o '%A %t %r %N'
run scancel $R; over $W; over $X
run squeue -t all -j $R,$W,$X -S i -o '%A %T %r'
