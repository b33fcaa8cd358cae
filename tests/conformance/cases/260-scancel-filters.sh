# scancel by ranges of tasks, by filters and by their combinations
f='-h -t all -S i -o %i|%t'
sub -H --array=1-20 -o /dev/null --wrap true; A=$J
run scancel ${A}_5
run scancel ${A}_[6-8,10]
run scancel ${A}_[1-20:9]
run scancel ${A}_2 ${A}_3
run scancel ${A}_[30-40]
run scancel ${A}_[4-3]
run scancel ${A}_x
run scancel ${A}_
run scancel ${A}_[]
run scancel ${A},99
run squeue $f -j $A
run scancel -v ${A}_[11-12]
run scancel -v ${A}_11
run scancel -t PENDING $A
run squeue $f -j $A
sub -H -J n1 -A alpha -q fast -p short --wckey=k -o /dev/null --wrap true; B=$J
sub -H -J n2 -A alpha -o /dev/null --wrap true; C=$J
sub -H -J n1 -A beta -q fast -o /dev/null --wrap true; D=$J
sub -J n3 -w n2 -o /dev/null --wrap 'sleep 100'; E=$J
sub -J n3 -w n3 -o /dev/null --wrap 'sleep 100'; F=$J
sub -J n4 -N2 -w n1,n2 -o /dev/null --wrap 'sleep 100'; G=$J
for id in $E $F $G; do until_state $id RUNNING; done
all="$B,$C,$D,$E,$F,$G"
ended() { for id in $B $C $D $E $F $G; do [ "$(state $id)" = COMPLETING ] && over $id; done; run squeue $f -j $all; }
run scancel -v -A gamma
run scancel -v -n n1 -A alpha -t RUNNING
run scancel -A alpha -n n1
ended
run scancel --account=alpha --qos=fast
run scancel -q fast -u root
ended
run scancel --wckey=nokey --me
run scancel -w n9 --me
run scancel --nodelist=n3 -u root
ended
run scancel -w n1
ended
run scancel -v -R nores --me
run scancel -p short,debug -n n3
run scancel -t RUNNING -p debug $E
ended
run scancel -t running,pending --me
run scancel -t R $C
run scancel --state=PD $C
ended
run scancel -u root -n n1,n2
run scancel --user nobody -v
run scancel --user=0 --name=nosuch -v
run scancel $C $D -n n1
run scancel $C.0
run scancel $C.batch
run scancel 99999999.0
run scancel $C+1
run scancel -M nowhere $C
run scancel -Q abc
run scancel --help=x
run scancel -s
run scancel -s 0 99999999
run scancel -s 99 99999999
run scancel -s SIGUSR1 --full 99999999
run scancel --hurry --ctld 99999999
