#!/bin/sh
# about: a pod for each container, because a container is taken for the unit
# fails: placed: What belongs together is one pod
set -e
kubectl run duo --image=drydock/web:1
kubectl run clock --image=drydock/base:1 -- sleep infinity
kubectl wait --for=condition=Ready pod/duo pod/clock --timeout=60s
