#!/bin/bash
#SBATCH -J x --time=24h
