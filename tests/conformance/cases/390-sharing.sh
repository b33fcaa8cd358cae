# which jobs share a node: cores, --exclusive, --oversubscribe, partitions that share
held() { run squeue -h -S i -t R,PD -o '%j %t %C %N %r %h'; }
clear() { run scancel --me; for id in "$@"; do over $id; done; }
sub -J a -w n1 -n 5 -t 5 -o /dev/null --wrap 'sleep 100'; A=$J; until_state $A RUNNING
sub -J b -w n1 -n 3 -t 5 -o /dev/null --wrap 'sleep 100'; B=$J; until_state $B RUNNING
sub -J c -w n1 -n 1 -t 5 -o /dev/null --wrap 'sleep 100'; C=$J; reason $C Resources
held; clear $A $B $C
sub -J excl -w n1 -n 1 --exclusive -t 5 -o /dev/null --wrap 'sleep 100'; A=$J; until_state $A RUNNING
sub -J b -w n1 -n 1 -t 5 -o /dev/null --wrap 'sleep 100'; B=$J; reason $B Resources
held; clear $A $B
sub -J one -w n1 -n 1 -t 5 -o /dev/null --wrap 'sleep 100'; A=$J; until_state $A RUNNING
sub -J excl -w n1 -n 1 --exclusive -t 5 -o /dev/null --wrap 'sleep 100'; B=$J; reason $B Resources
held; clear $A $B
sub -J share1 -p shared -s -n 8 -t 5 -o /dev/null --wrap 'sleep 100'; A=$J; until_state $A RUNNING
sub -J share2 -p shared -s -n 8 -t 5 -o /dev/null --wrap 'sleep 100'; B=$J; until_state $B RUNNING
sub -J alone -p shared -n 8 -t 5 -o /dev/null --wrap 'sleep 100'; C=$J; reason $C Resources
held; clear $A $B $C
sub -J wide -N 2 -n 16 -t 5 -o /dev/null --wrap 'sleep 100'; A=$J; until_state $A RUNNING
sub -J spread -n 20 -t 5 -o /dev/null --wrap 'sleep 100'; B=$J; reason $B Resources
sub -J fit -n 16 -t 20 -o /dev/null --wrap 'sleep 100'; C=$J
sleep 3
held; clear $A $B $C
sub -J mem -w n1 --mem=12000 -n1 -t 5 -o /dev/null --wrap 'sleep 100'; A=$J; until_state $A RUNNING
sub -J mem -w n1 --mem=12000 -n1 -t 5 -o /dev/null --wrap 'sleep 100'; B=$J; until_state $B RUNNING
held; clear $A $B
sub -J user -w n1 --exclusive=user -n1 -t 5 -o /dev/null --wrap 'sleep 100'; A=$J; until_state $A RUNNING
sub -J user -w n1 --exclusive=user -n1 -t 5 -o /dev/null --wrap 'sleep 100'; B=$J; until_state $B RUNNING
held; clear $A $B
