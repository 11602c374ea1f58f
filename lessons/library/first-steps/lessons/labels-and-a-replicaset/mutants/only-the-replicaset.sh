#!/bin/sh
# about: the count is taken down and up again; that is another sentence for the controller, not a lost pod
# fails: deleted-one: Only when one is missing
set -e
kubectl apply -f web-rs.yaml
kubectl wait --for=jsonpath='{.status.readyReplicas}'=3 rs/web --timeout=60s
kubectl scale rs web --replicas=2
kubectl wait --for=jsonpath='{.status.replicas}'=2 rs/web --timeout=60s
while [ "$(kubectl get pods -l app=web -o name | wc -l)" -gt 2 ]; do sleep 1; done
kubectl scale rs web --replicas=3
kubectl wait --for=jsonpath='{.status.readyReplicas}'=3 rs/web --timeout=60s
