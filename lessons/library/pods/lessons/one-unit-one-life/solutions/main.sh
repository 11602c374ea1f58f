#!/bin/sh
# about: the way the text goes
# answer: room waits
# answer: same name
set -e
kubectl apply -f duo.yaml
kubectl wait --for=condition=Ready pod/duo --timeout=60s
kubectl exec duo -c web -- kill 1 || true # what ends a container may end this program, too
until [ "$(kubectl get pod duo -o jsonpath='{.status.containerStatuses[?(@.name=="web")].restartCount}')" -gt 0 ]; do sleep 0.2; done
kubectl wait --for=condition=Ready pod/duo --timeout=60s
kubectl delete pod duo
kubectl apply -f duo.yaml
kubectl wait --for=condition=Ready pod/duo --timeout=60s
