# steps of a job: which task runs on which node, and what of the request cannot be
script job <<'END'
#!/bin/bash
exec 2>&1
P='echo $SLURM_PROCID $SLURM_NODEID $SLURM_LOCALID $SLURMD_NODENAME $SLURM_GTIDS $SLURM_STEP_NODELIST $SLURM_STEP_TASKS_PER_NODE c=$SLURM_CPUS_PER_TASK on=$SLURM_CPUS_ON_NODE $SLURM_DISTRIBUTION'
s() {
  echo "\$ srun $*"
  srun "$@" bash -c "$P" 2>&1 | grep -v -e 'step creation temporarily' -e 'Step created for' | sort -n
  echo "[rc=${PIPESTATUS[0]}]"
}
s
s -n4
s -n5
s -n6 -m cyclic
s -n6 -m plane=2
s -n20 -m plane=3
s -n7 -m block:block,Pack
s -n7 -m block:block,NoPack
s -n7 -m cyclic:cyclic
s -m '*'
SLURM_HOSTFILE=hosts s -n4 -m arbitrary
s -n6 -m arbitrary
s -w n2 -N2 -n3
s -w n2,n3 -N1 -n1
s -N1 -n1 -w n3
s -N1 -n1 -r1
s -N2 -n2 -r1
s -N1 -n1 -x n1
s -N2 -n2 -x n1
s -x n1
s -x n1,n2,n3
s -w n9
s -N1 -r5
s -N2 -r2
s -r1
s -N3 -n2
s -N1-2 -n2
s -N1-3 -n5
s -N2-1
s -N4
s -N x
s -N1
s -N1 -n2
s -n99
s -n2 -c2
s -n1 -c3
s -c2 -n6
s -c99
s --exact -n2
s --exact -n6
s --exclusive -n6
s --overlap -n3
s -O -n50
s --ntasks-per-node=2
s -n4 --ntasks-per-node=1
s -N2 -n6 --ntasks-per-node=3
s -m foo
s -m plane
s -Z
END
printf 'n1\nn3\nn3\nn1\n' >hosts
sub -N3 -w n1,n2,n3 --ntasks-per-node=4 -o out ./job
for i in 1 2 3 4 5 6; do over $J >/dev/null; done # a long job on a busy machine
show out
script free <<'END'
#!/bin/bash
exec 2>&1
. ./lines
s
s -n1
s -n3
s -c2
s -c4
s -N1-2
s -N1 -n1
env -u SLURM_JOB_NUM_NODES -u SLURM_NNODES srun -n1 -l echo one
env -i PATH="$PATH" SLURM_CONF="${SLURM_CONF-}" FLOW_STATE_DIR="${FLOW_STATE_DIR-}" FLOW_CONFIG_DIR="${FLOW_CONFIG_DIR-}" SLURM_JOB_ID=$SLURM_JOB_ID srun -l echo all | sort
END
sed -n '/^P=/,/^}/p' job >lines
sub -N2 -w n1,n2 --exclusive -o out ./free
for i in 1 2 3 4 5 6; do over $J >/dev/null; done # a long job on a busy machine
show out
