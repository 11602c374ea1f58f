#!/bin/sh
# about: one pod for each container, in the belief that pods on one node see each other's files
# fails: together: Two pods have nothing in common
# answer: caller loopback
set -e
kubectl apply -f pair.yaml
kubectl run writer --image=drydock/base:1 -- sh -c 'mkdir -p /notes; while true; do date >> /notes/log; sleep 1; done'
kubectl run notes --image=drydock/base:1 -- sleep infinity
kubectl wait --for=condition=Ready pod/pair pod/notes --timeout=60s
