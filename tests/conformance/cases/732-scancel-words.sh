# scancel: lists of ids with empty places and brackets, words of its variables, quiet and verbose
sub -H -J one --wrap true
A=$J
sub -H -J arr --array=1-9 --wrap true
B=$J
for word in "${B}_[1-2],${B}_3" "${B}_[1-2],$A" "${B}_[1-2]," "${B}_[5].0" "$A,${B}_[1-2],3" 7,abc abc,7 7,abc,8 , ,, ,7 7, 7,,8 7,,, '7, 8' '7 8' 7_,8 7+1,8 7,0; do
  run scancel "$word"
done
for name in FULL BATCH VERBOSE; do
  for value in '' nosuch 1 true; do
    export SCANCEL_$name="$value"
    run scancel -s nosuch 7
    run scancel abc
    unset SCANCEL_$name
  done
done
for words in '-Q -vv' '-vv -Q' '-Q -v' '-v -Q' -Q -v; do run scancel $words -n nosuch; done
run squeue -h -S i -o '%i %j'
run scancel "$A,${B}_[3-4]"
run squeue -h -S i -o '%i %j'
