#!/bin/bash
#SBATCH -N1 --comment=it's
