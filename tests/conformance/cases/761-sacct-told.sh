# What accounting tells of jobs that never started, of the words that asked for jobs and steps, and of their steps' ends.
export SBATCH_ACCOUNT=root SALLOC_ACCOUNT=root SLURM_ACCOUNT=root
script steps.sh <<'E'
#!/bin/bash
srun -n1 -J one true
srun -n1 sh -c 'exit 5'
srun -n1 false
E
sub -o /dev/null -n 2 -J 'a b' steps.sh x 'y z'; A=$J
over "$A"
THROUGH='grep -o DerivedExitCode.*' run scontrol show -d job "$A"
sub -o /dev/null -H --wrap 'true'; B=$J
sleep 2
scancel "$B"
over "$B"
sub -o /dev/null --begin=2030-01-01 --wrap "echo 'x  y'"; C=$J
sleep 2
scancel "$C"
over "$C"
salloc -Q -J al -n 1 srun -n1 -J in true
D=
until [ -n "$D" ]; do
  sleep 0.5
  D=$(sacct -nXP -o jobidraw,jobname -S now-5minutes | sed -n 's/|al$//p' | tail -n 1)
done
sleep 2
for j in "$A" "$B" "$C" "$D"; do
  run sacct -P -j "$j" -o jobid,jobname,submitline,associd,qos,qosraw,derivedexitcode,reason,consumedenergy
done
sub -o /dev/null -n 8 -N 4 --exclusive --wrap 'sleep 100'; E=$J
sub -o /dev/null -n 8 -N 4 --exclusive --wrap true; F=$J
sleep 3
scancel "$F"
scancel "$E"
over "$E"
sleep 1
run sacct -nXP -j "$A,$B,$C" -q normal -o jobid,eligible,end
run sacct -nXP -j "$F" -o jobid,eligible,start,end,reserved,reason,state
