#!/bin/sh
# about: the same name is taken for the same pod
# fails: same: A name is a place in a list
# answer: room waits
# answer: same uid
set -e
kubectl apply -f duo.yaml
kubectl wait --for=condition=Ready pod/duo --timeout=60s
kubectl exec duo -c web -- kill 1 || true # what ends a container may end this program, too
until [ "$(kubectl get pod duo -o jsonpath='{.status.containerStatuses[?(@.name=="web")].restartCount}')" -gt 0 ]; do sleep 0.2; done
kubectl wait --for=condition=Ready pod/duo --timeout=60s
kubectl delete pod duo --now
kubectl apply -f duo.yaml
kubectl wait --for=condition=Ready pod/duo --timeout=60s
