#!/bin/bash
#SBATCH -w n[1-3] -N 2
