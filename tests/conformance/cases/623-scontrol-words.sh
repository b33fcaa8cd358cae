# scontrol: entities, verbs and their abbreviations, well formed and not
sub -H -J w -o /dev/null --wrap true
for entity in job jobs j jobid node nodes n part partition partitions reservation res licenses lic topology t topo \
  hostnames hostlist aliases bbstat burstbuffer federation slurmd frontend dwstat powercap cluster x; do
  THROUGH='grep -v =' run scontrol show "$entity" nosuch
done
for verb in hol rel requ susp res pi ver vers exit quit write wr completing oneliner all hide details ''; do
  THROUGH='head -n 3' run scontrol "$verb"
done
run scontrol show
run scontrol show job a b
run scontrol show node n1 n2
run scontrol show node n9
run scontrol show node=n9
run scontrol show partition nosuch
run scontrol show partition=nosuch
run scontrol show hostnames
run scontrol show hostnames ''
run scontrol show hostnames 'a[1-3,5],b'
run scontrol show hostnames 'a[01-03]' x
run scontrol show hostnames 'a[3-1]'
run scontrol show hostlist a1,a2,a3
run scontrol show hostlist a3,a1,a2,a1
run scontrol show hostlistsorted a3,a1,a2,a1
run scontrol hold
run scontrol release
run scontrol requeue
run scontrol suspend
run scontrol update
run scontrol update x
run scontrol update JobId=
run scontrol update JobId=$J
run scontrol update JobId=$J NoSuchField=1
run scontrol update JobId=$J TimeLimit=x
run scontrol update JobId=$J TimeLimit=
run scontrol update JobId=$J Partition=nosuch
run scontrol update JobId=$J Features=nosuch
run scontrol update JobId=$J Dependency=x
run scontrol update JobId=$J StartTime=x
run scontrol update JobId=$J Deadline=x
run scontrol update NodeName=n9 State=DRAIN
run scontrol update NodeName=n1 State=nosuch
run scontrol update PartitionName=nosuch State=UP
run scontrol update nosuch=1
run scontrol create
run scontrol create x
run scontrol delete
run scontrol delete ReservationName=nosuch
run scontrol delete PartitionName=nosuch
run scontrol write
run scontrol write x
run scontrol write batch_script
run scontrol write batch_script 49999998 -
run scontrol wait_job
run scontrol wait_job x
run scontrol wait_job 49999998
run scontrol -Z
run scontrol --nosuch
run scontrol -M nosuch show job
run scontrol version
run scontrol -V
run scontrol -o show job 49999998
run scontrol -d show job 49999998
run scontrol --json show job
run scontrol show job --yaml
run sdiag --json
run sprio --json
run sshare --json
run sdiag -Z
run sdiag --nosuch
run sdiag x -M nosuch
run scancel $J
