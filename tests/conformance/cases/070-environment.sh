# the whole environment of a batch script, for many shapes
show_env='env | grep -E "^(SLURM|CUDA|GPU_|ROCR|ENVIRONMENT|TMPDIR)" | grep -vE "^(SLURM_CONF|SLURM_TASK_PID|SLURM_WORKING_CLUSTER|SLURM_SUBMIT_HOST)=" | sort'
for words in '' -n2 '-N2 -n4 -c2 --ntasks-per-node=2 --mem-per-cpu=10 --gpus-per-node=1' --mem=200 '-n3 --gpus=2' --gres=gpu:h100:2 '-N2 --exclusive' '-c4 --threads-per-core=1' \
  '--array=5-7:2%1' '-n2 --gpus-per-task=1' '-J named -D / -A acct -q norm' '--export=NONE' '--export=FOO=1,BAR' '--nice=5 --comment=x' '-n4 --distribution=cyclic' '--hint=nomultithread' \
  '--open-mode=append --mincpus=2' '-N1-2 -n10' '--mem-per-gpu=10 --gpus=1' '--cpus-per-gpu=2 --gpus=1' '-p short -t 5' '-N3 -n7'; do
  BAR=bar sub $words -o env.out --wrap "$show_env"
  over $J; show env.out
done
