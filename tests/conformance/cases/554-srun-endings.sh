# steps of a job: exit codes, signals, limits, programs around them
script job <<'END'
#!/bin/bash
exec 2>&1
x() {
  echo "\$ $1"
  bash -c "$1" 2>&1 | grep -v -e 'step creation temporarily' -e 'Step created for' -e '^Terminated$' -e '^Killed$' -e '^User defined' | sed 's,slurmstepd-n1:,slurmstepd:,' | sort
  echo "[rc=${PIPESTATUS[0]}]"
}
x 'srun -n4 sh -c "exit \$SLURM_PROCID"'
x 'srun -n4 sh -c "exit 3"'
x 'srun -n2 sh -c "kill -9 \$\$"'
x 'srun -n1 sh -c "kill -SEGV \$\$"'
x 'srun -n3 sh -c "kill -\$((SLURM_PROCID+10)) \$\$"'
x 'SLURM_SRUN_REDUCE_TASK_EXIT_MSG=1 srun -n3 sh -c "exit \$((SLURM_PROCID % 1 + 2))"'
x 'srun -n2 nosuch'
x 'srun -n2 /tmp'
x 'srun -Q -n2 nosuch'
x 'srun -n4 -K sh -c "[ \$SLURM_PROCID = 1 ] && exit 3; exec sleep 20"'
x 'srun -n4 -W1 sh -c "[ \$SLURM_PROCID = 1 ] && exit 3; exec sleep 20"'
x 'srun -n2 --signal=USR1@10 sleep 0.1'
x 'printf "#!/bin/sh\necho P \$SLURM_NTASKS\n" > p; printf "#!/bin/sh\necho E; exit 4\n" > e; chmod +x p e; srun -n2 --prolog=$PWD/p --epilog=$PWD/e echo task'
x 'printf "#!/bin/sh\necho export A=5\necho print printed\necho unset B\n" > tp; printf "#!/bin/sh\necho te \$SLURM_PROCID >&2; echo out\n" > te; chmod +x tp te; B=6 srun -n1 --task-prolog=$PWD/tp --task-epilog=$PWD/te sh -c "echo a=\$A b=\$B"'
x 'srun -n1 sleep 20 & p=$!; sleep 1.5; kill -USR2 $p; wait $p'
x 'srun -n1 sleep 20 & p=$!; sleep 1.5; kill -TERM $p; wait $p'
x 'srun -n1 sleep 20 & p=$!; sleep 1.5; kill -HUP $p; wait $p'
x 'srun -n1 sleep 20 & p=$!; sleep 1.5; kill -QUIT $p; wait $p'
x 'srun -n1 sleep 3 & p=$!; sleep 1.5; kill -CONT $p; wait $p'
END
sub -n4 -w n1 -o out ./job
for i in 1 2 3 4 5 6; do over $J >/dev/null; done # a long job on a busy machine
show out
