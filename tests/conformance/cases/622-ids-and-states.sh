# scancel and scontrol: ids, lists of ids and filters, well formed and not
sub -H -J a -o /dev/null --wrap true
A=$J
sub -H -J b -o /dev/null -p short --wrap true
B=$J
sub -H -J c -o /dev/null -a 0-9 --wrap true
C=$J
for id in x 1x -1 '' 4294967295 "$A.x" "$A+x" "${A}_0" "${A}_x" "${A}_[" "${C}_[x]" "${C}_99"; do
  run scancel "$id"
  run scancel -v -t R "$id"
  [ -z "$id" ] || run scontrol show job "$id"
  run scontrol hold "$id"
  run scontrol release "$id"
  run scontrol requeue "$id"
  run scontrol update JobId="$id" Comment=x
done
run scancel -n nosuch
run scancel -n a -p short
run scancel -n b -p debug -u root
run scancel -t R -u root
run scancel -t CG -n a
run scancel -t PD,R -n a
run scancel -t nosuch
run scancel -p nosuch
run scancel -w n9 -n a
run scancel -u nosuchuser
run scancel -q x -A y
run scancel -s X $A
run scancel -s 99 $A
run scancel -s KILL -b -t R $A
run scancel -b $A
run scancel -f $A
run scancel -s USR1 $A
run scancel -H -v $A
run scancel "${C}_[0-3]" "${C}_5"
run squeue -h -j $C -o '%i %t'
run scancel -Q 49999998
run scancel -v 49999998
run scancel $A $A $B
run scancel -v $A
run squeue -h -j $A -t all -o '%i %t'
run scancel "$C,$B"
run squeue -h -j $C -t all -o '%i %t'
run scancel
run scancel --nosuch
run scancel -Z 1
run scancel -t
run scancel -i </dev/null
