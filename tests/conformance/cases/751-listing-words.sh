# sstat, scontrol show and sreport: several steps and formats, `=` before what is named, -Q, one cluster option
script s.sh <<'X'
#!/bin/bash
srun -n1 sleep 300
X
sub -o /dev/null -t 1-0 s.sh; A=$J
until_state $A RUNNING
for i in $(seq 100); do squeue -h -s -j $A -o %i | grep -q '\.0' && break; sleep 0.2; done
sub -H -o /dev/null --wrap true; H=$J
for jobs in "-j $A -j $A.batch" "-j $A.batch $A" "$A $A.batch" "-j $A,$A.batch" "x -j $A" "-j $A x" "-j $H.0" "-j $H" "-a -j $A" "-o nosuch" "-o nosuch -j x" "-i" \
  "-j $A -o jobid -o ntasks" "-e -j x" "-j x -e" "-a"; do
  run sstat -o jobid,nodelist $jobs
done
sub -o /dev/null -N4 --exclusive --wrap true; P=$J
for i in $(seq 100); do scontrol show job $P | grep -q 'SchedNodeList=n' && break; sleep 0.2; done
THROUGH="grep SchedNodeList" run scontrol show job $P
for entity in x=y users=users hostlist= hostnames= daemons= node= partition= reservation= frontend= licenses= topology= aliases=; do
  run scontrol show $entity
done
run scontrol show x=y z
run scontrol show frontend ''
THROUGH='head -n 1' run scontrol show job=$H z
THROUGH='head -n 1' run scontrol show job +$H
for flag in -Q --quiet; do
  run scontrol $flag show step $H
  run scontrol $flag show step $H.7
  run scontrol $flag show node n9
  run scontrol $flag show partition n9
  run scontrol $flag show reservation n9
  run scontrol $flag show job 99
done
for options in '--local -M oracle' '-a -M oracle' '-M oracle -a' '-a --local'; do
  run sreport $options -n user top
done
run scancel $A $H $P
