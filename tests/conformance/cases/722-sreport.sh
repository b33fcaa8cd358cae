# sreport: every report and what it can be asked, over a day on which nothing ran: titles, units, columns and refusals
DAY="start=2026-01-05 end=2026-01-06"
for report in 'cluster utilization' 'cluster accountutilizationbyuser' 'cluster userutilizationbyaccount' 'cluster userutilizationbywckey' \
  'cluster wckeyutilizationbyuser' 'user topusage' 'job sizesbyaccount' 'job sizesbyaccountandwckey' 'job sizesbywckey'; do
  run sreport $report $DAY
  run sreport -T cpu $report $DAY
  run sreport -t hourper -T gres/gpu $report $DAY
  run sreport -t percent $report $DAY
done
for unit in Sec sec Min Hour Per SecPer minper secp h; do run sreport -n -t $unit user top $DAY; done
run sreport -T cpu,gres/gpu user top $DAY
run sreport -T nosuch,mem user top $DAY
run sreport -T nosuch user top $DAY
run sreport -T ALL user top $DAY
run sreport -T node cluster utilization $DAY
run sreport -T cpu,mem job sizes $DAY
run sreport -P job sizes $DAY grouping=10,100
run sreport -p job sizes $DAY grouping=individual
run sreport job sizes $DAY printjobcount
run sreport -T billing job sizes $DAY flatview printjobcount
run sreport job sizes $DAY acctasparent accounts=research users=root partitions=debug gid=0
run sreport job sizes $DAY format=account
run sreport cluster acc $DAY tree
run sreport cluster acc $DAY tree users=root accounts=research
run sreport cluster acc $DAY format=accounts,cluster,trescount,login,proper,used
run sreport cluster util $DAY format=cluster,trescount,tresname,allocated,overcommitted
run sreport user top $DAY group topcount=3 accounts=research users=root
run sreport user top $DAY topcount=x
run sreport user top $DAY format=login%20,account%-30,used%20
run sreport user top $DAY format=login,nosuch
run sreport user top $DAY foo=1
run sreport user top $DAY tree
run sreport cluster util $DAY users=root
run sreport user top start=2026-01-05T10:29 end=2026-01-05T11:31
run sreport user top start=2026-01-06 end=2026-01-05
run sreport user nosuch
run sreport job nosuch
run sreport reservation nosuch
run sreport cluster nosuch
