# heterogeneous jobs: the variables of the script, and how the whole ends
told() {
  over $J
  tr '\0' '\n' <vars | grep -E '^(SLURM|CUDA|ROCR|GPU_D|ZE_|ENVIRONMENT|HOSTNAME)' | grep -vE '^SLURM_(CONF|TASK_PID|WORKING_CLUSTER|SUBMIT_HOST)=' | sort
  run squeue -h -S i -t all -j $J -o '%i|%T|%N|%D|%C'
  rm vars
}
sub -o /dev/null --wrap 'env -0 >vars' -n2 : -n1; told
sub -o /dev/null --wrap 'env -0 >vars' -N1 -n2 -c2 --mem=500 : -N2 --ntasks-per-node=3; told
sub -o /dev/null --wrap 'env -0 >vars' --gpus=2 -n1 : -n2 --gpus-per-task=1; told
sub -o /dev/null --wrap 'env -0 >vars' -n1 --mem-per-gpu=100 --gpus-per-node=1 : -n1 --cpus-per-gpu=2 --gpus=1; told
sub -o /dev/null --wrap 'env -0 >vars' --distribution=cyclic -n2 --ntasks-per-socket=2 : -n2 --distribution=plane=2; told
sub -o /dev/null --wrap 'env -0 >vars' -J one -N2 : -J two -N1 --exclusive : -J three -n3; told
sub -o /dev/null --wrap 'env -0 >vars' -c3 : -c2; told
sub -o /dev/null --wrap 'env -0 >vars' -n1 -O --hint=multithread : -n2 --threads-per-core=1 --open-mode=append; told
sub -o /dev/null --wrap 'exit 3' : -n1 : -n2; over $J
run squeue -h -S i -t all -j $J -o '%i|%T|%r'
THROUGH="grep -E 'JobId|JobState|ExitCode'" run scontrol show job $J
run sbatch -W -Q -o /dev/null --wrap 'exit 4' : -n1
