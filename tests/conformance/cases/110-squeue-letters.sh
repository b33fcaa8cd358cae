# every letter of squeue's --format, on a held job with much to say and on one with little
sub -H -J job -A acct -q qual --comment=words -n 3 -c 2 --mem=100 --gres=gpu:1 -t 1-2:3:4 -C fast --begin=2040-01-02T03:04:05 -d afterany:1 -x n4 --nice=7 -L '' -o out.%j --wrap true; A=$J
sub -H --wrap true; B=$J
for letter in a A b B c C d D e E f F g h H i I j J k K l L m M n N o O P q r R s S t T u U v V w x X y Y z Z; do
  case $letter in p | Q) continue ;; esac
  run squeue -j $A,$B -S i -o "%$letter"
done
run squeue -j $A -o '%.10i|%10i|%.3j|%5t|%'
run squeue -j $A -h -o '"%i","%j"'
run squeue -j $A -o ''
run squeue -j $A -o 'text only'
run squeue -j $A -o '%!'
