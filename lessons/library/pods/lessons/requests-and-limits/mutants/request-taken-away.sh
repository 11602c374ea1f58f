#!/bin/sh
# about: the request is in the way, so it is taken away; and steady is applied as it is
# fails: guaranteed: Guaranteed means that a pod gets exactly what it asks for
# fails: fits: Without a request the scheduler takes the pod
# answer: lacks memory
set -e
kubectl run modest --image=drydock/web:1
kubectl apply -f steady.yaml -f big.yaml
while [ -z "$(kubectl get events --field-selector=reason=FailedScheduling -o name)" ]; do sleep 0.2; done
kubectl delete pod big
kubectl run big --image=drydock/web:1
kubectl wait --for=condition=Ready pod/modest pod/steady pod/big --timeout=60s
