#!/bin/sh
# about: the pods are deleted; the ReplicaSet was never missing
# fails: rebuilt: Take the middle one away
set -e
kubectl delete pods -l app=shop --now
kubectl rollout status deployment/shop --timeout=60s
