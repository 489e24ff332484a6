#!/bin/bash
# The forecasts of a backtest by an array of Slurm, and the backtest after it:
#
#   id=$(sbatch --parsable --array=0-15 slurm.sh work)
#   sbatch --dependency=afterok:$id slurm.sh backtest
#
# The cache of the configuration is a folder that all nodes see, or a bucket
# (s3://bucket/prefix). allocate plan --shards --backtest proposes the number of
# processes. A task that fails may be submitted again: results are in the cache.
#SBATCH --job-name=allocate
#SBATCH --cpus-per-task=4
#SBATCH --mem=4G
#SBATCH --time=04:00:00
#SBATCH --requeue
set -euo pipefail

config=${ALLOCATE_CONFIG:-allocate.yaml}
case ${1:-work} in
  # The shard is that of the array: SLURM_ARRAY_TASK_ID of SLURM_ARRAY_TASK_COUNT.
  work) exec allocate work --backtest --config "$config" --set "workers=${SLURM_CPUS_PER_TASK:-1}" ;;
  backtest) exec allocate backtest --config "$config" --set "workers=${SLURM_CPUS_PER_TASK:-1}" ;;
  *)
    echo "slurm.sh: expected work or backtest" >&2
    exit 4
    ;;
esac
