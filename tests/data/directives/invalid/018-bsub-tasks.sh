#!/bin/bash
#BSUB -n 4,
