#!/bin/bash
#SBATCH --array
