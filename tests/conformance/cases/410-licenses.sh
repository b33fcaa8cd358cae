# licences: refused, held, waited for, given back
for words in -Lmatlab -Lmatlab:2 -Lmatlab:3 -Lnosuch -Lmatlab:0 -Lmatlab:x '-L matlab,ansys:4' '-L matlab;ansys' '-L matlab|ansys' -L= '-L matlab@server' '-L matlab:1:2' '-L matlab*2' '-L ,' '-L matlab:-1'; do
  run sbatch $words --test-only --wrap true
done
run sbatch -L matlab:3 --wrap true
run sbatch -L nosuch --wrap true
sub -J one -L matlab -o /dev/null --wrap 'sleep 100'; A=$J; until_state $A RUNNING
sub -J two -L matlab:2,ansys -o /dev/null --wrap 'sleep 100'; B=$J; reason $B Licenses
sub -J three -L matlab -o /dev/null --wrap 'sleep 100'; C=$J
sub -J four -L ansys:10 -o /dev/null --wrap 'sleep 100'; D=$J; until_state $D RUNNING
run squeue -h -S i -j $A,$B,$D -o '%j %t %r %W'
run squeue -h -S i -j $A,$B,$D -O name:6,licenses:20
run squeue -h -L ansys -S i -o %j
run squeue -h -L matlab,ansys -t R -n one,four -S i -o %j
run squeue -h -L nosuch -o %j
run scontrol show licenses
THROUGH="grep -o 'Licenses=[^ ]*'" run scontrol show job $B
run scancel $C $D; over $C; over $D
run scancel $A; over $A
until_state $B RUNNING
run scontrol show licenses matlab
run scancel $B; over $B
run scontrol -o show licenses
