# squeue --json, sinfo --json and --yaml: names of fields, their order and their types
sub -J held -H -o /dev/null --wrap true
THROUGH='tree held' run squeue --json
run scancel $J
sub -J rich -H -o out -e err -n 2 -c 2 --mem=100 -t 5 -C fast -L matlab --comment=c -a 1-3%1 --nice=3 --wrap true
THROUGH='tree rich' run squeue --json -u nobody -h
run scancel $J
sub -J gpus -o /dev/null --gres=gpu:h100:2 --ntasks-per-node=2 -N 1 --wrap 'sleep 30'
until_state $J RUNNING
THROUGH='tree gpus' run squeue --json
run scancel $J
for i in $(seq 100); do [ -z "$(sinfo -h -t comp,alloc,mix -o %n)" ] && break; sleep 0.1; done
THROUGH='tree n1' run sinfo --json
THROUGH='tree n1' run sinfo --json -p nosuch
THROUGH='head -n 12' run sinfo --yaml
THROUGH='head -n 12' run squeue --yaml
