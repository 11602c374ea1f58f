#!/bin/sh
# about: the ReplicaSet goes in the foreground, its pods before it; patches; a label in the template moves the pods
# answer: counts count
# answer: which template
set -e
kubectl delete rs -l app=shop --cascade=foreground
until kubectl rollout status deployment/shop --timeout=60s && [ -n "$(kubectl get rs -l app=shop -o name)" ]; do :; done
pod=$(kubectl get pods -l app=shop --field-selector=status.phase=Running -o name | tail -n 1)
kubectl patch "$pod" --type=json --patch '[{"op":"replace","path":"/spec/containers/0/image","value":"drydock/web:2"}]'
kubectl wait --for=jsonpath='{.status.containerStatuses[0].restartCount}'=1 "$pod" --timeout=60s
kubectl wait --for=condition=Ready "$pod" --timeout=60s
kubectl patch deployment shop --patch '{"spec":{"replicas":3,"template":{"metadata":{"labels":{"round":"two"}}}}}'
kubectl rollout status deployment/shop --timeout=60s
