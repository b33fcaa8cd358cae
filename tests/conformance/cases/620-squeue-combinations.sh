# squeue: options together, twice, in other orders and with bad values
sub -H -J one -o /dev/null --wrap true
A=$J
sub -H -J two -o /dev/null -n 3 -c 2 --nice=5 -t 90 --wrap true
B=$J
sub -H -J arr -o /dev/null -a 1-6:2%2 -p short -t 5 --wrap true
C=$J
sub -H -J late -o /dev/null -p debug,short -b now+1hour -C fast -L matlab --wrap true
D=$J
for order in i -i +i j -j P,-i -p,i l,i -l,i C,-i D,i M,i n,i t,-i T,i u,i U,i V,i z,i H,I,J,i g,i G,i d,i m,i v,i; do
  run squeue -h -S "$order" -o '%i %j'
done
for order in Q x 'i,' '-' i,,j ,; do run squeue -h -S "$order" -o %i; done
run squeue -h -S i -j $A,$B,$C -o '%i|%P|%t|%D|%C|%l|%r'
run squeue -h -S i -j "$A, $B" -o %i
run squeue -h -S i -j $C -r -o '%i %K %F'
run squeue -h -S i -j "${C}_3,${C}_9" -o '%i %K'
run squeue -h -j "${C}_[1-3]" -o %i
run squeue -h -j ${C}_2 -o %i
run squeue -h -j ,$A, -o %i
run squeue -h -j '' -o %i
run squeue -h -j x -o %i
run squeue -h -j 0 -o %i
run squeue -h -j -1 -o %i
run squeue -h -j 99999999999 -o %i
run squeue -h -j $A.0 -o %i
run squeue -h -j $A+0 -o %i
run squeue -h -S i -n one,two -o %j
run squeue -h -S i -n one -n two -o %j
run squeue -h -S i -n 'o*' -o %j
run squeue -h -S i -p short -o '%j %P'
run squeue -h -S i -p debug,short -o '%j %P'
run squeue -h -S i -p nosuch -o '%j %P'
run squeue -h -P -S i -o '%i %P %Q'
run squeue -h -S i -u root,nobody -o %j
run squeue -h -S i -u 0 -o %j
run squeue -h -S i -u nosuchuser -o %j
run squeue -h -S i --me -n one -o %j
run squeue -h -S i -t PD -o %j
run squeue -h -S i -t pd,r,CG -o %j
run squeue -h -S i -t pending -t running -o %j
run squeue -h -t PD,NOSUCH -o %j
run squeue -h -t '' -o %j
run squeue -h -t all -S i -n one -o %j
run squeue -h -S i -L matlab -o '%j %W'
run squeue -h -S i -L nosuch -o '%j %W'
run squeue -h -S i -A nosuch -o %j
run squeue -h -S i -q normal -o %j
run squeue -h -S i -R nosuch -o %j
run squeue -h -w n1 -o %j
run squeue -h -w n9 -o %j
run squeue -h --start -S i -o '%i %S'
run squeue -h -S i -l -n one
run squeue -h -S i -a -n one -o %i
run squeue -h -S i --hide -n one -o %i
run squeue -h -S i --noconvert -n two -o '%m %C'
run squeue -h -i x
run squeue -h -i -1
run squeue -h -o
run squeue -h -S
run squeue -h -O
run squeue -h -Z
run squeue -h --nosuch
run squeue -h --jo $A -o %i
run squeue -h --na one -o %i
run squeue -h --s i -o %i
run squeue -n one -o '%.5i|%5j|%.3j|%-8j|%%|%q%z'
run squeue -n one -o '%0i|%.0i|%.i|%'
run squeue -n one -o 'no letters'
run squeue -n one -O jobid,name:3,name:.8,state:-3
run squeue -n one -O 'jobid:,name:0,username:x'
run squeue -n one -O nosuch
run squeue -n one -O 'jobid, name'
run squeue -n one -O ''
run squeue -n one -o ''
run env SQUEUE_FORMAT=%j squeue -h -n one
run env SQUEUE_FORMAT2=jobid squeue -h -n one
run env SQUEUE_FORMAT=%j squeue -h -n one -O name
run env SQUEUE_SORT=-i squeue -h -o %j
run env SQUEUE_STATES=R squeue -h -o %j
run env SQUEUE_STATES=bad squeue -h -o %j
run env SQUEUE_USERS=nobody squeue -h -o %j
run env SQUEUE_NAMES=two squeue -h -o %j
run env SQUEUE_PARTITION=short squeue -h -S i -o %j
run env SQUEUE_ACCOUNT=x squeue -h -o %j
run env SQUEUE_LICENSES=matlab squeue -h -o %j
run env SQUEUE_ARRAY=1 squeue -h -S i -j $C -o '%i %K'
run env SQUEUE_PRIORITY=1 squeue -h -S i -j $D -o '%i %P'
run scancel $A $B $C $D
