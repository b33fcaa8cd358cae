# variables of squeue and scancel
sub -H -J one -A alpha -q fast -p short --wrap true; A=$J
sub -H -J two -A beta --array=1-3 --wrap true; B=$J
sub -J three -w n2 -t 5 -o /dev/null --wrap 'sleep 100'; C=$J; until_state $C RUNNING
q() { SQUEUE_SORT=i SQUEUE_FORMAT='%i|%j|%t' run squeue -j $A,$B,$C "$@"; }
q
SQUEUE_ACCOUNT=alpha q; SQUEUE_ACCOUNTS=alpha q; SQUEUE_NAMES=two q; SQUEUE_NAME=two q; SQUEUE_QOS=fast q; SQUEUE_PARTITION=short q; SQUEUE_USERS=nobody q; SQUEUE_STATES=all q; SQUEUE_STATES=PD q; SQUEUE_STATES=x q
SQUEUE_ALL=1 q -h; SQUEUE_ARRAY=1 q -h; SQUEUE_ARRAY=0 q -h; SQUEUE_ARRAY_UNIQUE=1 q -h; SQUEUE_LICENSES=matlab q; SQUEUE_PRIORITY=1 q -h; SQUEUE_FEDERATION=1 q -h; SQUEUE_LOCAL=1 q -h; SQUEUE_SIBLING=1 q -h; SLURM_CLUSTERS=nowhere q
SQUEUE_ACCOUNT=alpha q -A beta; SQUEUE_STATES=R q -t PD; SQUEUE_PARTITION=short q -p debug
SQUEUE_SORT=-i SQUEUE_FORMAT=%i run squeue -h; SQUEUE_SORT=nosuch SQUEUE_FORMAT=%i run squeue -h -j $A; SQUEUE_SORT=-i SQUEUE_FORMAT=%i run squeue -h -S i
SQUEUE_FORMAT2=jobid:8,name:5 run squeue -j $A; SQUEUE_FORMAT=%j SQUEUE_FORMAT2=jobid:8 run squeue -j $A; SQUEUE_FORMAT=%j run squeue -O jobid:8 -j $A; SQUEUE_FORMAT2=jobid:8 run squeue -o %j -j $A; SQUEUE_FORMAT=%j run squeue -l -j $A; SQUEUE_FORMAT= run squeue -j $A; SQUEUE_FORMAT2=nosuch run squeue -j $A
for format in standard relative %s %Y-%m-%d '%H:%M' '' x; do SLURM_TIME_FORMAT=$format THROUGH="sed -E 's/[0-9]+/N/g'" run squeue -h -j $C -o '%S|%e|%V'; done
SCANCEL_NAME=one run scancel -v; q -t all -h
SCANCEL_ACCOUNT=beta SCANCEL_STATE=PENDING run scancel -v; q -t all -h
SCANCEL_USER=nobody run scancel -v; SCANCEL_PARTITION=short run scancel -v; SCANCEL_QOS=x run scancel -v; SCANCEL_WCKEY=x run scancel -v; SCANCEL_STATE=x run scancel $C; SCANCEL_VERBOSE=true run scancel 99999999; SCANCEL_VERBOSE=false run scancel 99999999; SCANCEL_VERBOSE=x run scancel 99999999
SCANCEL_BATCH=true SCANCEL_VERBOSE=true run scancel $C; over $C; q -t all -h
