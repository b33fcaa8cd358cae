# salloc while its command runs: cancelled from outside, told signals, with and without --kill-command
calm() { local i; for i in $(seq 100); do [ -z "$(squeue -h -t CG)" ] && return; sleep 0.1; done; }
run() { calm; answer "$@" </dev/null; }
# started NAME CMD...: the command runs behind, once its job does; its job is $J
started() {
  local name=$1; shift
  printf '$%s\n' " $*"
  "$@" </dev/null >"$SCRATCH/w" 2>&1 & P=$!
  for i in $(seq 100); do J=$(squeue -h -t R -n "$name" -o %i); [ -n "$J" ] && break; sleep 0.1; done
}
ended() { wait $P; echo "[rc=$?]"; cat "$SCRATCH/w"; over $J; scontrol show job $J | sed -nE 's/.*(JobState=[A-Z]*).*/\1/p; s/.*(ExitCode=[0-9:]*).*/\1/p'; }
started a salloc -J a sh -c 'sleep 3; echo done; exit 7'; sleep 1; scancel $J; ended
started b salloc -J b -K sleep 20; sleep 1; scancel $J; ended
started c salloc -J c -KUSR1 sh -c 'trap "echo got; exit 3" USR1; sleep 9 & wait'; sleep 1; scancel $J; ended
for sig in INT TERM QUIT USR1 USR2 HUP; do
  started $sig salloc -J $sig sleep 3; sleep 1; kill -$sig $P; ended
done
run salloc --no-shell -J stays
J=$(squeue -h -n stays -o %i)
run squeue -h -j $J -o '%j %T %o %C'
run scontrol requeue $J
run scontrol write batch_script $J -
run scancel -b -s USR1 $J
run scancel -s USR1 $J
run scontrol suspend $J
run squeue -h -j $J -o %T
run scontrol resume $J
run squeue -s -h -j $J
run scancel $J
over $J
run squeue -h -t all -j $J -o '%T %r'
run salloc -J nested salloc -J inner sh -c 'squeue -h -n nested,inner -o "%j %T" | sort'
run salloc -n2 sh -c 'srun -l echo task | sort; sbatch -Q -o /dev/null --wrap true; srun sh -c "exit 5"; echo rc=$?'
run salloc sh -c 'scancel $SLURM_JOB_ID; sleep 1; srun true; echo rc=$?' 
