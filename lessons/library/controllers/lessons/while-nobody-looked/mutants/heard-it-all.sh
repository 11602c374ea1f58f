#!/bin/sh
# about: the controllers are thought to be told everything that happened meanwhile
# fails: how: Who must hear every piece of news is lost
# answer: how replay
set -e
drydock component stop controller-manager
kubectl delete "$(kubectl get pods -o name | head -n 1)" --wait=false
kubectl scale deployment shop --replicas=5
kubectl scale deployment shop --replicas=3
drydock component start controller-manager
kubectl rollout status deployment/shop --timeout=60s
