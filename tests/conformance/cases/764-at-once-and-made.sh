# What cannot start at once is not asked for (-I with -H, --begin, a dependency); words that make nothing; sprio's order.
for o in "-H -I" "-I1 -H" "-I --begin=now+1hour"; do
  run srun $o -n1 true
done
sub -o /dev/null --wrap "sleep 60"
run srun -I -d "afterany:$J" -n1 true
run scontrol create partition
run scontrol create partition nodes=n1
run scontrol create partitionname x
run scontrol create reservation r3 users=root nodes=n2 starttime=now duration=10
run scontrol create reservation starttime now users root
run scontrol create reservation reservationname r4 users=root
run sprio -S prio
run sprio -S
run sprio --sort=u -l
run sinfo -h -o %R
