# scancel's messages and exit codes
sub -H -o /dev/null --wrap true; A=$J
run scancel 99999999
run scancel -v 99999999
run scancel -Q 99999999
run scancel abc
run scancel 0
run scancel "1_[1-3"
run scancel $A abc
run squeue -h -j $A -o %T
run scancel
run scancel -u nosuchuser
run scancel -t nosuch
run scancel -s NOSUCH $A
run scancel --nosuch
run scancel -v -n nosuchname
run scancel -v -u root -n nosuchname
run scancel -v $A
run squeue -t all -h -j $A -o '%T %r %N|'
run scancel $A
run scancel -v $A
run scancel -s USR1 $A
sub -H -J byname -o /dev/null --wrap true; B=$J
sub -H -J byname -p short -o /dev/null --wrap true; C=$J
run scancel -n byname -p short
run squeue -t all -h -j $B,$C -S i -o '%A %T'
run scancel -n byname -t RUNNING
run squeue -h -j $B -o '%T'
run scancel -n byname --me
run squeue -t all -h -j $B -o '%T'
sub -o run.out --wrap 'echo up; sleep 60'; R=$J
until_state $R RUNNING; for i in $(seq 50); do [ -s run.out ] && break; sleep 0.1; done
run scancel $R; over $R
run squeue -t all -h -j $R -o '%T %r'
sed 's/slurmstepd-n1/slurmstepd/' run.out
