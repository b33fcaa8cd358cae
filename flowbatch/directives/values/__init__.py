"""The value languages: one module each, `parse(text) -> value` and `show(value) -> text as sbatch shows it`.

`parse` raises `syntax.ValueSyntax(message, column)` and nothing else. Each module says who judges its values in Slurm:
what sbatch refuses must be refused while options are read; what only the controller refuses becomes a
`spec.model.Malformed` with the error's `where`.

| module | options | parse gives |
|---|---|---|
| time | --time --time-min | minutes (-1 UNLIMITED) |
| memory | --mem --mem-per-cpu --mem-per-gpu --tmp | MiB |
| nodes | --nodes | NodeCount |
| count | --ntasks ... (`parse(text, at_least=1)`) | int |
| gres | --gres (`parse`), --gpus --gpus-per-* (`parse_gpus`) | tuple of Gres |
| tres | cpu=4,mem=2G,gres/gpu=1 | tuple of (name, count) |
| array | --array | ArraySpec, None for an empty text |
| dependency | --dependency | Dependency, None for an empty text |
| constraint | --constraint --prefer | Constraint |
| signal | --signal | Signal |
| filename | --output --error --input | tuple of pieces |
| hostlist | --nodelist --exclude | tuple of names |
| begin | --begin --deadline (`parse(text, now, zone)`) | instant |
| export | --export | Export |
| mail | --mail-type | tuple of MailType |
| distribution | --distribution | text as listed |
| licenses | --licenses | tuple of License |
| frequency | --cpu-freq (`parse_cpu`), --gpu-freq (`parse_gpu`) | text as listed |
| binding | --gpu-bind (`parse_gpu`), --mem-bind (`parse_mem`) | text as listed |
| nodeinfo | --extra-node-info | NodeInfo |
| squeue_format | squeue -o (`parse_short`), -O (`parse_long`) | tuples of Column |

Words without structure (--open-mode, --exclusive, --hint ...) are tables in `directives.settings`.
"""
