# sattach: what a running step writes, filters, labels, exit codes and refusals
script step.sh <<'S'
#!/bin/sh
echo "out of $SLURM_PROCID"; echo "err of $SLURM_PROCID" >&2
until [ -e go ]; do sleep 0.1; done
exit $((4 - SLURM_PROCID))
S
# begun STEP: waits until the step is listed.
begun() { local i; for i in $(seq 300); do squeue -hs -o %i | grep -qx "$1" && return; sleep 0.1; done; echo "no $1"; }
# beside NAME WORD...: sattach with these words in the background, its output in NAME.out and NAME.err.
beside() { local name=$1; shift; (sattach "$@" >$name.out 2>$name.err </dev/null; echo "rc=$?" >>$name.err) & }
# told NAME: what that sattach has shown, in one order; 22.05 may tell the end of a task twice.
told() { echo "--- $1"; sort -u $1.out; echo "--"; grep -v 'MESSAGE_TASK_EXIT' $1.err | sort -u; }
sub -n 2 -o /dev/null --wrap 'srun ./step.sh'
begun $J.0; sleep 1
run sattach --output-filter=x $J.0
run sattach --error-filter= $J.0
run sattach --input-filter=-1 $J.0
run sattach --pty --output-filter=0 $J.0
run sattach --label=yes $J.0
beside plain $J.0; beside label -l $J.0; beside one --output-filter=1 $J.0; beside errors --error-filter=0 -l $J.0
beside both --output-filter=1 --error-filter=0 -Q $J.0
for name in plain label errors; do said $name.err "err of 0"; done; for name in plain label one both; do said $name.out "out of 1"; done
touch go; wait
for name in plain label one errors both; do told $name; done
over $J
run sattach $J.0
run scontrol listpids x
run scontrol listpids $J.batch
