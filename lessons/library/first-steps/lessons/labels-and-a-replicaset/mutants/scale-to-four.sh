#!/bin/sh
# about: four pods by asking for four, where one should have escaped
# fails: released: A ReplicaSet counts the pods that carry its labels
set -e
kubectl apply -f web-rs.yaml
kubectl wait --for=jsonpath='{.status.readyReplicas}'=3 rs/web --timeout=60s
kubectl delete "$(kubectl get pods -l app=web -o name | head -n 1)"
kubectl scale rs web --replicas=4
kubectl wait --for=jsonpath='{.status.readyReplicas}'=4 rs/web --timeout=60s
