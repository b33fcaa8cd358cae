#!/bin/bash
#SBATCH : -N2
