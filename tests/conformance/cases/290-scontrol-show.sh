# scontrol show: host lists, partitions, licences, what is not there; write batch_script
for list in n1 n1,n2 'n[1-3]' 'n[01-03,7],m' 'a[1-2]b[1-2]' '' 'n[1-' 'n[3-1]' 'n[1-2],n[2-3]' 'x[8-11]-y' 'n[001-2]' 'n[a-b]' 'n[1,,2]' ',' 'n[0-0]' 'n[1-1000000000]'; do
  run scontrol show hostnames "$list"
done
SLURM_NODELIST='q[1-2]' run scontrol show hostnames
SLURM_JOB_NODELIST='q[1-2]' run scontrol show hostnames
run scontrol show hostnames
for list in n1,n2,n3 n3,n1,n2,n2 a1,b1,a2 n01,n1,n001 x1-y,x2-y 'n[1-3],n5' login '' n9,n10,n11; do
  run scontrol show hostlist "$list"
  run scontrol show hostlistsorted "$list"
done
printf 'n4\nn5\nn7\n' >hosts
run scontrol show hostlist "$PWD/hosts"
THROUGH=true run scontrol show hostlist
run scontrol show hostlist a b
run scontrol show partition short
run scontrol show partition closed
run scontrol show partition urgent
run scontrol -o show partition shared
run scontrol show partition nosuch
run scontrol show node nosuch
THROUGH="grep -E 'NodeName|CPUAlloc|Features|Gres|RealMemory|State|Partitions|TRES' | sed 's/ FreeMem=.*Sockets/ Sockets/; s/CPULoad=.*//'" run scontrol show node n1
THROUGH='grep -o NodeName=n.' run scontrol show nodes 'n[2-3]'
run scontrol show licenses
run scontrol -o show lic
run scontrol show lic matlab
run scontrol show reservation
run scontrol show reservation nosuch
run scontrol show step
run scontrol show step 99999999.0
run scontrol show nosuch
run scontrol show
run scontrol show job 1 2
run scontrol show daemons
run scontrol show aliases
run scontrol show topology
run scontrol show federation
run scontrol show burstbuffer
script job.sh <<'X'
#!/bin/bash
#SBATCH -J written
echo "a 'b' \$c"
X
sub -H job.sh; A=$J
run scontrol write batch_script $A -
run scontrol write batch_script 99999999 -
run scontrol write batch_script
run scontrol write batch_script abc -
run scontrol write nosuch
run scontrol write
sub -H --wrap 'echo "x y" $HOME'
run scontrol write batch_script $J -
run scontrol WRITE BATCH_SCRIPT $J -
