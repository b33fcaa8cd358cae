# what scontrol makes of requests: frequencies, power, hints, shapes of nodes, spreading, CPUs of GPUs, deadlines
fields() { grep -E 'TimeLimit|NumNodes|  TRES=|Socks|MinCPUs|freq|Governor|Power|Bind=|Invalid|Spread|TRES=[0-9]|BurstBuffer'; }
asked() {
  sub -H -o /dev/null "$@" --wrap true
  [ -n "$J" ] || return
  THROUGH=fields run scontrol show job "$J"
  scancel "$J"
}
for freq in low-high highm1 1000 1000-2000 performance 1000-2000:UserSpace 1500-high; do asked --cpu-freq=$freq; done
asked --power=level
asked --power=off
for hint in compute_bound memory_bound multithread nomultithread; do asked --hint=$hint -n3 -c2; done
asked --hint=memory_bound -N2
for shape in '-N2 --sockets-per-node=2' '-N2 --threads-per-core=2' '-N2 --cores-per-socket=2 -c2' '-N1-3 --cores-per-socket=2' \
  '-N2 --cores-per-socket=2 -n3' '-N2 --cores-per-socket=2 --ntasks-per-node=1' '-w n[1-2] --cores-per-socket=2' \
  '--cores-per-socket=2' '-N2 -B 1:2:1'; do asked $shape; done
for spread in '' -n3 -n9 -N2 -N1-2 '-n9 -N2' --ntasks-per-node=2 '-c3 -n2' '-w n1' --gres=gpu:1; do asked --spread-job $spread; done
for more in '' -n3 -N2 '-N2 -n3' '-c3 -n2' '--ntasks-per-node=4 -N2' --mem-per-cpu=100; do asked --mincpus=9 $more; done
for gpus in --gpus=3 --gpus-per-node=2 '--gpus-per-node=2 -N2' '--gres=gpu:2' '--gpus-per-task=1 -n3' '--gpus=2 -n2' '--gpus=2 -c2'; do
  asked --cpus-per-gpu=2 $gpus
done
asked --ntasks-per-gpu=2 --gpus=2
asked --gres-flags=enforce-binding
asked --gres-flags=disable-binding --spread-job --kill-on-invalid-dep=yes --bb= --cpu-freq=low
asked --kill-on-invalid-dep=no
for deadline in '' '-t 5' --time-min=5 '-p short' '-p urgent' '-t 0'; do asked --deadline=now+1hour $deadline; done
touch empty
for file in empty nosuch /; do sub -H --bbf=$file --wrap true; done
for placed in '--spread-job -n6' '--spread-job -n9 -c2' '--use-min-nodes -N1-3 -n5' '-N2 --cores-per-socket=2' '--hint=nomultithread -N2' --mincpus=2; do
  sub -o out $placed --wrap 'echo $SLURM_JOB_NODELIST $SLURM_TASKS_PER_NODE $SLURM_JOB_CPUS_PER_NODE ${SLURM_NTASKS-none} ${SLURM_THREADS_PER_CORE-none}'
  over "$J"
  show out
done
