# a job that requeues itself: attempts, restart count, files, environment
script self.sh <<'X'
#!/bin/bash
#SBATCH --requeue --open-mode=append -o self.out
echo "attempt ${SLURM_RESTART_COUNT:-0} of $SLURM_JOB_NAME"
[ "${SLURM_RESTART_COUNT:-0}" -ge 1 ] && exit 0
scontrol requeue $SLURM_JOB_ID
echo "asked: $?"
sleep 100
X
sub -J self self.sh; A=$J
said self.out asked
until_state $A PENDING
run squeue -h -j $A -o '%t %r %N'
run squeue -h -j $A -O restartcnt,requeue
THROUGH="grep -oE '(JobState|Reason|Requeue|Restarts|ExitCode)=[^ ]+'" run scontrol show job $A
sed s/slurmstepd-n1/slurmstepd/ self.out
run scontrol hold $A
run squeue -h -j $A -o '%t %r'
run scancel $A
run squeue -t all -h -j $A -o '%t %r'
script arr.sh <<'X'
#!/bin/bash
#SBATCH -o arr-%a.out --open-mode=append -w n1
echo "task $SLURM_ARRAY_TASK_ID attempt ${SLURM_RESTART_COUNT:-0}"
[ $SLURM_ARRAY_TASK_ID = 1 ] && [ -z "$SLURM_RESTART_COUNT" ] && scontrol requeue ${SLURM_ARRAY_JOB_ID}_1 && sleep 100
exit 0
X
sub --array=1-2 arr.sh; B=$J
until_state ${B}_2 COMPLETED; until_state ${B}_1 PENDING
run squeue -t all -h -S i -j $B -o '%i %t %r'
sed s/slurmstepd-n1/slurmstepd/ arr-1.out; show arr-2.out
run scancel $B
run scontrol requeue $A
sub -o /dev/null --no-requeue --wrap 'scontrol requeue $SLURM_JOB_ID 2>no.err; exit 4'; over $J; sed 's/[0-9]\{5,\}/ID/' no.err
run squeue -t all -h -j $J -o '%t %r'
sub -o /dev/null --wrap 'exit 3'; over $J
run scontrol requeue $J
reason $J BeginTime
run squeue -t all -h -j $J -o '%t %r'
run scontrol requeuehold $J
run scancel $J
sub -o /dev/null --wrap 'scontrol requeuehold $SLURM_JOB_ID; sleep 100'; reason $J 'job requeued in held state'
run squeue -t all -h -j $J -o '%t %r'
run scontrol show job $J 2>/dev/null | grep -o 'Priority=0'
run scancel $J
script trap.sh <<'X'
#!/bin/bash
#SBATCH -o trap.out --open-mode=append
trap 'echo saved; exit 0' TERM
echo up
sleep 100 & wait
X
sub trap.sh; until_state $J RUNNING; said trap.out up
run scontrol requeue $J
until_state $J PENDING
sed s/slurmstepd-n1/slurmstepd/ trap.out
run scancel $J
