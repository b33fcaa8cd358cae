#!/bin/bash
#SBATCH --mem-per=2
