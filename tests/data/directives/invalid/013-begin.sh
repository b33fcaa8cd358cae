#!/bin/bash
#SBATCH --begin="now+5foo"
