#!/bin/sh
# about: one pod that is replaced by an update of the Deployment
# answer: where node
# answer: third half
set -e
kubectl scale deployment shop --replicas=1
kubectl wait --for=jsonpath='{.status.replicas}'=1 deployment/shop --timeout=60s
drydock component stop proxy@node-1
kubectl set image deployment/shop web=drydock/web:2
kubectl rollout status deployment/shop --timeout=60s
sleep 5
drydock component start proxy@node-1
