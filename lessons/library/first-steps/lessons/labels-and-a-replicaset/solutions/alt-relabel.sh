#!/bin/sh
# about: the label gets another value instead of being taken away, and the deletion is not waited for
# answer: why selector
set -e
kubectl create -f web-rs.yaml
kubectl wait --for=jsonpath='{.status.readyReplicas}'=3 rs/web --timeout=60s
first=$(kubectl get pods -l app=web -o jsonpath='{.items[0].metadata.name}')
second=$(kubectl get pods -l app=web -o jsonpath='{.items[1].metadata.name}')
kubectl delete pod "$first" --wait=false
kubectl label pod "$second" app=examined --overwrite
