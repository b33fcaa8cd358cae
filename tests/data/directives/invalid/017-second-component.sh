#!/bin/bash
#SBATCH -N1
#SBATCH hetjob
#SBATCH -n 0
