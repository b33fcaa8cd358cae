# Partitions as an administrator has them, until the configuration is read again.
run scontrol update partitionname=debug state=down
run sinfo -h -p debug
sub -o /dev/null --wrap 'sleep 100'; A=$J
reason $A PartitionDown
run squeue -h -j $A -o '%T %r %R'
run scontrol update partitionname=debug state=inactive
reason $A PartitionInactive
run squeue -h -j $A -o '%T %r %R'
sub -o /dev/null --wrap true
run sinfo -h -p debug
run scontrol update partitionname=debug state=drain
until_state $A RUNNING
run squeue -h -j $A -o '%T'
sub -o /dev/null --wrap true
run sinfo -h -p debug -o '%P %a %N'
run scontrol update partitionname=debug state=up
run scontrol update partitionname=debug maxtime=10 defaulttime=5 maxnodes=2 minnodes=1
run scontrol show partition debug
run sinfo -h -p debug
run scontrol update partitionname=debug hidden=yes prioritytier=5 priorityjobfactor=3 allowaccounts=a,b allowqos=normal oversubscribe=yes maxcpuspernode=4 maxmempernode=100 defmempercpu=10
run scontrol show partition debug
run scontrol update partitionname=debug maxtime=unlimited maxnodes=unlimited nodes=n[1-2] allowaccounts=all hidden=no
run scontrol show -o partition debug
run sinfo -h -p debug
run scontrol update partitionname=debug default=no
sub -o /dev/null --wrap true
scancel $A; over $A
# bad input
for w in state=foo maxtime=foo maxnodes=foo foo=bar nodes=nosuch default=foo prioritytier=foo priorityjobfactor=foo \
  oversubscribe=foo hidden=foo defaulttime=foo rootonly=foo defmempercpu=foo priority=foo; do
  run scontrol update partitionname=debug $w
done
run scontrol update partitionname=debug
run scontrol update partitionname=nosuch state=up
run scontrol reconfigure
run scontrol show partition debug
# made and deleted
run scontrol create partitionname=made nodes=n1 maxtime=5
run scontrol show partition made
run scontrol create partition=made nodes=n2
run sinfo -h -p made
sub -o /dev/null -p made --wrap 'sleep 100'; B=$J
until_state $B RUNNING
run scontrol delete partitionname=made
run scontrol delete partition=made
scancel $B; over $B
run scontrol create partitionname=empty
run scontrol show partition empty
run sinfo -h -p empty
run scontrol delete partition=empty
run scontrol delete partitionname=nosuch
run scontrol create partitionname=bad nodes=nosuch
run scontrol create partitionname=bad2 state=foo
run scontrol create partitionname=bad2 foo=bar
run scontrol create foo=bar
run scontrol create
run scontrol delete
run scontrol delete foo=bar
run scontrol delete jobid=3
run scontrol update partitionname=short state=down
run scontrol reconfigure
run sinfo -h -o '%P %a' -p short
