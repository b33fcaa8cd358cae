#!/bin/bash
#SBATCH --propagate=stack
