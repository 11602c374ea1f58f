#!/bin/sh
# about: the pod that was let go is deleted instead of taken back
# fails: back: Give the pod its label back
set -e
kubectl label "$(kubectl get pods -o name | head -n 1)" app-
kubectl wait --for=jsonpath='{.status.readyReplicas}'=3 rs/web --timeout=60s
kubectl delete "$(kubectl get pods -l '!app' -o name)" --now
