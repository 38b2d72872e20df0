#!/usr/bin/env bash
# Trains one model on GPU nodes under Slurm, and goes on until it is done.
#
#   sbatch launch/slurm.sh --gin_file=gin/semantic.gin \
#       --gin.TOKENS="'/shared/tokens'" --gin.MODEL_DIR="'/shared/runs/semantic'"
#
# Fill in the lines below; run it from the root of the repository, with
# `audiolm` on the PATH. Flags are those of `audiolm train`.
#SBATCH --job-name=audiolm
#SBATCH --nodes=2
# One process a GPU: JAX knows Slurm, and gives each the GPU of its number. All
# GPUs of a node must be visible to all its processes, so no --gpus-per-task.
#SBATCH --ntasks-per-node=8
#SBATCH --gres=gpu:8
#SBATCH --cpus-per-task=8
#SBATCH --time=24:00:00
# SIGTERM five minutes before the end, for the last checkpoint.
#SBATCH --signal=TERM@300
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x-%j.log
set -euo pipefail
export JAX_PLATFORMS=cuda,cpu

# srun returns the highest exit code, and a process that srun killed because
# another had ended would have one above 75. JAX ends the others by itself.
code=0
srun --kill-on-bad-exit=0 audiolm train --multiprocess "$@" || code=$?

# 75: stopped by SIGTERM or its time limit; the same job goes on later. 2 is a
# mistake, and others are failures to look at.
if ((code == 75)); then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
