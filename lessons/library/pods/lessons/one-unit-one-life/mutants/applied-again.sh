#!/bin/sh
# about: the file is applied again to have a new pod, but there is one already
# fails: anew: A pod ends once
# answer: room waits
set -e
kubectl apply -f duo.yaml
kubectl wait --for=condition=Ready pod/duo --timeout=60s
kubectl exec duo -c web -- kill 1 || true # what ends a container may end this program, too
until [ "$(kubectl get pod duo -o jsonpath='{.status.containerStatuses[?(@.name=="web")].restartCount}')" -gt 0 ]; do sleep 0.2; done
kubectl wait --for=condition=Ready pod/duo --timeout=60s
kubectl apply -f duo.yaml
