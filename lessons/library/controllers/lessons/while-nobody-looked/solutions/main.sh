#!/bin/sh
# about: the way the text goes
# answer: how compare
set -e
drydock component stop controller-manager
kubectl delete "$(kubectl get pods -o name | head -n 1)" --wait=false
kubectl scale deployment shop --replicas=5
kubectl scale deployment shop --replicas=3
drydock component start controller-manager
kubectl rollout status deployment/shop --timeout=60s
