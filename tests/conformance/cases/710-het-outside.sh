# heterogeneous jobs that srun and salloc ask for outside a job
calm() { local i; for i in $(seq 100); do [ -z "$(squeue -h -t CG)" ] && return; sleep 0.1; done; }
run() { calm; answer "$@" </dev/null; }
vars() { sed -nE '/^SLURM/{/^SLURM_CONF=/d;/^SLURM_(JOB_?ID|JOB_ID)(_(HET|PACK)_GROUP_.)?=/d;/_PORT=|TASK_PID|WORKING_CLUSTER/d;p}' | sort | uniq -c | sed 's/^ *//'; }
run srun -n1 true : -n2 true
THROUGH=sort run srun -l -n1 echo one : -n2 echo two
THROUGH=sort run srun -l -n1 : -n2 printenv SLURM_PROCID
run srun : -n1 true
run srun -n1 true :
run srun -n1 true : --nosuch true
run salloc -n1 : --nosuch true
run srun -I -n1 true : -n2 true
run salloc -I -n1 : -n1 true
run srun --mpi=nosuch -n1 true
run srun -Q -n1 true : -n2 true
run srun -n1 true : -n2 sh -c 'exit 3'
THROUGH=vars run srun -n1 env : -n2 env
THROUGH=vars run srun -n2 -N2 -J lead env : -n1 -c2 env
run salloc -n1 echo a : b
run salloc -n1 : true
THROUGH=vars run salloc -N1 -n1 -c2 -J lead : -N1 --ntasks-per-node=2 env
run salloc -n1 : -n2 srun -l printenv SLURM_NTASKS
THROUGH=sort run salloc -n1 : -n2 srun --het-group=1 -l printenv SLURM_NTASKS
THROUGH=sort run salloc -n1 : -n2 srun --het-group=0,1 -l printenv SLURM_PROCID
run salloc -n1 : -n2 srun --het-group=2 true
run salloc -Q -n1 : -n1 sh -c 'exit 4'
