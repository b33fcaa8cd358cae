# every SBATCH_ variable, its effect, and who wins over it
keep="grep -E '^sbatch: (account|acctg-freq|array|batch|burst|clusters|cluster-constraint|comment|constraint|container|core-spec|cpus|cpu-freq|debug|delay|distribution|exclusive|export|get-user|gpu|gpus|gres|hint|immediate|ignore|job-name|mem|mail|network|no-kill|no-requeue|open|overcommit|partition|power|profile|qos|requeue|reservation|signal|spread|switches|threads|time|time-min|use-min|wait|wckey|sockets|oversubscribe|propagate) '"
var() { printf '%s\n' "-- $1=$2"; env "$1=$2" sbatch -v --test-only ${3:-} --wrap true >"$SCRATCH/o" 2>&1; rc=$?; eval "${keep%?}|error|unrec|Usage|alloc'" <"$SCRATCH/o" | grep -v ' verbose \|plugin\|Linear'; echo "[rc=$rc]"; }
var SBATCH_ACCOUNT acct; var SBATCH_ACCTG_FREQ task=10; var SBATCH_ARRAY_INX 1-3; var SLURM_ARRAY_INX 1-4; var SBATCH_BATCH b
var SBATCH_COMMENT c; var SBATCH_CONSTRAINT fast; var SBATCH_CONSTRAINT nosuch; var SBATCH_CONTAINER c; var SBATCH_CORE_SPEC 1; var SBATCH_CPU_FREQ_REQ low
var SBATCH_CPUS_PER_GPU 2 --gpus=1; var SBATCH_DEBUG 1; var SBATCH_DELAY_BOOT 5; var SBATCH_DISTRIBUTION cyclic; var SBATCH_DISTRIBUTION nonsense
var SBATCH_EXCLUSIVE 1; var SBATCH_EXCLUSIVE user; var SBATCH_EXPORT NONE; var SBATCH_GET_USER_ENV 1; var SBATCH_GPU_BIND closest; var SBATCH_GPU_FREQ low
var SBATCH_GPUS 2; var SBATCH_GPUS_PER_NODE 1; var SBATCH_GPUS_PER_TASK 1 -n1; var SBATCH_GRES gpu:1; var SBATCH_GRES_FLAGS disable-binding; var SBATCH_HINT compute_bound
var SBATCH_IGNORE_PBS 1; var SBATCH_JOB_NAME name; var SBATCH_MEM_BIND local; var SBATCH_MEM_PER_CPU 100; var SBATCH_MEM_PER_GPU 100 --gpus=1; var SBATCH_MEM_PER_NODE 100
var SBATCH_NETWORK n; var SBATCH_NO_KILL 1; var SBATCH_NO_REQUEUE 1; var SBATCH_OPEN_MODE append; var SBATCH_OPEN_MODE x; var SBATCH_OVERCOMMIT 1
var SBATCH_PARTITION short; var SBATCH_PARTITION nosuch; var SBATCH_POWER level; var SBATCH_PROFILE all; var SBATCH_QOS q; var SBATCH_REQ_SWITCH 1; var SBATCH_REQUEUE 1; var SBATCH_RESERVATION r
var SBATCH_SIGNAL USR1@60; var SBATCH_SIGNAL x; var SBATCH_SPREAD_JOB 1; var SBATCH_THREAD_SPEC 1; var SBATCH_THREADS_PER_CORE 1; var SBATCH_TIMELIMIT 5; var SBATCH_TIMELIMIT x
var SBATCH_USE_MIN_NODES 1; var SBATCH_WAIT_ALL_NODES 1; var SBATCH_WAIT4SWITCH 5; var SBATCH_WCKEY w; var SBATCH_CLUSTER_CONSTRAINT c; var SBATCH_NODES 2; var SBATCH_NTASKS 2; var SBATCH_OUTPUT o
var SBATCH_TIMELIMIT 5 -t7; var SBATCH_PARTITION short -pdebug; var SBATCH_GRES gpu:1 --gres=gpu:2; var SBATCH_MEM_PER_NODE 100 --mem-per-cpu=50; var SBATCH_REQUEUE 1 --no-requeue; var SBATCH_EXCLUSIVE 1 -s
var SBATCH_TIMELIMIT ''; var SBATCH_PARTITION ''; var SBATCH_JOB_NAME ''; var SBATCH_ACCOUNT ''; var SBATCH_GRES ''; var SBATCH_MEM_PER_NODE ''; var SLURM_EXIT_ERROR 7 -pnosuch
var SBATCH_TRES_PER_TASK cpu:1; var SBATCH_NODELIST n1; var SBATCH_UMASK 77; var SLURM_UMASK 77; var SLURM_DEBUG_FLAGS x; var SLURM_TIME_FORMAT %s; var SLURM_HINT compute_bound; var SLURM_CLUSTERS oracle2
