#!/bin/sh
# about: the pod is deleted to be rid of its label, and no one ever was one too many
# fails: off: Deleting is not letting go
set -e
kubectl delete "$(kubectl get pods -o name | head -n 1)" --now
kubectl wait --for=jsonpath='{.status.readyReplicas}'=3 rs/web --timeout=60s
