# sinfo: partitions, nodes, columns, filters, orders and refusals, idle and with jobs
run sinfo
run sinfo -h
run sinfo -l
run sinfo -s
run sinfo -e
run sinfo -R
run sinfo -lR
run sinfo -r
run sinfo -d
run sinfo -p short,closed
run sinfo -p nosuch
run sinfo -n n1,n2
run sinfo -n nosuch
run sinfo -t idle,down -p debug
run sinfo -t 'idle&cloud' -p debug
run sinfo -t nosuch
run sinfo -a -p short
THROUGH=sort run sinfo -h -N
THROUGH=sort run sinfo -h -Nl -p debug
run sinfo -N -p debug
for letter in a A b B c C d D f F g G h I l L m M N p P r R s S t T V w X Y z Z; do
  run sinfo -p debug,closed -o "%$letter"
  run sinfo -h -p short -o "%.9$letter|%9$letter|%.3$letter"
done
for name in allocmem allocnodes available cluster comment cores cpus cpusstate defaulttime disk extra features features_act gres groups maxcpuspernode memory nodeai nodeaiot nodelist nodes oversubscribe partition partitionname preemptmode priorityjobfactor prioritytier root size socketcorethread sockets statecompact statelong statecomplete threads time weight share; do
  run sinfo -p urgent,shared -O "$name"
  run sinfo -h -p short -O "$name:.12,$name:5"
done
run sinfo -S P -o %P
run sinfo -S -P -o %P
run sinfo -S l -o '%P %l'
run sinfo -S p,P -o '%P %p'
run sinfo -O nosuch,partition:
run sinfo -o 'x%Py%q'
run sinfo -o '%t %P'
run sinfo -o '%D %G'
run sinfo -l -o %P
run sinfo -i x
run sinfo -Z
run sinfo --nosuch
run sinfo -T
run sinfo stray
SINFO_FORMAT='%P %D' run sinfo
SINFO_FORMAT='%P %D' run sinfo -s
SINFO_PARTITION=short run sinfo
SINFO_SORT=-P run sinfo -o %P
sub -o /dev/null -p short -n 2 --wrap 'sleep 60'; A=$J
sub -o /dev/null -w n2 --exclusive --gres=gpu:h100:3 --wrap 'sleep 60'; B=$J
until_state $A RUNNING
until_state $B RUNNING
run sinfo
run sinfo -s
run sinfo -N -p debug
run sinfo -p debug -o '%t %T %C %A %F %N'
run sinfo -p debug -O statecomplete:20,gresused:40,nodelist:
for state in alloc mix idle comp drain all; do
  run sinfo -h -p debug -t $state -o '%t %N'
done
