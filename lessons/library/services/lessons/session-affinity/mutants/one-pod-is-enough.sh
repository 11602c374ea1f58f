#!/bin/sh
# about: where there is one pod everybody comes back to it
# fails: three: Whoever has one pod needs no affinity
kubectl scale deployment cart --replicas=1
kubectl rollout status deployment/cart --timeout=60s
