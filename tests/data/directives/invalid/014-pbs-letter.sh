#!/bin/bash
#PBS -N x
#PBS -P project
