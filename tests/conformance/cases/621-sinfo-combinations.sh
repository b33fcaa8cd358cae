# sinfo: options together, twice, in other orders and with bad values
for format in '%P %a %l %D %t %N' '%P|%R|%s|%h|%g|%r' '%n %c %m %d %w' '%C|%A|%F' '%G|%f|%b' '%X %Y %Z %z' '%T|%t' '%i|%I' \
  '%E|%u|%U|%H' '%v' '%p %S' '%B %L' '%.5P|%5P|%.3P' '%%|%q|%' 'plain' '%999n' '%V' '%M' '%20N|'; do
  run sinfo -h -o "$format"
  THROUGH=sort run sinfo -h -N -o "$format"
done
for flags in -s -l -R -Rl -d -r -e '-e -o %N' -a -b -hs -hl; do
  THROUGH="sed -E 's/ +/ /g'" run sinfo $flags
done
for order in P -P N -N t T D,-P '#P' '#N' x ',' '-' A,a c,m,-N G,N l,P w,N X,Y,Z u,N; do run sinfo -h -S "$order" -o '%P %N %t'; done
for part in debug short debug,short short,short nosuch '' debug,nosuch closed; do run sinfo -h -p "$part" -o '%P %a %D'; done
for node in n1 'n[1-2]' n1,n3 n9 n1,n9 'n[' '' 'n[3-1]' localhost all; do run sinfo -h -n "$node" -o '%P %D %N'; done
for state in idle IDLE i down alloc,idle mix idle,down 'drain&idle' 'idle&cloud' ~idle nosuch '' all completing fail unknown maint; do
  run sinfo -h -t "$state" -o '%P %D %t'
done
run sinfo -h -p short -n n2 -o '%P %D'
run sinfo -h -p short -t idle -N -o '%P %N'
run sinfo -h --noconvert -o %m
run sinfo -h -o %P -O partition
run sinfo -h -O partition,nodes:5,nodelist:.20
run sinfo -h -O 'partition, nodes'
run sinfo -h -O nosuch
run sinfo -h -O ''
run sinfo -h -o ''
run sinfo -O nodehost:6,version:10,weight:3 -N
run sinfo -O allocmem:6,cpusstate:12 -N
run sinfo -O gres:12,gresused:20,features:10,features_act:10 -N
run sinfo -O available:6,cluster:8,comment:4,extra:4,reason:6,user:5,timestamp:8 -N
run sinfo -O memory:6,maxcpuspernode:6,preemptmode:4,priorityjobfactor:4,prioritytier:3,root:4,share:4,size:8,time:9,defaulttime:4
run sinfo -h -i x
run sinfo -h -n
run sinfo -h -Z
run sinfo -h --nosuch
run sinfo -h --part debug -o %P
run sinfo -h --no n1 -o %P
run sinfo extra -h -o %P
run sinfo -h -M nosuch
run env SINFO_FORMAT=%P sinfo -h -p debug
run env SINFO_SORT=-P sinfo -h -o %P
run env SINFO_PARTITION=short sinfo -h -o %P
run env SINFO_ALL=1 sinfo -h -o %P -p short
