# squeue's filters, sorts, messages and exit codes
sub -H -J one --wrap true; A=$J
sub -H -J two -A acct -p short --wrap true; B=$J
sub -H -J one -q qual -n 4 --wrap true; C=$J
sub -o /dev/null --wrap 'sleep 60'; D=$J
until_state $D RUNNING
f='-o %A|%j|%t|%P'
run squeue -S i "$f"
run squeue -h -S i "$f"
run squeue -S -i "$f"
run squeue -S j,-i "$f"
run squeue -S P,t,i "$f"
run squeue -n one -S i "$f"
run squeue --name=one,two -S i "$f"
run squeue -p short "$f"
run squeue -p nosuch "$f"
run squeue -A acct "$f"
run squeue -q qual "$f"
run squeue -t PD -S i "$f"
run squeue -t R "$f"
run squeue -t pending,running -S i "$f"
run squeue -t nosuch
run squeue -t all -j $A "$f"
run squeue -u root -S i "$f"
run squeue -u nosuchuser
run squeue --me -S i "$f"
run squeue -u 0 -S i "$f"
run squeue -w n1 "$f"
run squeue -w nosuch
run squeue -j 99999999
run squeue -j 99999999,99999998
run squeue -j $A,99999999 "$f"
run squeue -j abc
run squeue -j $A,
run squeue -h -j $A --start -o '%i|%S|%T'
run squeue -s -o '%i|%j|%P|%u|%N'
run squeue --nosuch
run squeue -Z
run squeue stray
run squeue -l -j $A
run squeue -j $A
run squeue -S nosuch -j $A
run squeue -R nosuch
run squeue -L nosuch
run squeue -i x
SQUEUE_FORMAT='%j %T' run squeue -j $A
SQUEUE_SORT=-i SQUEUE_FORMAT='%j %T' run squeue
SQUEUE_STATES=R SQUEUE_FORMAT='%j %T' run squeue
SQUEUE_PARTITION=short SQUEUE_FORMAT='%j %T' run squeue
SQUEUE_FORMAT2=name,state run squeue -j $A
SLURM_TIME_FORMAT='%Y' run squeue -j $D -h -o %S
