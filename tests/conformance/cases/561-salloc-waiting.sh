# salloc that must wait: what it says meanwhile, and what ends the wait
sub -o /dev/null -N4 --exclusive --wrap 'sleep 300'; FULL=$J
until_state $FULL RUNNING
waits() { run "$@" 2>&1; }
# after SECONDS SIGNAL CMD...: the command, which gets the signal once it waits
told() {
  local sig=$1 pid rc; shift
  printf '$%s <- %s\n' " $*" "$sig"
  rm -f "$SCRATCH/w"
  "$@" </dev/null >"$SCRATCH/w" 2>&1 & pid=$!
  said "$SCRATCH/w" queued
  kill -"$sig" $pid
  wait $pid; rc=$?
  cat "$SCRATCH/w"; echo "[rc=$rc]"
}
for sig in INT TERM HUP QUIT USR1 USR2; do told $sig salloc true; done
for sig in INT TERM HUP QUIT USR1 USR2; do told $sig srun true; done
for c in salloc srun; do
  $c -J cancelled true </dev/null >"$SCRATCH/w" 2>&1 & pid=$!
  said "$SCRATCH/w" queued
  scancel -n cancelled
  wait $pid; echo "[rc=$?]"; cat "$SCRATCH/w"
  $c -Q -J quiet true </dev/null >"$SCRATCH/w" 2>&1 & pid=$!
  for i in $(seq 50); do [ -n "$(squeue -h -n quiet)" ] && break; sleep 0.1; done
  run squeue -h -n quiet -o '%j %T %B %o'
  scancel -n quiet
  wait $pid; echo "[rc=$?]"; cat "$SCRATCH/w"
done
for c in salloc srun; do
  $c -J late sh -c 'echo ran' </dev/null >"$SCRATCH/w" 2>&1 & eval ${c}_pid=$!
  said "$SCRATCH/w" queued
  cp "$SCRATCH/w" "$SCRATCH/$c.w"
  eval "mv $SCRATCH/w $SCRATCH/$c.w"
done
calm() { local i; for i in $(seq 100); do [ -z "$(squeue -h -t CG)" ] && return; sleep 0.1; done; }
scancel $FULL
wait $salloc_pid; echo "[rc=$?]"; cat "$SCRATCH/salloc.w"
wait $srun_pid; echo "[rc=$?]"; sort "$SCRATCH/srun.w"
over $FULL
for a in -H --begin=now+1hour -N5 '-n 9999'; do told INT salloc $a true; told INT srun $a true; done
run squeue -h
calm
sub -o /dev/null -N4 --exclusive --wrap 'sleep 300'; FULL=$J
until_state $FULL RUNNING
run salloc -I true
run salloc -I1 true
run srun -I true
scancel $FULL
