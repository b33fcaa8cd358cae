#!/bin/bash
#SBATCH --signal=B:FOO@60
