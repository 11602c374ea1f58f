#!/bin/sh
# about: the way the text goes
# answer: why selector
set -e
kubectl apply -f web-rs.yaml
kubectl wait --for=jsonpath='{.status.readyReplicas}'=3 rs/web --timeout=60s
kubectl delete "$(kubectl get pods -l app=web -o name | head -n 1)"
kubectl wait --for=jsonpath='{.status.readyReplicas}'=3 rs/web --timeout=60s
kubectl label "$(kubectl get pods -l app=web --field-selector=status.phase=Running -o name | head -n 1)" app-
